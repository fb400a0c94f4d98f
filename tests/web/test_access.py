import uuid
from collections.abc import Callable
from typing import Any

import grpc
import msgspec
import pytest
from flask import Flask
from flask.testing import FlaskClient

from config.settings import Intake
from tasks.accounts import keys
from tasks.accounts.scopes import SCOPES
from tasks.audit.messages import AuditEvent, RecordEvents
from tasks.database import Sessions
from tasks.intake.models import Outbox
from tasks.intake.room import Room
from tests.web.conftest import WORKSPACE, MakeClient, settings_for
from tests.web.neighbours import Neighbours
from web import rpc
from web.access import OPEN, scopes_of
from web.principals import Principals, UnknownKey
from web.refusals import BURST, Refusals

OPEN_ROUTES = {
    "/healthz",
    "/readyz",
    "/openapi.json",
    "/docs",
    "/docs/<name>",
    "/problems",
    "/problems/<slug>",
    "/badge/<name>.svg",
}
Outboxes = Callable[[], list[Outbox]]
# Has the form of a key.
UNKNOWN = "pra_" + "0" * 30 + "2C8GjS"


def refusals(outbox: Outboxes) -> list[AuditEvent]:
    return [event for each in outbox() for event in msgspec.json.decode(each.body, type=RecordEvents).events]


def test_every_route_declares_a_scope_or_is_open_on_purpose(app: Flask) -> None:
    open_routes = set()
    for rule in app.url_map.iter_rules():
        scopes = scopes_of(app.view_functions[rule.endpoint])
        assert scopes
        if scopes == (OPEN,):
            open_routes.add(rule.rule)
        else:
            assert set(scopes) <= set(SCOPES)
    assert open_routes == OPEN_ROUTES


