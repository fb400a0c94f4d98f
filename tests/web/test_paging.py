import re
import uuid

import pytest
from flask.testing import FlaskClient

from contracts import links_pb2
from tests.web.neighbours import Neighbours
from web.cursors import BadCursor, Cursors


@pytest.fixture(autouse=True)
def links(neighbours: Neighbours) -> None:
    neighbours.links += [
        links_pb2.Link(id=str(uuid.uuid4()), url=f"https://e.org/{number}", state="up", interval_s=60)
        for number in range(25)
    ]


def test_pages_follow_each_other_without_a_gap(client: FlaskClient) -> None:
    found, path = [], "/api/v1/links?limit=10&q=e%26f"
    while path:
        response = client.get(path)
        found += [item["url"] for item in response.json["items"]]
        link = response.headers.get("Link", "")
        assert bool(link) == bool(response.json["next_cursor"])
        path = re.fullmatch(r'<(.+)>; rel="next"', link)[1] if link else ""
        assert "q=e%26f" in path or not path
    assert found == [f"https://e.org/{number}" for number in range(25)]


def test_a_page_has_fifty_items_unless_asked_otherwise(client: FlaskClient, neighbours: Neighbours) -> None:
    client.get("/api/v1/links")
    client.get("/api/v1/links?limit=200")
    assert [request.limit for request in neighbours.calls("ListLinks")] == [50, 200]


def test_the_length_of_a_page_may_change_on_the_way(client: FlaskClient) -> None:
    cursor = client.get("/api/v1/links?limit=10").json["next_cursor"]
    assert len(client.get(f"/api/v1/links?limit=5&cursor={cursor}").json["items"]) == 5


def test_a_cursor_is_good_for_its_own_list_only(client: FlaskClient, stranger: FlaskClient) -> None:
    cursor = client.get("/api/v1/links?limit=10&state=up").json["next_cursor"]
    link = client.get("/api/v1/links?limit=1").json["items"][0]["id"]
    assert client.get(f"/api/v1/links?state=up&cursor={cursor}").status_code == 200
    for other, path in (
        (client, f"/api/v1/links?cursor={cursor}"),
        (client, f"/api/v1/links?state=broken&cursor={cursor}"),
        (client, f"/api/v1/channels?cursor={cursor}"),
        (client, f"/api/v1/links/{link}/checks?cursor={cursor}"),
        (client, f"/api/v1/links?state=up&cursor={cursor}x"),
        (client, "/api/v1/links?cursor=10"),
        (stranger, f"/api/v1/links?state=up&cursor={cursor}"),
    ):
        response = other.get(path)
        assert response.status_code == 400, path
        assert response.json["type"] == "/problems/bad-cursor"


def test_a_cursor_is_signed_with_the_secret_key() -> None:
    cursor = Cursors("one").write("2026 x", "list")
    assert Cursors("one").read(cursor, "list") == "2026 x"
    with pytest.raises(BadCursor):
        Cursors("two").read(cursor, "list")
