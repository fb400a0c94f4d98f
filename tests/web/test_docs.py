import re

import pytest
from flask.testing import FlaskClient

from web.docs import ASSETS


def test_the_page_is_made_of_our_own_files_only(client: FlaskClient) -> None:
    page = client.get("/docs")
    assert page.content_type.startswith("text/html")
    linked = re.findall(r'(?:src|href)="([^"]+)"', page.text)
    assert len(linked) == 4
    for path in linked:
        assert path.startswith("/docs/")
        assert client.get(path).status_code == 200
    assert "<style" not in page.text
    assert not re.search(r"<script(?! src=)", page.text)
    assert not re.search(r"\son\w+=", page.text)


def test_its_policy_allows_nothing_inline_and_nothing_from_elsewhere(client: FlaskClient) -> None:
    policy = client.get("/docs").headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "script-src 'self'" in policy
    assert "unsafe" not in policy
    assert "http" not in policy


@pytest.mark.parametrize("name", ASSETS)
def test_each_file_is_served_with_its_type(client: FlaskClient, name: str) -> None:
    types = {"css": "text/css", "js": "text/javascript", "png": "image/png"}
    response = client.get(f"/docs/{name}")
    assert response.status_code == 200
    assert response.content_type.startswith(types[name.rpartition(".")[2]])


@pytest.mark.parametrize("path", ["/docs/index.html", "/docs/%2e%2e/app.py", "/docs/..%2fapp.py", "/docs/"])
def test_no_other_file_is_served(client: FlaskClient, path: str) -> None:
    assert client.get(path).status_code == 404
