"""What audit does when it is told: put it on record, once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy.orm import Session

from config import telemetry
from tasks import counted, outbox, wire
from tasks.audit.messages import AuditEvent, EventsRecorded, RecordEvents
from tasks.audit.models import EVENTS, OUTBOX
from tasks.audit.record import audit_events
from tasks.database import Sessions, transaction
from tasks.rows import add_rows, as_json
from tasks.service import Told

COLUMNS = tuple(AuditEvent.__dataclass_fields__)


def record_events(message: RecordEvents, *, sessions: Sessions) -> None:
    """Put events on record as they were told. A job is told that it is done, again if it asks again."""
    record_many([Told(message)], sessions=sessions)


def record_many(told: Sequence[Told], *, sessions: Sessions) -> None:
    """The same for many messages."""
    done = [EventsRecorded(wire.new_id(), each.message.part_id) for each in told if each.message.part_id]
    with transaction(sessions, "audit.record") as session:
        _insert(session, [event for each in told for event in each.message.events])
        outbox.post(session, OUTBOX, [outbox.event(each) for each in done])


def hear(message: wire.Event, *, sessions: Sessions) -> None:
    """Put what another service announced on record."""
    hear_many([Told(message, telemetry.carrier().get("traceparent", ""))], sessions=sessions)


def hear_many(told: Sequence[Told], *, sessions: Sessions) -> None:
    """The same for many announcements."""
    events = [event for each in told for event in audit_events(each.message, telemetry.trace_id_of(each.traceparent))]
    with transaction(sessions, "audit.hear") as session:
        _insert(session, events)


def _insert(session: Session, events: Sequence[AuditEvent]) -> None:
    rows: Any = [{name: getattr(event, name) for name in COLUMNS} for event in events]
    if "\\u0000" in as_json(rows):
        rows = _without_nul(rows)
    added = add_rows(session, EVENTS, "event_id", rows)
    counted.ABSORBED.labels("audit").inc(len(rows) - len(added))


def _without_nul(value: Any) -> Any:
    """PostgreSQL keeps every character but NUL; one event that holds it must not hold up its neighbours."""
    if isinstance(value, str):
        return value.replace("\0", "\N{REPLACEMENT CHARACTER}")
    if isinstance(value, dict):
        return {_without_nul(name): _without_nul(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [_without_nul(each) for each in value]
    return value
