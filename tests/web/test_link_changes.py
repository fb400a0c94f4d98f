import uuid
from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from flask.testing import FlaskClient

from contracts import links_pb2
from tasks.intake.models import Outbox
from tasks.links.messages import CheckLinks, link_id
from tests.web.conftest import WORKSPACE, MakeClient
from tests.web.neighbours import Neighbours

Outboxes = Callable[[], list[Outbox]]
URL = "https://e.org/"
LINK = str(link_id(WORKSPACE, URL))
PATH = f"/api/v1/links/{LINK}"


@pytest.fixture
def link(neighbours: Neighbours) -> links_pb2.Link:
    """A link that its service knows."""
    found = links_pb2.Link(id=LINK, url=URL, state="up", interval_s=3600, version=1)
    neighbours.links.append(found)
    return found


def checks(outbox: Outboxes) -> list[tuple[str, CheckLinks]]:
    return [
        (each.routing_key, msgspec.json.decode(each.body, type=CheckLinks))
        for each in outbox()
        if each.name == "CheckLinks"
    ]


def test_a_link_is_edited_by_its_etag_and_answered_with_the_next(
    client: FlaskClient, neighbours: Neighbours, link: links_pb2.Link
) -> None:
    read = client.get(PATH)
    wanted = {
        "interval_s": 60,
        "tags": ["docs"],
        "external_id": "page-1",
        "paused": True,
        "ignored": True,
        "muted_until": "2027-01-01T08:00:00+01:00",
        "confirm_hard": 1,
        "confirm_transient": 5,
        "min_confirm_s": 0,
    }
    edited = client.patch(PATH, json=wanted, headers={"If-Match": read.headers["ETag"], "User-Agent": "curl/8"})
    assert edited.status_code == 200
    expected = wanted | {"muted_until": "2027-01-01T07:00:00Z", "version": 2}
    assert {name: edited.json[name] for name in expected} == expected
    assert edited.headers["ETag"] == client.get(PATH).headers["ETag"] != read.headers["ETag"]
    [request] = neighbours.calls("EditLink")
    assert (list(request.versions), sorted(request.changed)) == ([1], sorted(wanted))  # type: ignore[attr-defined]
    assert (request.caller.actor, request.caller.user_agent) == ("key:test", "curl/8")  # type: ignore[attr-defined]


def test_what_is_null_goes_back_to_the_settings_own(
    client: FlaskClient, neighbours: Neighbours, link: links_pb2.Link
) -> None:
    link.confirm_hard = 9
    edited = client.patch(PATH, json={"confirm_hard": None, "muted_until": None}, headers={"If-Match": "*"})
    assert (edited.status_code, edited.json["confirm_hard"]) == (200, None)
    [request] = neighbours.calls("EditLink")
    assert list(request.versions) == []  # type: ignore[attr-defined]


def test_an_edit_without_an_etag_is_refused(client: FlaskClient, neighbours: Neighbours, link: links_pb2.Link) -> None:
    response = client.patch(PATH, json={"paused": True})
    assert (response.status_code, response.json["type"]) == (428, "/problems/precondition-required")
    assert neighbours.calls("EditLink") == []


@pytest.mark.parametrize("etag", ['"2.abc"', '"rubbish"', 'W/"1.abc"', '"-1"', '"99999999999999.a"'])
def test_an_edit_of_what_is_no_more_is_refused(client: FlaskClient, link: links_pb2.Link, etag: str) -> None:
    response = client.patch(PATH, json={"paused": True}, headers={"If-Match": etag})
    assert (response.status_code, response.json["type"]) == (412, "/problems/precondition-failed")
    assert not link.paused


def test_what_a_check_found_meanwhile_is_no_reason_to_refuse_an_edit(client: FlaskClient, link: links_pb2.Link) -> None:
    etag = client.get(PATH).headers["ETag"]
    link.latency_ms = 7.5
    assert client.get(PATH).headers["ETag"] != etag
    assert client.patch(PATH, json={"paused": True}, headers={"If-Match": etag}).status_code == 200


def test_a_link_that_is_as_the_client_knows_it_is_not_sent_again(client: FlaskClient, link: links_pb2.Link) -> None:
    etag = client.get(PATH).headers["ETag"]
    assert client.get(PATH, headers={"If-None-Match": etag}).status_code == 304


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"interval_s": 0}, "/interval_s"),
        ({"interval_s": None}, "/interval_s"),
        ({"tags": ["a", ""]}, "/tags/1"),
        ({"tags": None}, "/tags"),
        ({"paused": "yes"}, "/paused"),
        ({"paused": None}, "/paused"),
        ({"muted_until": "tomorrow"}, "/muted_until"),
        ({"muted_until": "2027-01-01T08:00:00"}, "/muted_until"),
        ({"confirm_hard": 0}, "/confirm_hard"),
        ({"min_confirm_s": -1}, "/min_confirm_s"),
        ({"url": "https://other.example/"}, "/url"),
        ({"state": "up"}, "/state"),
    ],
)
def test_an_edit_that_does_not_fit_is_refused(
    client: FlaskClient, link: links_pb2.Link, body: dict[str, Any], pointer: str
) -> None:
    response = client.patch(PATH, json=body, headers={"If-Match": "*"})
    assert response.status_code == 422
    assert [fault["pointer"] for fault in response.json["errors"]] == [pointer]


def test_a_link_is_removed_and_only_as_of_its_etag_where_one_is_given(
    client: FlaskClient, neighbours: Neighbours, link: links_pb2.Link
) -> None:
    assert client.delete(PATH, headers={"If-Match": '"7.x"'}).status_code == 412
    assert client.delete(PATH).status_code == 204
    assert client.get(PATH).status_code == 404
    assert client.delete(PATH).status_code == 404
    assert neighbours.calls("RemoveLink")[0].caller.actor == "key:test"  # type: ignore[attr-defined]


