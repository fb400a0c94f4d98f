"""How an incident's timeline begins: with the failures that led to it."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from tasks import wire
from tasks.links.models import MOMENTS, Check
from tasks.links.record import Row
from tasks.links.state import Moment
from tasks.links.verdict import Verdict
from tasks.rows import insert_rows

# A row of failures is shown by its first ones; the opening and all that follows has moments of its own.
SHOWN = 20
# Ids of checks begin with the time of their writing, which is never before the check itself.
SLACK = timedelta(seconds=1)


def begin(session: Session, opened: Sequence[Row]) -> None:
    """Put on the timelines of these incidents the failures that led to them, which must be on record by now."""
    for incident in opened:
        failures = _failures(session, incident)
        insert_rows(session, MOMENTS, [_moment(incident["id"], *each) for each in enumerate(failures)])


def _failures(session: Session, incident: Row) -> Sequence[Any]:
    query = (
        select(Check.checked_at, Check.reason, Check.status_code, Check.detail)
        .where(
            Check.link_id == incident["link_id"],
            Check.id >= _first_id(incident),
            Check.checked_at.between(incident["started_at"], incident["opened_at"]),
            Check.verdict == Verdict.BROKEN,
        )
        .order_by(Check.checked_at)
        .limit(SHOWN)
    )
    return session.execute(query).all()


def _first_id(incident: Row) -> uuid.UUID:
    milliseconds = int((incident["started_at"] - SLACK).timestamp() * 1000)
    return uuid.UUID(int=milliseconds << 80)


def _moment(incident_id: uuid.UUID, number: int, failure: Any) -> Row:
    return {
        "id": wire.new_id(),
        "incident_id": incident_id,
        "at": failure.checked_at,
        "kind": Moment.CONFIRMATION if number else Moment.FIRST_FAILURE,
        "reason": failure.reason,
        "status_code": failure.status_code,
        "detail": failure.detail or "",
        "actor": None,
    }
