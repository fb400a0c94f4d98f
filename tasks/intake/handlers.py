"""What intake does when it is told: finish what a service has done, send again what none has."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta

from sqlalchemy import Row, delete, exists, func, select, update
from sqlalchemy.orm import Session

from config.settings import Intake
from tasks.audit.messages import EventsRecorded
from tasks.database import Sessions, update_rows
from tasks.intake import parts
from tasks.intake.messages import SweepSubmissions
from tasks.intake.models import PARTS, IdempotencyKey, Part, Submission
from tasks.links.messages import PartChecked
from tasks.notifications.messages import NotificationQueued

SWEEP_LIMIT = 1000


def finish_part(message: PartChecked | NotificationQueued | EventsRecorded, *, sessions: Sessions) -> None:
    """Strike the part off; the last one finishes its submission. Striking twice changes nothing."""
    with sessions.begin() as session:
        submission = _submission_of(session, message.part_id)
        if submission is None:
            return
        session.execute(delete(Part).where(Part.id == message.part_id))
        unfinished = exists().where(Part.submission_id == submission)
        session.execute(
            update(Submission).where(Submission.id == submission, ~unfinished).values(finished_at=func.now())
        )


def sweep(_: SweepSubmissions, *, sessions: Sessions, settings: Intake) -> None:
    """Send again what has outlived its lease, and forget old Idempotency-Keys."""
    with sessions.begin() as session:
        late = _late(session)
        if late:
            parts.send(session, Part.id.in_([row.id for row in late]))
        now = datetime.now(UTC)
        update_rows(session, PARTS, "id", [_released(row, now, settings) for row in late])
        oldest = now - timedelta(seconds=settings.idempotency_s)
        session.execute(delete(IdempotencyKey).where(IdempotencyKey.created_at < oldest))


def _submission_of(session: Session, part_id: uuid.UUID) -> uuid.UUID | None:
    # The submission is locked before its parts are counted: of two last parts, the second sees the first gone.
    owner = select(Part.submission_id).where(Part.id == part_id).scalar_subquery()
    return session.scalar(select(Submission.id).where(Submission.id == owner).with_for_update())


def _late(session: Session) -> list[Row[uuid.UUID, int]]:
    query = (
        select(Part.id, Part.attempts)
        .where(Part.leased_until < func.now())
        .order_by(Part.leased_until)
        .limit(SWEEP_LIMIT)
        .with_for_update(skip_locked=True)
    )
    return list(session.execute(query).all())


def _released(row: Row[uuid.UUID, int], now: datetime, settings: Intake) -> dict[str, object]:
    """The next lease: twice as long each time, so that work nobody can do does not flood those who can."""
    seconds = min(settings.lease_s * 2 ** min(row.attempts, 16), settings.lease_max_s)
    return {"id": row.id, "attempts": row.attempts + 1, "leased_until": now + timedelta(seconds=seconds)}
