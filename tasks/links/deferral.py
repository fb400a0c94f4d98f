"""Parts put back: links whose host wants to be left alone wait in a table, and are sent again when it is time."""

from __future__ import annotations

import math
import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import islice

from sqlalchemy import Interval, delete, func, literal, select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from config import telemetry
from config.broker import JOBS
from config.settings import Links
from tasks import clock, outbox, wire
from tasks.links.messages import CheckLinks, LinkSpec, link_id
from tasks.links.models import PARTS_DEFERRED, PartDeferred, PartDone
from tasks.links.result import Result
from tasks.links.verdict import JUDGEMENTS, Reason
from tasks.rows import insert_rows
from tasks.service import Told

QUEUE = "links.scheduled"
RELEASED_AT_ONCE = 1000
KEPT_AT_ONCE = 16
# A part that was sent and not heard of is sent again after its lease, which doubles each time, up to this.
LONGEST_LEASE_S = 21_600.0
# How long a link waits at most before it is asked again whether it is still being checked.
LONGEST_FLIGHT_S = 15.0

# What a host answers when it wants fewer requests, by the reason that a link gets for it.
STATUS_OF_REFUSAL = {Reason.RATE_LIMITED: 429, Reason.SERVICE_UNAVAILABLE: 503}


@dataclass(frozen=True)
class Divided:
    """A part after its check: what of it is settled, with its results, and the parts that the rest becomes."""

    part: CheckLinks
    results: Sequence[Result]
    rest: Mapping[datetime, CheckLinks]


def divide(part: CheckLinks, results: Sequence[Result], now: datetime, settings: Links) -> Divided:
    """Settle what can be, and what has waited long enough; the rest is to be asked for when its hosts may be again."""
    if all(result.wait_s is None for result in results):
        return Divided(part, results, {})
    settled: list[tuple[LinkSpec, Result]] = []
    rest: dict[datetime, list[LinkSpec]] = {}
    for spec, result in zip(part.links, results, strict=True):
        not_before = now + timedelta(seconds=math.ceil(result.wait_s or 0))
        # A host that is asked as fast as it may be is behind with nobody's fault: its links wait as long as it takes.
        if result.wait_s is None or (not result.paced and _is_over(part, not_before, settings)):
            settled.append((spec, _known(spec, result)))
        else:
            rest.setdefault(not_before, []).append(_remembering(spec, result))
    return Divided(
        replace(part, links=tuple(spec for spec, _ in settled)),
        [result for _, result in settled],
        {at: _next(part, specs) for at, specs in rest.items()},
    )


def with_others(divided: Divided, part: CheckLinks, others: Sequence[LinkSpec], now: datetime) -> Divided:
    """The same, with links put back that somebody else checks at this moment; soon at first, then less and less so."""
    if not others:
        return divided
    again = now + timedelta(seconds=min(2.0**part.deferrals, LONGEST_FLIGHT_S))
    return replace(divided, rest={**divided.rest, again: _next(part, others)})


def put_back(session: Session, told: Told, rest: Mapping[datetime, CheckLinks], settings: Links) -> None:
    """Keep the rest of a part until its time; a part that was put back before is over with this."""
    part = told.message
    forget(session, part)
    insert_rows(session, PARTS_DEFERRED, [_row(later, at, told.traceparent) for at, later in rest.items()])
    if part.leased:
        for at, later in rest.items():
            _extend_lease(session, later, at + timedelta(seconds=settings.lease_s))


def keep(session: Session, parts: Iterable[CheckLinks], at: datetime) -> None:
    """Have parts sent that nobody else keeps, as if they had been put back once."""
    traceparent = telemetry.carrier().get("traceparent", "")
    rows = (_row(replace(part, deferrals=1), at, traceparent) for part in parts)
    while chunk := list(islice(rows, KEPT_AT_ONCE)):
        insert_rows(session, PARTS_DEFERRED, chunk)


