import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import grpc
import pytest

from contracts import audit_pb2 as pb
from contracts.audit_pb2_grpc import AuditStub, add_AuditServicer_to_server
from tasks.audit.handlers import record_events
from tasks.audit.messages import AuditEvent, RecordEvents
from tests.conftest import MakeDatabase
from tests.workers.rpc.serving import serving
from workers.rpc.audit import AuditServicer

AT = datetime(2026, 11, 21, 12, 0, 0, 250_000, tzinfo=UTC)
WORKSPACE = uuid.uuid4()


@pytest.fixture
def audit(database: MakeDatabase) -> Iterator[AuditStub]:
    sessions = database("audit")
    events = tuple(
        AuditEvent(
            event_id=uuid.uuid4(),
            workspace_id=WORKSPACE if number < 3 else None,
            occurred_at=AT + timedelta(minutes=number),
            service="intake",
            actor="key:admin",
            action=f"step.{number}",
            resource_id="thing",
            details={"n": number, "list": [1, "two", None]},
        )
        for number in range(4)
    )
    record_events(RecordEvents(events), sessions=sessions)
    with serving(add_AuditServicer_to_server, AuditServicer(sessions)) as channel:
        yield AuditStub(channel)


def search(audit: AuditStub, **wanted: Any) -> pb.EventPage:
    page: pb.EventPage = audit.SearchEvents(
        pb.SearchEventsRequest(**{"workspace_id": str(WORKSPACE), "limit": 10, **wanted})
    )
    return page


def test_an_event_arrives_whole(audit: AuditStub) -> None:
    [event] = search(audit, action="step.1").items
    assert event.occurred_at.ToDatetime(tzinfo=UTC) == AT + timedelta(minutes=1)
    assert event.recorded_at.seconds
    assert (event.actor, event.outcome, event.resource_id) == ("key:admin", "success", "thing")
    assert event.details["n"] == 1


def test_a_page_says_where_the_next_one_starts(audit: AuditStub) -> None:
    first = search(audit, limit=2)
    second = search(audit, limit=2, after=first.next)
    assert [event.action for event in [*first.items, *second.items]] == ["step.2", "step.1", "step.0"]
    assert second.next == ""


def test_from_is_included_and_to_is_not(audit: AuditStub) -> None:
    request = pb.SearchEventsRequest(workspace_id=str(WORKSPACE), limit=10)
    getattr(request, "from").FromDatetime(AT + timedelta(minutes=1))
    request.to.FromDatetime(AT + timedelta(minutes=2))
    assert [event.action for event in audit.SearchEvents(request).items] == ["step.1"]


def test_no_workspace_is_what_belongs_to_none(audit: AuditStub) -> None:
    assert [event.action for event in search(audit, workspace_id="").items] == ["step.3"]


def test_a_workspace_that_is_none_is_not_found(audit: AuditStub) -> None:
    with pytest.raises(grpc.RpcError) as refused:
        search(audit, workspace_id="mine")
    assert refused.value.code() is grpc.StatusCode.NOT_FOUND