def guarded(app: Flask) -> list[tuple[str, str, tuple[str, ...]]]:
    """Every method and path that needs a key, with the scopes of which it needs one."""
    found = []
    for rule in app.url_map.iter_rules():
        if rule.rule not in OPEN_ROUTES:
            path = rule.rule.replace("<uuid:id>", str(uuid.uuid4()))
            scopes = scopes_of(app.view_functions[rule.endpoint])
            found += [(method, path, scopes) for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"})]
    return found


def test_nothing_else_is_answered_without_a_key(app: Flask) -> None:
    client = app.test_client()
    for method, path, _ in guarded(app):
        response = client.open(path, method=method)
        assert client.options(path).status_code == response.status_code == 401, (method, path)
        assert response.headers["WWW-Authenticate"] == 'Bearer realm="pranala"'


def test_nothing_is_answered_to_a_key_without_the_scope(app: Flask, make_client: MakeClient) -> None:
    for method, path, scopes in guarded(app):
        client = make_client(*(set(SCOPES) - {"admin", *scopes}))
        response = client.open(path, method=method)
        assert response.status_code == 403, (method, path)
        assert 'error="insufficient_scope"' in response.headers["WWW-Authenticate"]


def test_each_of_the_named_scopes_is_enough(app: Flask, make_client: MakeClient) -> None:
    for method, path, scopes in guarded(app):
        for scope in scopes:
            assert make_client(scope).open(path, method=method).status_code not in (401, 403), (method, path, scope)


@pytest.mark.parametrize(
    "header",
    ["", "Bearer", "Bearer ", "Basic YTpi", "Bearer pra_wrong", f"Bearer {UNKNOWN}", f"Token {UNKNOWN}"],
)
def test_a_bad_key_is_refused_and_the_refusal_goes_to_audit(app: Flask, outbox: Outboxes, header: str) -> None:
    client = app.test_client()
    headers = {"Authorization": header, "User-Agent": "curl/8", "X-Request-Id": "req-1"}
    response = client.get("/api/v1/links", headers=headers)
    assert response.status_code == 401
    assert response.content_type == "application/problem+json"
    [event] = refusals(outbox)
    assert (event.action, event.outcome, event.actor) == ("auth.authenticate", "denied", "anonymous")
    assert (event.workspace_id, event.ip, event.user_agent, event.request_id) == (None, "127.0.0.1", "curl/8", "req-1")
    assert event.trace_id == response.json["trace_id"]
    assert "pra_" not in event.reason


def test_a_key_that_cannot_be_one_is_refused_without_asking_accounts(app: Flask, neighbours: Neighbours) -> None:
    client = app.test_client()
    client.get("/api/v1/links", headers={"Authorization": "Bearer pra_wrong"})
    assert not neighbours.calls("Authenticate")


def test_a_missing_scope_goes_to_audit_with_who_asked(make_client: MakeClient, outbox: Outboxes) -> None:
    make_client("links:read").post("/api/v1/links", json={})
    [event] = refusals(outbox)
    assert (event.action, event.actor, event.workspace_id) == ("auth.authorize", "key:test", WORKSPACE)
    assert "links:write" in event.reason


def test_the_key_itself_never_leaves_the_front_api(
    make_client: MakeClient, neighbours: Neighbours, outbox: Outboxes
) -> None:
    key = neighbours.give_key("links:write", workspace_id=WORKSPACE)
    make_client(key=key).post("/api/v1/links", json={"url": "https://e.org/"})
    assert [request.key_hash for request in neighbours.calls("Authenticate")] == [keys.hash_of(key)]
    assert not [each for each in outbox() if key in each.body]


def test_accounts_is_asked_once_for_many_requests(client: FlaskClient, neighbours: Neighbours) -> None:
    for _ in range(3):
        client.get("/api/v1/links")
    assert len(neighbours.calls("Authenticate")) == 1


def test_an_accounts_outage_does_not_stop_who_was_known(client: FlaskClient, neighbours: Neighbours) -> None:
    client.get("/api/v1/links")
    neighbours.failing["accounts"] = grpc.StatusCode.UNAVAILABLE
    assert client.post("/api/v1/links", json={"url": "https://e.org/"}).status_code == 202


def test_a_stranger_during_an_accounts_outage_is_told_to_come_back(
    make_client: MakeClient, neighbours: Neighbours
) -> None:
    neighbours.failing["accounts"] = grpc.StatusCode.UNAVAILABLE
    response = make_client("admin").get("/api/v1/links")
    assert response.status_code == 503
    assert response.headers["Retry-After"]
    assert "accounts" in response.json["detail"]


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_a_principal_is_fresh_for_half_a_minute_and_stale_for_ten(neighbours: Neighbours) -> None:
    clock = Clock()
    principals = Principals(rpc.connect(settings_for(neighbours.address)).accounts, clock)
    key = neighbours.give_key("links:read")
    known = principals.of(key)
    neighbours.failing["accounts"] = grpc.StatusCode.UNAVAILABLE
    for age_s in (29, 31, 599):
        clock.now = 1000.0 + age_s
        assert principals.of(key) == known
    clock.now = 1000.0 + 601
    with pytest.raises(rpc.Away):
        principals.of(key)


def test_a_revoked_key_is_refused_after_half_a_minute_at_most(neighbours: Neighbours) -> None:
    clock = Clock()
    principals = Principals(rpc.connect(settings_for(neighbours.address)).accounts, clock)
    key = neighbours.give_key("links:read")
    principals.of(key)
    neighbours.principals.clear()
    principals.of(key)
    clock.now += 30
    with pytest.raises(UnknownKey):
        principals.of(key)


def test_a_flood_of_refusals_does_not_fill_the_database(sessions: Sessions, outbox: Outboxes) -> None:
    clock = Clock()
    recorded = Refusals(sessions, Room(Intake()), clock)
    refusal: tuple[Any, ...] = ("auth.authenticate", "GET /: no key", None, "127.0.0.1", "curl", "req")
    for _ in range(int(BURST) + 50):
        recorded.record(*refusal)
    assert len(outbox()) == BURST
    clock.now += 1
    for _ in range(50):
        recorded.record(*refusal)
    assert len(outbox()) == BURST + 10
