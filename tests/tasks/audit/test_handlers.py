import uuid
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
from sqlalchemy import func, select, text
from sqlalchemy.exc import DBAPIError

from config import telemetry
from tasks.audit.handlers import hear, record_events
from tasks.audit.messages import AuditEvent, RecordEvents
from tasks.audit.models import Event, Outbox
from tasks.database import Sessions
from tasks.links.messages import LinkChange, LinksChanged
from tests.conftest import MakeDatabase

AT = datetime(2026, 11, 21, 23, 5, tzinfo=UTC)
WORKSPACE = uuid.uuid4()


@pytest.fixture
def sessions(database: MakeDatabase) -> Sessions:
    return database("audit")


def event(**changed: Any) -> AuditEvent:
    facts: dict[str, Any] = {
        "event_id": uuid.uuid4(),
        "workspace_id": WORKSPACE,
        "occurred_at": AT,
        "service": "intake",
    }
    return AuditEvent(**(facts | {"actor": "key:admin", "action": "links.submit"} | changed))


def on_record(sessions: Sessions) -> list[Event]:
    with sessions() as session:
        return list(session.scalars(select(Event).order_by(Event.seq)))


def told(sessions: Sessions) -> list[Any]:
    with sessions() as session:
        return [msgspec.json.decode(body) for body in session.scalars(select(Outbox.body).order_by(Outbox.id))]


def test_an_event_is_on_record_as_it_was_told(sessions: Sessions) -> None:
    said = event(
        resource_id="v1", details={"n": 1, "deep": {"er": [True, None, "é"]}}, ip="192.0.2.1", outcome="denied"
    )
    record_events(RecordEvents((said,)), sessions=sessions)
    [row] = on_record(sessions)
    assert {name: getattr(row, name) for name in AuditEvent.__dataclass_fields__} == {
        name: getattr(said, name) for name in AuditEvent.__dataclass_fields__
    }
    assert row.recorded_at > AT
    assert told(sessions) == []


def test_an_event_told_again_is_on_record_once(sessions: Sessions) -> None:
    first, second = event(), event()
    record_events(RecordEvents((first,)), sessions=sessions)
    record_events(RecordEvents((first, second, second)), sessions=sessions)
    assert [row.event_id for row in on_record(sessions)] == [first.event_id, second.event_id]


def test_a_job_is_told_that_it_is_done_each_time_it_asks(sessions: Sessions) -> None:
    part = uuid.uuid4()
    message = RecordEvents((event(), event()), part)
    record_events(message, sessions=sessions)
    record_events(message, sessions=sessions)
    assert len(on_record(sessions)) == 2
    assert [each["part_id"] for each in told(sessions)] == [str(part)] * 2


def test_an_event_of_nobodys_workspace_is_on_record(sessions: Sessions) -> None:
    record_events(RecordEvents((event(workspace_id=None, outcome="denied"),)), sessions=sessions)
    assert on_record(sessions)[0].workspace_id is None


def test_a_nul_in_one_event_holds_up_none_of_its_neighbours(sessions: Sessions) -> None:
    said = (event(), event(reason="a\0b", details={"k\0": ["\0", {"x": "\\u0000"}]}), event())
    record_events(RecordEvents(said), sessions=sessions)
    _, row, _ = on_record(sessions)
    assert row.reason == "a�b"
    assert row.details == {"k�": ["�", {"x": "\\u0000"}]}


def test_what_was_heard_is_on_record_in_the_trace_in_which_it_was_heard(sessions: Sessions) -> None:
    changes = tuple(
        LinkChange(uuid.uuid4(), uuid.uuid4(), f"https://example.com/{number}", "recovering", "up", "ok", "ok")
        for number in range(250)
    )
    message = LinksChanged(uuid.uuid4(), WORKSPACE, AT, changes)
    for _ in range(2):
        with telemetry.span("LinksChanged", {"traceparent": f"00-{'a' * 32}-{'b' * 16}-01"}):
            hear(message, sessions=sessions)
    rows = on_record(sessions)
    assert len(rows) == 250
    assert {row.trace_id for row in rows} == {"a" * 32}


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE events SET actor = 'nobody'",
        "DELETE FROM events",
        "TRUNCATE events",
        "TRUNCATE events CASCADE",
        "INSERT INTO events SELECT * FROM events ON CONFLICT (event_id) DO UPDATE SET actor = 'nobody'",
    ],
)
def test_what_is_on_record_cannot_be_changed(sessions: Sessions, statement: str) -> None:
    record_events(RecordEvents((event(), event())), sessions=sessions)
    with pytest.raises(DBAPIError), sessions.begin() as session:
        session.execute(text(statement))
    with sessions() as session:
        assert session.scalar(select(func.count()).where(Event.actor == "key:admin")) == 2


def test_nobody_chooses_their_place_in_the_record(sessions: Sessions) -> None:
    record_events(RecordEvents((event(),)), sessions=sessions)
    columns = ", ".join(each.name for each in Event.__table__.columns if each.name not in ("seq", "event_id"))
    insert = f"INSERT INTO events (seq, event_id, {columns}) SELECT 0, gen_random_uuid(), {columns} FROM events"
    with pytest.raises(DBAPIError, match="GENERATED ALWAYS"), sessions.begin() as session:
        session.execute(text(insert))
