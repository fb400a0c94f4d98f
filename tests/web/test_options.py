"""Options of links and policies: judged at the door, never shown with their secrets, never sent in clear."""

import json
from collections.abc import Callable
from typing import Any

import grpc
import msgspec
import pytest
from flask.testing import FlaskClient

from contracts import links_pb2
from tasks.intake.models import Outbox
from tasks.links.messages import CheckLinks, LinkSettings, link_id
from tests.web.conftest import WORKSPACE
from tests.web.neighbours import Neighbours

Outboxes = Callable[[], list[Outbox]]
URL = "https://a.example/"
LINK = str(link_id(WORKSPACE, URL))
SET = {"set": True}
OPTIONS: dict[str, Any] = {
    "verdicts": {"403": "ok", "5xx": "inconclusive"},
    "accepted_redirects": ["/login$"],
    "required_text": ["Welcome"],
    "forbidden_text": ["Error"],
    "required_headers": {"Content-Type": "html"},
    "json_values": {"a.0": 1, "b": None, "c": "x", "d": True},
    "request_headers": {"Accept-Language": "de", "X-Token": "top-secret"},
    "cookies": {"session": "top-secret"},
    "basic_auth": {"username": "me", "password": "top-secret"},
    "user_agent": "Us/1",
    "method": "GET",
    "timeout_s": 2.5,
    "robots": False,
}
SHOWN = OPTIONS | {
    "request_headers": {"Accept-Language": "de", "X-Token": SET},
    "cookies": {"session": SET},
    "basic_auth": SET,
}


def settings(outbox: Outboxes) -> list[LinkSettings | None]:
    messages = [msgspec.json.decode(each.body, type=CheckLinks) for each in outbox() if each.name == "CheckLinks"]
    return [spec.settings for message in messages for spec in message.links]


def test_a_link_is_submitted_with_its_options_and_its_secrets_leave_sealed(
    client: FlaskClient, neighbours: Neighbours, outbox: Outboxes
) -> None:
    body = {"url": URL, "options": OPTIONS, "confirm_hard": 1, "min_confirm_s": 0, "full": True}
    assert client.post("/api/v1/links", json=body).status_code == 202
    assert settings(outbox) == [LinkSettings(SHOWN, f"sealed for {LINK}", confirm_hard=1, min_confirm_s=0)]
    assert "top-secret" not in "".join(each.body for each in outbox())
    [asked] = neighbours.calls("SealSecrets")
    [item] = asked.items  # type: ignore[attr-defined]
    assert json.loads(item.secrets_json)["cookies"] == {"session": "top-secret"}
    link = client.get(f"/api/v1/links/{LINK}").json
    assert (link["options"], link["confirm_hard"], link["min_confirm_s"]) == (SHOWN, 1, 0)


def test_options_without_a_secret_need_nobody_to_seal_them(
    client: FlaskClient, neighbours: Neighbours, outbox: Outboxes
) -> None:
    neighbours.failing["links"] = grpc.StatusCode.UNAVAILABLE
    assert client.post("/api/v1/links", json={"url": URL, "options": {"timeout_s": 5}}).status_code == 202
    assert client.post("/api/v1/links", json={"url": URL, "options": {"method": None}}).status_code == 202
    assert settings(outbox) == [LinkSettings({"timeout_s": 5}), LinkSettings({})]


def test_while_nobody_can_seal_them_secrets_are_not_accepted(
    client: FlaskClient, neighbours: Neighbours, accepted: Callable[[], tuple[int, int]]
) -> None:
    neighbours.failing["links"] = grpc.StatusCode.UNAVAILABLE
    refused = client.post("/api/v1/links", json={"url": URL, "options": {"bearer_token": "top-secret"}})
    assert (refused.status_code, accepted()) == (503, (0, 0))
    assert "Retry-After" in refused.headers


