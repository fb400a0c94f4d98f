"""Cancelling a job: what of it is not begun is never begun."""

from __future__ import annotations

import uuid

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from tasks import clock, outbox
from tasks.intake.models import OUTBOX, Part, Submission
from tasks.intake.submissions import INTERACTIVE, Caller, record_action
from tasks.links.messages import CancelParts

CANCELLABLE = "links"


class NotCancellable(Exception):
    """Work of this kind is done at once or not at all, so there is nothing to take back."""


def cancel(session: Session, caller: Caller, job_id: uuid.UUID) -> bool:
    """Drop the job's unfinished parts; whether there was such a job. Doing it again changes nothing.

    Links may have put parts back that intake counts as done, so it is told in any case.
    """
    submission = session.scalar(
        select(Submission)
        .where(Submission.id == job_id, Submission.workspace_id == caller.workspace_id)
        .with_for_update()
    )
    if submission is None:
        return False
    if submission.kind != CANCELLABLE:
        raise NotCancellable
    if submission.cancelled_at is None:
        dropped = _drop(session, job_id)
        submission.cancelled_at = max(clock.now(), submission.created_at)
        record_action(session, caller, "links.cancel", "job", str(job_id), "", {"parts": dropped})
    return True


def _drop(session: Session, job_id: uuid.UUID) -> int:
    parts = tuple(session.scalars(delete(Part).where(Part.submission_id == job_id).returning(Part.id)))
    # By the fast lane: it must overtake the parts that it takes back.
    outbox.post(session, OUTBOX, [outbox.job(INTERACTIVE, CancelParts(job_id, parts))])
    return len(parts)
