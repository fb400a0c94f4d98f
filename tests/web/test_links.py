import uuid
from collections.abc import Callable

import msgspec
import pytest
from flask.testing import FlaskClient

from contracts import links_pb2
from tasks.intake.models import Outbox
from tasks.links.messages import CheckLinks, link_id
from tests.web.conftest import WORKSPACE
from tests.web.neighbours import Neighbours

Outboxes = Callable[[], list[Outbox]]


def test_a_link_is_accepted_normalised_and_sent_to_the_interactive_queue(client: FlaskClient, outbox: Outboxes) -> None:
    body = {"url": "HTTP://Example.com:80/a/../b", "interval_s": 60, "tags": ["docs"], "external_id": "page-1"}
    response = client.post("/api/v1/links", json=body)
    answer = response.json
    assert response.status_code == 202
    assert response.headers["Location"] == f"/api/v1/links/{answer['id']}"
    assert answer["url"] == "http://example.com/b"
    assert answer["id"] == str(link_id(WORKSPACE, answer["url"]))
    assert answer["state"] == "pending"
    [check] = [letter for letter in outbox() if letter.name == "CheckLinks"]
    message = msgspec.json.decode(check.body, type=CheckLinks)
    assert check.routing_key == "links.interactive"
    [spec] = message.links
    assert (spec.url, spec.interval_s, spec.tags, spec.external_id) == (answer["url"], 60, ("docs",), "page-1")
    assert str(message.job_id) == answer["job_id"]


def test_an_accepted_link_is_readable_at_once_as_pending(client: FlaskClient) -> None:
    accepted = client.post("/api/v1/links", json={"url": "https://example.com/", "tags": ["docs"]})
    link = client.get(accepted.headers["Location"]).json
    assert (link["id"], link["url"], link["state"], link["tags"]) == (
        accepted.json["id"],
        "https://example.com/",
        "pending",
        ["docs"],
    )
    assert link["verdict"] is None
    assert client.get(f"{accepted.headers['Location']}/checks").json == {"items": [], "next_cursor": None}


def test_a_link_that_its_service_knows_is_as_the_service_says(client: FlaskClient, neighbours: Neighbours) -> None:
    link = links_pb2.Link(id=str(uuid.uuid4()), url="https://e.org/", state="broken", verdict="broken", interval_s=60)
    link.since.FromJsonString("2026-11-21T10:00:00.5Z")
    neighbours.links.append(link)
    found = client.get(f"/api/v1/links/{link.id}").json
    assert (found["state"], found["since"], found["last_checked_at"]) == ("broken", "2026-11-21T10:00:00.500Z", None)


@pytest.mark.parametrize("path", ["/api/v1/links/{}", "/api/v1/links/{}/checks", "/api/v1/jobs/{}"])
def test_another_workspaces_things_are_not_found(client: FlaskClient, stranger: FlaskClient, path: str) -> None:
    accepted = client.post("/api/v1/links", json={"url": "https://example.com/"}).json
    identity = accepted["job_id"] if "jobs" in path else accepted["id"]
    assert client.get(path.format(identity)).status_code == 200
    assert stranger.get(path.format(identity)).status_code == 404
    assert client.get(path.format(uuid.uuid4())).status_code == 404


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({}, "/url"),
        ({"url": ""}, "/url"),
        ({"url": "no scheme"}, "/url"),
        ({"url": "http://[::1/"}, "/url"),
        ({"url": "https://user:pw@e.org/"}, "/url"),
        ({"url": "https://e.org/" + "a" * 9000}, "/url"),
        ({"url": 7}, "/url"),
        ({"url": "https://e.org/", "interval_s": 0}, "/interval_s"),
        ({"url": "https://e.org/", "interval_s": "60"}, "/interval_s"),
        ({"url": "https://e.org/", "tags": ["ok", ""]}, "/tags/1"),
        ({"url": "https://e.org/", "tags": "docs"}, "/tags"),
        ({"url": "https://e.org/", "external_id": "a\x00b"}, "/external_id"),
        ({"url": "https://e.org/", "colour": "red"}, "/colour"),
        ([], ""),
        ("text", ""),
    ],
)
def test_what_does_not_fit_is_refused_with_a_pointer_to_it(client: FlaskClient, body: object, pointer: str) -> None:
    response = client.post("/api/v1/links", json=body)
    assert response.status_code == 422
    assert [fault["pointer"] for fault in response.json["errors"]] == [pointer]
    assert response.json["errors"][0]["detail"]


def test_links_are_listed_by_every_filter(client: FlaskClient, neighbours: Neighbours) -> None:
    neighbours.links.append(links_pb2.Link(id=str(uuid.uuid4()), url="https://e.org/", state="up", interval_s=60))
    filters = {"state": "broken", "verdict": "broken", "reason": "http_404", "tag": "docs", "host": "e.org", "q": "x"}
    assert len(client.get("/api/v1/links", query_string=filters).json["items"]) == 1
    [request] = neighbours.calls("ListLinks")
    assert {name: getattr(request, name) for name in filters} == filters
    assert request.workspace_id == str(WORKSPACE)


@pytest.mark.parametrize("query", ["verdict=bad", "stat=up", "limit=0", "limit=201", "limit=x", "q=%00"])
def test_a_filter_that_means_nothing_is_an_error(client: FlaskClient, query: str) -> None:
    response = client.get(f"/api/v1/links?{query}")
    assert response.status_code == 422
    assert response.json["errors"][0]["pointer"] == f"/{query.partition('=')[0]}"