@pytest.mark.parametrize(
    ("options", "pointer", "said"),
    [
        ({"verdicts": {"40x": "ok"}}, "/options/verdicts/40x", "neither a status"),
        ({"verdicts": {"403": "fine"}}, "/options/verdicts/403/value", "Must be one of"),
        ({"accepted_redirects": ["a", "("]}, "/options/accepted_redirects/1", "RE2"),
        ({"method": "POST"}, "/options/method", "Must be one of"),
        ({"method": "HEAD", "required_text": ["a"]}, "/options/method", "HEAD brings no page"),
        ({"timeout_s": 0}, "/options/timeout_s", "Must be greater than 0"),
        ({"json_values": {"a": []}}, "/options/json_values/a/value", "Must be a text, a number"),
        ({"request_headers": {"Host": "x"}}, "/options/request_headers/Host", "cannot be set"),
        ({"request_headers": {"X": "top-secret\n"}}, "/options/request_headers/X", "no header can hold"),
        ({"cookies": {"a": SET}}, "/options/cookies/a", "no value yet that could stay"),
        ({"basic_auth": {"username": "me"}}, "/options/basic_auth", 'Give {"username"'),
        ({"colour": "red"}, "/options/colour", "Unknown field"),
        ({"required_text": ["x" * 900] * 10}, "/options", "more than 8192 bytes"),
        ([], "/options", "Invalid input type"),
    ],
)
def test_what_cannot_be_obeyed_is_refused_by_its_place(
    client: FlaskClient, accepted: Callable[[], tuple[int, int]], options: Any, pointer: str, said: str
) -> None:
    refused = client.post("/api/v1/links", json={"url": URL, "options": options})
    assert refused.status_code == 422
    assert [fault["pointer"] for fault in refused.json["errors"]] == [pointer]
    assert said in refused.json["errors"][0]["detail"]
    assert "top-secret" not in refused.text
    assert accepted() == (0, 0)


def test_lines_of_a_batch_have_options_of_their_own_and_a_bad_one_spoils_no_other(
    client: FlaskClient, neighbours: Neighbours, outbox: Outboxes
) -> None:
    lines = [
        {"url": URL, "options": {"bearer_token": "top-secret"}},
        {"url": "https://b.example/", "options": {"verdicts": {"40x": "ok"}, "bearer_token": "top-secret"}},
        {"url": "https://c.example/", "confirm_hard": 1, "full": True},
        {"url": "no link", "options": {"bearer_token": "top-secret"}},
        {"url": "https://d.example/"},
    ]
    expected = [LinkSettings({"bearer_token": SET}, f"sealed for {LINK}"), LinkSettings(confirm_hard=1), None]
    text = "\n".join(map(json.dumps, lines))
    for body, kind in ((text, "application/x-ndjson"), (json.dumps({"links": lines}), "application/json")):
        before = len(settings(outbox))
        answer = client.post("/api/v1/batches", data=body, content_type=kind)
        assert (answer.status_code, answer.json["accepted"]) == (202, 3)
        assert [(each["line"], each["reason"][:22]) for each in answer.json["rejected"]] == [
            (2, "options/verdicts/40x: "),
            (4, "has no scheme; write i"),
        ]
        assert settings(outbox)[before:] == expected
        assert "top-secret" not in answer.text
        surveyed = client.post("/api/v1/batches?dry_run=true", data=body, content_type=kind)
        assert (surveyed.status_code, surveyed.json["rejected_count"]) == (200, 2)
    assert "top-secret" not in "".join(each.body for each in outbox())


def test_the_simple_ones_are_columns_of_a_table(client: FlaskClient, outbox: Outboxes) -> None:
    body = (
        f"url,full,method,timeout_s,robots,confirm_hard\n{URL},yes,,,,\n{URL}a,true,GET,2.5,false,1\n{URL}b,,POST,,,\n"
    )
    answer = client.post("/api/v1/batches", data=body, content_type="text/csv").json
    assert [(each["line"], each["reason"].partition(":")[0]) for each in answer["rejected"]] == [
        (2, "full"),
        (4, "options/method"),
    ]
    assert settings(outbox) == [LinkSettings({"method": "GET", "timeout_s": 2.5, "robots": False}, confirm_hard=1)]


