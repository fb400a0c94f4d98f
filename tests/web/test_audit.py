import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
from flask.testing import FlaskClient

from contracts import audit_pb2
from tasks.audit.messages import AuditEvent, RecordEvents
from tasks.intake.models import Outbox
from tests.web.conftest import WORKSPACE, MakeClient
from tests.web.neighbours import Neighbours

Outboxes = Callable[[], list[Outbox]]


def told(outbox: Outboxes) -> list[AuditEvent]:
    """The events of the job itself, without what intake tells of the submission."""
    messages = [msgspec.json.decode(each.body, type=RecordEvents) for each in outbox()]
    return [event for message in messages if message.part_id for event in message.events]


def test_one_event_is_remembered_with_who_told_it_and_from_where(client: FlaskClient, outbox: Outboxes) -> None:
    body = {"action": "page.publish", "resource_kind": "page", "resource_id": "7", "details": {"words": [1, 2.5, None]}}
    headers = {"User-Agent": "cms/1", "X-Request-Id": "req-7"}
    response = client.post("/api/v1/audit/events", json=body, headers=headers)
    assert response.status_code == 202
    assert response.headers["Location"] == f"/api/v1/jobs/{response.json['job_id']}"
    [event] = told(outbox)
    assert (event.workspace_id, event.service, event.actor) == (WORKSPACE, "external", "key:test")
    assert (event.action, event.resource_kind, event.resource_id) == ("page.publish", "page", "7")
    assert (event.outcome, event.details) == ("success", {"words": [1, 2.5, None]})
    assert (event.ip, event.user_agent, event.request_id) == ("127.0.0.1", "cms/1", "req-7")
    assert len(event.trace_id) == 32
    assert abs((event.occurred_at - datetime.now(UTC)).total_seconds()) < 60


def test_several_events_are_one_job(client: FlaskClient, outbox: Outboxes) -> None:
    events = [{"action": f"step.{number}", "actor": "alice", "service": "cms"} for number in range(3)]
    events[0]["occurred_at"] = "2026-11-21T17:00:00+07:00"
    response = client.post("/api/v1/audit/events", json={"events": events})
    assert client.get(response.headers["Location"]).json["total"] == 3
    assert [(event.action, event.actor, event.service) for event in told(outbox)] == [
        (f"step.{number}", "alice", "cms") for number in range(3)
    ]
    assert told(outbox)[0].occurred_at == datetime(2026, 11, 21, 10, tzinfo=UTC)


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({}, "/action"),
        ([], ""),
        ({"events": []}, "/events"),
        ({"events": [{"action": "a"}] * 1001}, "/events"),
        ({"events": [{"action": "a"}, {"action": ""}]}, "/events/1/action"),
        ({"events": [{"action": "a"}], "more": 1}, "/more"),
        ({"action": "a", "service": "links"}, "/service"),
        ({"action": "a", "outcome": "maybe"}, "/outcome"),
        ({"action": "a", "occurred_at": "2026-11-21T10:00:00"}, "/occurred_at"),
        ({"action": "a", "details": {"x": "y" * 20_000}}, "/details"),
        ({"action": "a", "details": {"x": "\x00"}}, "/details"),
        ({"action": "a", "details": {"x": 10**400}}, "/details"),
        ({"action": "a", "details": {"a\x00b": 1}}, "/details"),
        ({"action": "a", "details": {"x": json.loads("[" * 90 + "]" * 90)}}, "/details"),
        ({"action": "a", "details": []}, "/details"),
    ],
)
def test_an_event_that_does_not_fit_is_refused(client: FlaskClient, body: Any, pointer: str) -> None:
    response = client.post("/api/v1/audit/events", json=body)
    assert response.status_code == 422
    assert [fault["pointer"] for fault in response.json["errors"]] == [pointer]


def test_events_are_searched_by_every_filter(client: FlaskClient, neighbours: Neighbours) -> None:
    event = audit_pb2.Event(id="018f0000-0000-7000-8000-00000000000a", action="links.submit", outcome="success")
    event.details.update({"accepted": 3, "words": ["a"]})
    event.occurred_at.FromJsonString("2026-11-21T10:00:00Z")
    neighbours.events.append(event)
    texts = {"actor": "a", "action": "b", "resource": "c", "outcome": "denied", "q": "d", "trace_id": "e"}
    times = {"from": "2026-11-21T00:00:00Z", "to": "2026-11-22T07:00:00+07:00"}
    [found] = client.get("/api/v1/audit/events", query_string=texts | times).json["items"]
    assert found["details"] == {"accepted": 3, "words": ["a"]}
    [request] = neighbours.calls("SearchEvents")
    assert {name: getattr(request, name) for name in texts} == texts
    assert getattr(request, "from").ToJsonString() == "2026-11-21T00:00:00Z"
    assert request.to.ToJsonString() == "2026-11-22T00:00:00Z"
    assert request.workspace_id == str(WORKSPACE)


def test_refused_strangers_are_shown_to_admins_only(make_client: MakeClient, neighbours: Neighbours) -> None:
    assert make_client("audit:read").get("/api/v1/audit/events?anonymous=true").status_code == 403
    assert make_client("admin").get("/api/v1/audit/events?anonymous=true").status_code == 200
    assert [request.workspace_id for request in neighbours.calls("SearchEvents")] == [""]


@pytest.mark.parametrize("query", ["from=yesterday", "from=2026-11-21T00:00:00", "outcome=maybe", "who=me"])
def test_a_search_that_means_nothing_is_an_error(client: FlaskClient, query: str) -> None:
    response = client.get(f"/api/v1/audit/events?{query}")
    assert response.status_code == 422
    assert response.json["errors"][0]["pointer"] == f"/{query.partition('=')[0]}"
