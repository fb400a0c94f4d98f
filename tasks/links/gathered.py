"""Writing down what a source named: the job with its total, and the parts in which its links are checked."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from sqlalchemy import func, insert, select
from sqlalchemy.orm import Session

from tasks import clock, outbox, wire
from tasks.links import deferral
from tasks.links.harvest import Harvest
from tasks.links.messages import CheckLinks, GatherLinks, JobFinished, LinkSpec, PartChecked, link_id
from tasks.links.models import LINKS, OUTBOX, Job

COUNTED_AT_ONCE = 5000


def write(session: Session, message: GatherLinks, harvest: Harvest, error: str, part_size: int) -> None:
    """Begin the job, or end it where there is nothing to check."""
    now = clock.now()
    total = 0 if message.dry_run else harvest.links
    job = {
        "id": message.job_id,
        "workspace_id": message.workspace_id,
        "total": total,
        "done": 0,
        "verdicts": {},
        "source": _source(session, message, harvest, error),
        "started_at": now,
        "finished_at": None if total else now,
    }
    session.execute(insert(Job).values(**job))
    told: list[wire.Event] = [PartChecked(wire.new_id(), message.part_id, message.job_id)]
    if total:
        deferral.keep(session, _parts(message, harvest, part_size, now), now)
    else:
        told.append(JobFinished(wire.new_id(), message.workspace_id, message.job_id, 0, {}, now))
    outbox.post(session, OUTBOX, [outbox.event(each) for each in told])


def _parts(message: GatherLinks, harvest: Harvest, size: int, now: datetime) -> Iterator[CheckLinks]:
    for urls in harvest.parts(size):
        yield CheckLinks(
            part_id=wire.new_id(),
            workspace_id=message.workspace_id,
            scheduled_at=now,
            links=tuple(LinkSpec(url) for url in urls),
            job_id=message.job_id,
            job_total=harvest.links,
            keep=message.keep,
        )


def _source(session: Session, message: GatherLinks, harvest: Harvest, error: str) -> dict[str, Any]:
    source: dict[str, Any] = {
        "kind": message.kind,
        "url": message.url,
        "error": error,
        "duplicates": harvest.duplicates,
        "rejected_count": harvest.rejected,
    }
    if message.dry_run:
        known = _count_known(session, message.workspace_id, harvest)
        source |= {"new": harvest.links - known, "known": known}
    return source


def _count_known(session: Session, workspace_id: uuid.UUID, harvest: Harvest) -> int:
    known = 0
    for urls in harvest.parts(COUNTED_AT_ONCE):
        ids = [link_id(workspace_id, url) for url in urls]
        known += session.scalar(select(func.count()).select_from(LINKS).where(LINKS.c.id.in_(ids))) or 0
    return known
