from typing import Any

import pytest
from flask.testing import FlaskClient

from tests.web.neighbours import Neighbours

WINDOW = {
    "name": "night",
    "host": "e.org",
    "starts_at": "2027-01-03T02:00:00+01:00",
    "duration_s": 3600,
    "rrule": "FREQ=WEEKLY;BYDAY=SU",
    "timezone": "Europe/Berlin",
}


def test_a_window_is_made_read_changed_and_removed(client: FlaskClient, neighbours: Neighbours) -> None:
    made = client.post("/api/v1/windows", json=WINDOW)
    assert made.status_code == 201
    expected = WINDOW | {"starts_at": "2027-01-03T01:00:00Z", "tag": None, "version": 1}
    assert {name: made.json[name] for name in expected} == expected
    path = made.headers["Location"]
    read = client.get(path)
    assert (read.json, read.headers["ETag"]) == (made.json, made.headers["ETag"])
    assert client.get("/api/v1/windows").json["items"] == [made.json]
    assert client.put(path, json=WINDOW).status_code == 428
    changed = client.put(path, json=WINDOW | {"name": "day"}, headers={"If-Match": read.headers["ETag"]})
    assert (changed.status_code, changed.json["name"], changed.json["version"]) == (200, "day", 2)
    assert client.put(path, json=WINDOW, headers={"If-Match": read.headers["ETag"]}).status_code == 412
    assert client.delete(path).status_code == 204
    assert client.get(path).status_code == client.delete(path).status_code == 404
    assert {call.caller.actor for call in neighbours.calls("CreateWindow")} == {"key:test"}  # type: ignore[attr-defined]


def test_what_the_service_finds_wrong_with_a_window_is_told(client: FlaskClient) -> None:
    response = client.post("/api/v1/windows", json=WINDOW | {"rrule": "FREQ=SECONDLY"})
    assert (response.status_code, response.json["errors"]) == (
        422,
        [{"pointer": "/rrule", "detail": "happens too often"}],
    )


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"name": ""}, "/name"),
        ({"starts_at": "2027-01-03T02:00:00"}, "/starts_at"),
        ({"duration_s": 0}, "/duration_s"),
        ({"duration_s": 40 * 86_400}, "/duration_s"),
        ({"rrule": "FREQ=DAILY\nDTSTART=1"}, "/rrule"),
        ({"colour": "red"}, "/colour"),
    ],
)
def test_a_window_that_does_not_fit_is_refused(client: FlaskClient, change: dict[str, Any], pointer: str) -> None:
    response = client.post("/api/v1/windows", json=WINDOW | change)
    assert response.status_code == 422
    assert [fault["pointer"] for fault in response.json["errors"]] == [pointer]
