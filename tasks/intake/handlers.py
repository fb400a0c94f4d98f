"""What intake does when it is told: finish what a service has done, send again what none has."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import Row, delete, exists, func, or_, select, update
from sqlalchemy.orm import Session

from config.failpoints import reach
from config.settings import Intake, Relaying
from tasks import clock, counted, retention
from tasks.audit.messages import EventsRecorded
from tasks.database import Sessions, transaction
from tasks.intake import finished, parts, room
from tasks.intake.messages import SweepSubmissions
from tasks.intake.models import PARTS, SUBMISSION, IdempotencyKey, Part, Submission
from tasks.links.messages import PartChecked
from tasks.notifications.messages import NotificationQueued
from tasks.rows import among, update_rows
from tasks.service import Told

SWEEP_LIMIT = 1000

# Submissions are locked before their parts are counted: of two last parts, the second sees the first gone. In the order
# of their ids, so that two who have submissions in common never wait for each other in a circle.
SUBMISSIONS = (
    select(Submission.id)
    .where(Submission.id.in_(select(Part.submission_id).where(among(PARTS.c.id, "parts"))))
    .order_by(Submission.id)
    .with_for_update()
)
# Somebody who held the lock before us may have finished it.
FINISH = (
    update(SUBMISSION)
    .where(among(SUBMISSION.c.id, "submissions"), SUBMISSION.c.finished_at.is_(None))
    .where(~exists().where(Part.submission_id == SUBMISSION.c.id))
    .values(finished_at=func.greatest(func.now(), SUBMISSION.c.created_at))
)


def finish_part(message: PartChecked | NotificationQueued | EventsRecorded, *, sessions: Sessions) -> None:
    """Strike the part off; the last one finishes its submission. Striking twice changes nothing."""
    finish_parts([Told(message)], sessions=sessions)


def finish_parts(told: Sequence[Told], *, sessions: Sessions) -> None:
    """The same for many parts."""
    reach("intake.finish.taken")
    with transaction(sessions, "intake.finish") as session:
        asked = {"parts": [each.message.part_id for each in told]}
        submissions = list(session.scalars(SUBMISSIONS, asked))
        counted.ABSORBED.labels("intake").inc(len(told) - finished.finish(session, asked["parts"]))
        if not submissions:
            return
        session.execute(FINISH, {"submissions": submissions})


def sweep(_: SweepSubmissions, *, sessions: Sessions, settings: Intake, kept_s: float = Relaying.kept_s) -> None:
    """Send again what has outlived its lease, forget what is old, and make room where there is none."""
    room.reclaim(sessions, settings)
    now = clock.now()
    with sessions.begin() as session:
        oldest = now - timedelta(seconds=settings.idempotency_s)
        session.execute(delete(IdempotencyKey).where(IdempotencyKey.created_at < oldest))
        over = or_(SUBMISSION.c.finished_at.is_not(None), SUBMISSION.c.cancelled_at.is_not(None))
        retention.forget(session, SUBMISSION, over, settings.jobs_days, now)
        finished.forget(session, kept_s)
        late = _late(session)
        if not late:
            return
        parts.send_again(session, Part.id.in_([row.id for row in late]))
        counted.SENT_AGAIN.inc(len(late))
        reach("intake.sweep.sent")
        update_rows(session, PARTS, "id", [_released(row, now, settings) for row in late])
        reach("intake.sweep.written")
    reach("intake.sweep.committed")


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
