"""The inbox of links: parts whose results are on record, so that one which comes again changes nothing."""

from __future__ import annotations

import uuid
from collections.abc import Sequence

from sqlalchemy import text
from sqlalchemy.orm import Session

from tasks import counted, outbox, wire
from tasks.links.messages import CheckLinks, GatherLinks, PartChecked
from tasks.links.models import OUTBOX
from tasks.service import Told

DONE = text("SELECT id FROM parts_done WHERE id = ANY(:ids)")
# In the order of their ids, so that two who take the same ones never wait for each other in a circle.
TAKE = text("""
    INSERT INTO parts_done (id, job_id)
    SELECT * FROM unnest(CAST(:ids AS uuid[]), CAST(:jobs AS uuid[])) AS part(id, job_id) ORDER BY id
    ON CONFLICT DO NOTHING RETURNING id
""")


def done(session: Session, ids: Sequence[uuid.UUID]) -> set[uuid.UUID]:
    """Those of these parts that are done, or that nobody wants any more."""
    return set(session.scalars(DONE, {"ids": ids}))


def take(session: Session, parts: Sequence[CheckLinks | GatherLinks]) -> set[uuid.UUID]:
    """Put parts down as done; returns those that were not before."""
    values = {"ids": [part.part_id for part in parts], "jobs": [part.job_id for part in parts]}
    return set(session.scalars(TAKE, values))


def confirm_again(session: Session, told: Sequence[Told]) -> None:
    """The results stand; whoever sent these parts again has not heard of it."""
    counted.ABSORBED.labels("links").inc(len(told))
    outbox.post(session, OUTBOX, [checked(each) for each in told if each.message.job_id])


def checked(told: Told) -> outbox.Draft:
    """The news that a part of a job is done."""
    part = told.message
    return outbox.event(PartChecked(wire.new_id(), part.part_id, part.job_id), told.traceparent)