def test_options_are_edited_one_by_one(client: FlaskClient, neighbours: Neighbours) -> None:
    neighbours.links.append(links_pb2.Link(id=LINK, url=URL, state="up", version=1, options_json='{"slow_ms":5}'))
    path = f"/api/v1/links/{LINK}"
    assert client.get(path).json["options"] == {"slow_ms": 5}
    change = {"timeout_s": 5, "slow_ms": None, "cookies": {"a": SET}}
    assert client.patch(path, json={"options": change}, headers={"If-Match": "*"}).status_code == 200
    [request] = neighbours.calls("EditLink")
    assert json.loads(request.settings.options_json) == change  # type: ignore[attr-defined]
    assert client.patch(path, json={"options": None}, headers={"If-Match": "*"}).json["options"] == {}


def test_a_hosts_policy_is_set_read_listed_replaced_and_removed(client: FlaskClient, neighbours: Neighbours) -> None:
    path = "/api/v1/hosts/A.example/policy"
    assert client.get(path).status_code == 404
    policy = {"concurrency": 2, "spacing_ms": 500, "options": {"cookies": {"a": "1"}, "verdicts": {"403": "ok"}}}
    made = client.put(path, json=policy)
    assert (made.status_code, made.json["host"], made.json["version"]) == (200, "a.example", 1)
    assert made.headers["ETag"] == client.get(path).headers["ETag"]
    assert [each["host"] for each in client.get("/api/v1/hosts").json["items"]] == ["a.example"]
    assert client.put(path, json={}).status_code == 428
    assert client.put(path, json={}, headers={"If-None-Match": "*"}).status_code == 412
    assert client.put(path, json={}, headers={"If-Match": '"7.x"'}).status_code == 412
    replaced = client.put(path, json={"spacing_ms": 5}, headers={"If-Match": made.headers["ETag"]})
    assert (replaced.json["concurrency"], replaced.json["spacing_ms"], replaced.json["version"]) == (None, 5, 2)
    assert client.put(path, json={}, headers={"If-Match": "*"}).json["version"] == 3
    [first, *_] = neighbours.calls("PutPolicy")
    assert first.caller.actor == "key:test"  # type: ignore[attr-defined]
    assert client.delete(path).status_code == 204
    assert client.delete(path).status_code == 404


def test_a_workspaces_policy_is_always_there(client: FlaskClient) -> None:
    path = "/api/v1/policy"
    empty = client.get(path)
    assert (empty.json["version"], empty.json["options"], empty.json["confirm_offsets_s"]) == (0, {}, [])
    wanted = {"confirm_hard": 1, "confirm_offsets_s": [30, 60], "interval_s": 60, "options": {"robots": True}}
    made = client.put(path, json=wanted, headers={"If-Match": empty.headers["ETag"]})
    assert {name: made.json[name] for name in wanted} == wanted
    assert client.put(path, json={}, headers={"If-Match": empty.headers["ETag"]}).status_code == 412


@pytest.mark.parametrize(
    ("path", "body", "pointer"),
    [
        ("hosts/a.example/policy", {"concurrency": -1}, "/concurrency"),
        ("hosts/a.example/policy", {"options": {"verdicts": {"40x": "ok"}}}, "/options/verdicts/40x"),
        ("hosts/a.example:8080/policy", {}, ""),
        ("hosts/a b/policy", {}, ""),
        ("policy", {"options": {"bearer_token": "x"}}, "/options/bearer_token"),
        ("policy", {"concurrency": 1}, "/concurrency"),
    ],
)
def test_a_policy_that_cannot_be_is_refused_by_its_place(
    client: FlaskClient, path: str, body: dict[str, Any], pointer: str
) -> None:
    refused = client.put(f"/api/v1/{path}", json=body)
    assert (refused.status_code, refused.json["errors"][0]["pointer"]) == (422, pointer)