def send_again(session: Session, told: Told, after_s: float) -> None:
    """Leave a part to the copy of it that is under way, and look again later whether that came to its end."""
    part, at = told.message, clock.now() + timedelta(seconds=after_s)
    row = _row(replace(part, deferrals=max(part.deferrals, 1)), at, told.traceparent)
    later = insert(PARTS_DEFERRED).values(row)
    session.execute(later.on_conflict_do_update(index_elements=["id"], set_={"not_before": row["not_before"]}))


def forget(session: Session, part: CheckLinks) -> None:
    """A part that was put back is over."""
    if part.deferrals:
        session.execute(delete(PartDeferred).where(PartDeferred.id == part.part_id))


def release(session: Session, now: datetime, settings: Links) -> list[outbox.Draft]:
    """What is to be sent because its time has come. Each stays until it is done, so that a lost one comes again."""
    due = (
        select(PartDeferred.id)
        .where(PartDeferred.not_before <= now)
        .order_by(PartDeferred.not_before)
        .limit(RELEASED_AT_ONCE)
        .with_for_update(skip_locked=True)
        .cte("due")
    )
    lease_s = func.least(settings.lease_s * func.power(2, PARTS_DEFERRED.c.sent), LONGEST_LEASE_S)
    sent = (
        update(PARTS_DEFERRED)
        .where(PARTS_DEFERRED.c.id == due.c.id)
        .values(sent=PARTS_DEFERRED.c.sent + 1, not_before=now + lease_s * literal(timedelta(seconds=1), Interval))
        .returning(PARTS_DEFERRED.c.body, PARTS_DEFERRED.c.traceparent)
    )
    return [
        outbox.Draft(CheckLinks.name(), JOBS.name, QUEUE, row.body, row.traceparent) for row in session.execute(sent)
    ]


def cancel(session: Session, job_id: uuid.UUID) -> None:
    """Forget what was put back of a job, and do not begin what of it was sent."""
    dropped = session.scalars(delete(PartDeferred).where(PartDeferred.job_id == job_id).returning(PartDeferred.id))
    marks = [{"id": part_id, "job_id": job_id} for part_id in dropped]
    if marks:
        session.execute(insert(PartDone).on_conflict_do_nothing(), marks)


def _is_over(part: CheckLinks, not_before: datetime, settings: Links) -> bool:
    waited = not_before - part.scheduled_at
    return part.deferrals >= settings.defer_most or waited > timedelta(seconds=settings.defer_s)


def _known(spec: LinkSpec, result: Result) -> Result:
    """The result to record: of a link that its host refused before, the refusal says more than that it did wait."""
    if result.reason is not Reason.HOST_BACKOFF or spec.refused_as is None:
        return result
    refused = JUDGEMENTS[Reason(spec.refused_as)]
    return replace(
        result, verdict=refused.verdict, reason=refused.reason, status_code=STATUS_OF_REFUSAL.get(refused.reason)
    )


def _remembering(spec: LinkSpec, result: Result) -> LinkSpec:
    return replace(spec, refused_as=str(result.reason)) if result.reason in STATUS_OF_REFUSAL else spec


def _next(part: CheckLinks, specs: Sequence[LinkSpec]) -> CheckLinks:
    return replace(part, part_id=wire.new_id(), links=tuple(specs), deferrals=part.deferrals + 1)


def _row(part: CheckLinks, not_before: datetime, traceparent: str) -> dict[str, object]:
    return {
        "id": part.part_id,
        "job_id": part.job_id,
        "body": wire.encode(part),
        "not_before": not_before,
        "sent": 0,
        "traceparent": traceparent,
        "created_at": clock.now(),
    }


def _extend_lease(session: Session, part: CheckLinks, until: datetime) -> None:
    """Keep the schedule from sending links that wait here; what is due later anyhow stays so."""
    ids = sorted(link_id(part.workspace_id, spec.url) for spec in part.links)
    session.execute(
        text(
            "UPDATE links SET next_check_at = greatest(next_check_at, :until) WHERE id IN ("
            " SELECT id FROM links WHERE id = ANY(:ids) ORDER BY id FOR UPDATE)"
        ),
        {"until": until, "ids": ids},
    )
