import uuid
from xml.etree import ElementTree

import pytest
from flask.testing import FlaskClient

from contracts import links_pb2
from tests.web.conftest import WORKSPACE
from tests.web.neighbours import Neighbours
from web.shield import COLOURS

BADGE = str(uuid.uuid4())


def words(svg: bytes) -> tuple[str | None, str]:
    """What it says, and in what colour."""
    root = ElementTree.fromstring(svg)
    title = root.findtext("{http://www.w3.org/2000/svg}title")
    return title, next(name for name, colour in COLOURS.items() if f'fill="{colour}"'.encode() in svg)


@pytest.mark.parametrize(
    ("reading", "metric", "said"),
    [
        ({"state": "up"}, "state", ("link: up", "green")),
        ({"state": "broken", "broken": 1}, "state", ("link: broken", "red")),
        ({"state": "paused"}, "state", ("link: paused", "grey")),
        ({"tag": "docs", "state": "broken", "broken": 3}, "state", ("docs: 3 broken", "red")),
        ({"tag": "<docs>&", "state": "unknown"}, "state", ("<docs>&: unknown", "grey")),
        ({"state": "up", "uptime": 0.999999}, "uptime_30d", ("link: 99.99%", "green")),
        ({"state": "up", "uptime": 1.0}, "uptime_30d", ("link: 100%", "green")),
        ({"state": "up", "uptime": 0.5}, "uptime_30d", ("link: 50%", "red")),
        ({"state": "pending"}, "uptime_30d", ("link: unknown", "grey")),
    ],
)
def test_a_badge_is_shown_to_anybody(
    client: FlaskClient, neighbours: Neighbours, reading: dict[str, object], metric: str, said: tuple[str, str]
) -> None:
    neighbours.readings[BADGE] = links_pb2.BadgeReading(**reading)  # type: ignore[arg-type]  # as the table has it
    answer = client.get(f"/badge/{BADGE}.svg?metric={metric}", headers={"Authorization": ""})
    assert (answer.status_code, answer.content_type) == (200, "image/svg+xml; charset=utf-8")
    assert words(answer.data) == said


def test_a_badge_may_stand_on_any_page_and_is_kept_for_a_minute(client: FlaskClient, neighbours: Neighbours) -> None:
    neighbours.readings[BADGE] = links_pb2.BadgeReading(state="up")
    first = client.get(f"/badge/{BADGE}.svg")
    assert first.headers["Cache-Control"] == "public, max-age=60"
    assert first.headers["Cross-Origin-Resource-Policy"] == "cross-origin"
    assert "default-src 'none'" in first.headers["Content-Security-Policy"]
    known = {"If-None-Match": first.headers["ETag"]}
    assert client.get(f"/badge/{BADGE}.svg", headers=known).status_code == 304
    neighbours.readings[BADGE] = links_pb2.BadgeReading(state="broken")
    assert client.get(f"/badge/{BADGE}.svg", headers=known).status_code == 200


def test_whatever_is_not_public_answers_alike(client: FlaskClient) -> None:
    names = (str(uuid.uuid4()), "docs", "%3Cscript%3E", "0")
    found = [client.get(f"/badge/{name}.svg") for name in names]
    told = [
        {name: value for name, value in each.json.items() if name not in ("instance", "trace_id")} for each in found
    ]
    assert [each.status_code for each in found] == [404] * 4
    assert told == [told[0]] * 4
    assert all(each.headers["Cache-Control"] == "no-store" for each in found)
    assert client.get(f"/badge/{BADGE}.svg?metric=owner").status_code == 422


def test_a_tag_is_made_public_listed_and_taken_back(client: FlaskClient, neighbours: Neighbours) -> None:
    made = client.post("/api/v1/badges", json={"tag": "docs"})
    assert (made.status_code, made.headers["Location"]) == (201, made.json["path"])
    assert made.json["path"] == f"/badge/{made.json['id']}.svg"
    assert client.get("/api/v1/badges").json["items"] == [made.json]
    assert client.delete(f"/api/v1/badges/{made.json['id']}").status_code == 204
    assert client.delete(f"/api/v1/badges/{made.json['id']}").status_code == 404
    [asked] = neighbours.calls("CreateBadge")
    assert (asked.workspace_id, asked.caller.actor) == (str(WORKSPACE), "key:test")  # type: ignore[attr-defined]
    assert client.post("/api/v1/badges", json={"tag": "two\nlines"}).status_code == 422
