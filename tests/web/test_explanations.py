"""Where the types of problems lead. `tests/web/contract.py` follows the type of every problem that any test meets."""

import re
from pathlib import Path

import pytest
from flask.testing import FlaskClient

from web.explanations import EXPLANATIONS
from web.problems import SLUGS

WEB = Path(__file__).parents[2] / "web"


@pytest.mark.parametrize("slug", EXPLANATIONS)
def test_each_kind_of_problem_has_a_page_for_anybody(client: FlaskClient, slug: str) -> None:
    page = client.get(f"/problems/{slug}", headers={"Authorization": ""})
    assert page.status_code == 200
    assert page.content_type.startswith("text/html")
    assert f"<h1>{EXPLANATIONS[slug].status} " in page.text
    assert "<script" not in page.text
    assert f'href="/problems/{slug}"' in client.get("/problems").text


def test_every_slug_that_is_written_anywhere_is_explained() -> None:
    written = {slug for path in WEB.rglob("*.py") for slug in re.findall(r'slug="([a-z-]+)"', path.read_text())}
    assert written | set(SLUGS.values()) <= set(EXPLANATIONS)


def test_what_is_no_kind_of_problem_is_not_found(client: FlaskClient) -> None:
    response = client.get("/problems/nonsense")
    assert response.status_code == 404
    assert response.json["type"] == "/problems/not-found"
    assert client.get(response.json["type"]).status_code == 200