def test_a_link_that_is_not_stored_yet_is_to_be_changed_in_a_moment(client: FlaskClient) -> None:
    accepted = client.post("/api/v1/links", json={"url": URL})
    for response in (
        client.patch(accepted.headers["Location"], json={"paused": True}, headers={"If-Match": "*"}),
        client.delete(accepted.headers["Location"]),
    ):
        assert (response.status_code, response.headers["Retry-After"]) == (409, "1")


def test_a_check_now_is_accepted_as_a_full_check_of_a_link_that_is_there(
    client: FlaskClient, outbox: Outboxes, link: links_pb2.Link
) -> None:
    response = client.post(f"{PATH}/check")
    assert response.status_code == 202
    assert response.headers["Location"] == f"/api/v1/jobs/{response.json['job_id']}"
    [(queue, message)] = checks(outbox)
    assert queue == "links.interactive"
    [spec] = message.links
    assert (spec.url, spec.full, spec.tags, message.registers) == (URL, True, None, False)
    assert str(message.job_id) == response.json["job_id"]


def test_a_check_now_with_the_same_key_is_accepted_once(
    client: FlaskClient, outbox: Outboxes, link: links_pb2.Link
) -> None:
    answers = [client.post(f"{PATH}/check", headers={"Idempotency-Key": "k"}) for _ in range(2)]
    assert answers[0].json == answers[1].json
    assert len(checks(outbox)) == 1


def test_a_check_of_no_link_is_not_found(client: FlaskClient) -> None:
    assert client.post(f"/api/v1/links/{uuid.uuid4()}/check").status_code == 404


def act(client: FlaskClient, **body: Any) -> Any:
    return client.post("/api/v1/links/actions", json={"filter": {}, **body})


def test_an_action_goes_to_the_links_of_its_filter(
    client: FlaskClient, neighbours: Neighbours, link: links_pb2.Link
) -> None:
    response = act(client, action="tag", tag="eu", filter={"host": "e.org", "state": "up", "q": "x"})
    assert response.status_code == 200
    assert response.json == {"action": "tag", "dry_run": False, "count": 1, "next_cursor": None, "job_id": None}
    [request] = neighbours.calls("ActOnLinks")
    assert (request.action, request.tag, request.filter.host, request.filter.q) == (  # type: ignore[attr-defined]
        "tag",
        "eu",
        "e.org",
        "x",
    )
    assert request.caller.actor == "key:test"  # type: ignore[attr-defined]


def test_an_action_on_very_many_links_goes_on_with_its_cursor(client: FlaskClient, neighbours: Neighbours) -> None:
    neighbours.links.extend(links_pb2.Link(id=str(uuid.uuid4()), url=URL) for _ in range(10_001))
    first = act(client, action="pause")
    assert first.json["count"] == 10_000
    second = act(client, action="pause", cursor=first.json["next_cursor"])
    assert (second.json["count"], second.json["next_cursor"]) == (1, None)
    # A cursor is good for its own action only.
    assert act(client, action="delete", cursor=first.json["next_cursor"]).status_code == 400


@pytest.mark.parametrize("action", ["check", "pause", "resume", "ignore", "heed", "delete"])
def test_a_dry_run_counts_and_does_nothing(
    client: FlaskClient, neighbours: Neighbours, outbox: Outboxes, link: links_pb2.Link, action: str
) -> None:
    response = act(client, action=action, dry_run=True)
    assert (response.status_code, response.json["count"]) == (200, 1)
    assert (neighbours.calls("ActOnLinks"), checks(outbox)) == ([], [])


def test_checks_of_many_links_are_one_job(client: FlaskClient, neighbours: Neighbours, outbox: Outboxes) -> None:
    urls = [f"https://e.org/{number}" for number in range(3)]
    neighbours.links.extend(links_pb2.Link(id=str(uuid.uuid4()), url=url) for url in urls)
    response = act(client, action="check")
    assert (response.status_code, response.json["count"]) == (202, 3)
    found = checks(outbox)
    assert {queue for queue, _ in found} == {"links.bulk"}
    specs = [spec for _, message in found for spec in message.links]
    assert ([spec.url for spec in specs], {spec.full for spec in specs}) == (urls, {True})
    assert {str(message.job_id) for _, message in found} == {response.json["job_id"]}


def test_where_there_is_nothing_to_check_there_is_no_job(client: FlaskClient, outbox: Outboxes) -> None:
    response = act(client, action="check")
    assert (response.status_code, response.json["count"], response.json["job_id"]) == (200, 0, None)
    assert checks(outbox) == []


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"action": "explode"}, "/action"),
        ({"action": "tag"}, "/tag"),
        ({"action": "pause", "tag": "eu"}, "/tag"),
        ({"action": "pause", "filter": {"colour": "red"}}, "/filter/colour"),
        ({"action": "pause", "filter": {"state": "lost"}}, "/filter/state"),
    ],
)
def test_an_action_that_does_not_fit_is_refused(client: FlaskClient, body: dict[str, Any], pointer: str) -> None:
    response = act(client, **body)
    assert response.status_code == 422
    assert [fault["pointer"] for fault in response.json["errors"]] == [pointer]


def test_a_key_that_may_only_read_changes_nothing(make_client: MakeClient, link: links_pb2.Link) -> None:
    reader = make_client("links:read")
    for response in (
        reader.patch(PATH, json={"paused": True}, headers={"If-Match": "*"}),
        reader.delete(PATH),
        reader.post(f"{PATH}/check"),
        act(reader, action="delete"),
    ):
        assert response.status_code == 403
