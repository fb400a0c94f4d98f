"""What audit does when it is told: put it on record, once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy.orm import Session

from config import telemetry
from tasks import outbox, wire
from tasks.audit.messages import AuditEvent, EventsRecorded, RecordEvents
from tasks.audit.models import EVENTS, OUTBOX
from tasks.audit.record import audit_events
from tasks.database import Sessions, add_rows, as_json

COLUMNS = tuple(AuditEvent.__dataclass_fields__)


def record_events(message: RecordEvents, *, sessions: Sessions) -> None:
    """Put events on record as they were told. A job is told that it is done, again if it asks again."""
    with sessions.begin() as session:
        _insert(session, message.events)
        if message.part_id:
            outbox.post(session, OUTBOX, [outbox.event(EventsRecorded(wire.new_id(), message.part_id))])


def hear(message: wire.Event, *, sessions: Sessions) -> None:
    """Put what another service announced on record."""
    events = audit_events(message, telemetry.trace_id())
    with sessions.begin() as session:
        _insert(session, events)


def _insert(session: Session, events: Sequence[AuditEvent]) -> None:
    rows: Any = [{name: getattr(event, name) for name in COLUMNS} for event in events]
    if "\\u0000" in as_json(rows):
        rows = _without_nul(rows)
    add_rows(session, EVENTS, "event_id", rows)


def _without_nul(value: Any) -> Any:
    """PostgreSQL keeps every character but NUL; one event that holds it must not hold up its neighbours."""
    if isinstance(value, str):
        return value.replace("\0", "\N{REPLACEMENT CHARACTER}")
    if isinstance(value, dict):
        return {_without_nul(name): _without_nul(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [_without_nul(each) for each in value]
    return value
