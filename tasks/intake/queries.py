"""Reads of what was accepted, for the front API."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime

import msgspec
from sqlalchemy import LargeBinary, func, literal, or_, select
from sqlalchemy.orm import Session

from tasks.intake.models import Part, Submission
from tasks.intake.parts import MARK
from tasks.links.messages import CheckLinks, LinkSpec, link_id


@dataclass(frozen=True)
class Job:
    """A submission as intake knows it. `unfinished` counts its parts, not its links."""

    id: uuid.UUID
    kind: str
    total: int
    unfinished: int
    created_at: datetime
    finished_at: datetime | None
    cancelled_at: datetime | None


@dataclass(frozen=True)
class AcceptedLink:
    """A link that was accepted and that its service may not have seen yet."""

    id: uuid.UUID
    spec: LinkSpec
    accepted_at: datetime


def get_job(session: Session, workspace_id: uuid.UUID, job_id: uuid.UUID) -> Job | None:
    """The job, if it is this workspace's."""
    submission = session.scalar(
        select(Submission).where(Submission.id == job_id, Submission.workspace_id == workspace_id)
    )
    if submission is None:
        return None
    unfinished = session.scalar(select(func.count()).select_from(Part).where(Part.submission_id == job_id)) or 0
    return Job(
        submission.id,
        submission.kind,
        submission.total,
        unfinished,
        submission.created_at,
        submission.finished_at,
        submission.cancelled_at,
    )


def get_accepted_link(session: Session, workspace_id: uuid.UUID, wanted: uuid.UUID) -> AcceptedLink | None:
    """The link, if it waits in an unfinished part of this workspace."""
    marked = func.pg_catalog.position(Part.link_marks, literal(wanted.bytes[:MARK], LargeBinary)) > 0
    rows = session.execute(
        select(Part.body, Submission.created_at)
        .join(Submission, Submission.id == Part.submission_id)
        .where(Part.workspace_id == workspace_id, or_(marked, Part.link_ids.contains([wanted])))
        .order_by(Submission.created_at.desc())
    )
    # A mark is only a hint: other ids may begin alike, or hold these bytes across two of theirs.
    for row in rows:
        message = msgspec.json.decode(row.body, type=CheckLinks)
        for spec in message.links:
            if link_id(workspace_id, spec.url) == wanted:
                return AcceptedLink(wanted, spec, row.created_at)
    return None
