"""What links does when it is told: check a part, and send the links that are due."""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import groupby
from typing import Any, Protocol

from sqlalchemy import delete, select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from config.settings import Links
from tasks import outbox, wire
from tasks.database import Sessions, as_json, insert_rows, update_rows
from tasks.links import record
from tasks.links.messages import (
    CheckLinks,
    JobFinished,
    LeaseDueLinks,
    LinksChanged,
    LinkSpec,
    PartChecked,
    link_id,
)
from tasks.links.models import CHECKS, INCIDENTS, LINKS, OUTBOX, Link, PartDone
from tasks.links.record import Outcome, Row
from tasks.links.result import Result, Target
from tasks.links.state import ConfirmRules

SCHEDULED = "links.scheduled"
# Longer than any broker or sweeper keeps a part before it comes again.
PARTS_REMEMBERED = timedelta(days=7)


class Checker(Protocol):
    """Something that fetches: results come in the order of the targets, and never as an exception of a server's."""

    def check(self, targets: Sequence[Target]) -> list[Result]: ...


def check_links(message: CheckLinks, *, sessions: Sessions, checker: Checker, settings: Links) -> None:
    """Fetch every link of the part, then write all that follows in one transaction."""
    with sessions.begin() as session:
        if session.get(PartDone, message.part_id) is not None:
            _confirm_again(session, message)
            return
    results = checker.check([Target(spec.url, full=spec.full) for spec in message.links])
    with sessions.begin() as session:
        if _is_first(session, message):
            _write(session, message, results, settings)
        else:
            _confirm_again(session, message)


def lease_due(_: LeaseDueLinks, *, sessions: Sessions, settings: Links) -> None:
    """Lease the links that are due and send them in parts; a link that another tick holds is passed over."""
    with sessions.begin() as session:
        due = _lease(session, settings)
        parts = [outbox.job(SCHEDULED, part) for part in _scheduled_parts(due, settings.part_size)]
        outbox.post(session, OUTBOX, parts)
        forget = datetime.now(UTC) - PARTS_REMEMBERED
        session.execute(delete(PartDone).where(PartDone.done_at < forget))


def rules_of(settings: Links) -> ConfirmRules:
    """How sure to be, as the settings say."""
    return ConfirmRules(
        hard=settings.confirm_hard,
        transient=settings.confirm_transient,
        min_confirm_s=settings.min_confirm_s,
        offsets_s=settings.confirm_offsets_s,
        recover_ok=settings.recover_ok,
    )


def _is_first(session: Session, message: CheckLinks) -> bool:
    mark = insert(PartDone).values(id=message.part_id, job_id=message.job_id).on_conflict_do_nothing()
    return session.scalar(mark.returning(PartDone.id)) is not None


def _confirm_again(session: Session, message: CheckLinks) -> None:
    """The results stand; whoever sent the part again has not heard of it."""
    if message.job_id:
        outbox.post(session, OUTBOX, [outbox.event(_part_checked(message.part_id, message.job_id))])


def _write(session: Session, message: CheckLinks, results: Sequence[Result], settings: Links) -> None:
    outcomes = _settle(session, message, dict(zip(message.links, results, strict=True)), settings)
    insert_rows(session, INCIDENTS, [outcome.opened for outcome in outcomes if outcome.opened])
    update_rows(session, INCIDENTS, "id", [outcome.resolved for outcome in outcomes if outcome.resolved])
    rows = {outcome.row["id"]: outcome.row for outcome in outcomes}
    checks = [
        record.check_row(message.workspace_id, message.job_id, rows[_id(message, spec)], result, message.scheduled_at)
        for spec, result in zip(message.links, results, strict=True)
    ]
    insert_rows(session, CHECKS, checks)
    drafts = _announcements(message, outcomes)
    if message.job_id:
        drafts += _progress(session, message.job_id, message, Counter(str(each.verdict) for each in results))
    outbox.post(session, OUTBOX, drafts)


def _id(message: CheckLinks, spec: LinkSpec) -> uuid.UUID:
    return link_id(message.workspace_id, spec.url)


def _settle(
    session: Session, message: CheckLinks, results: Mapping[LinkSpec, Result], settings: Links
) -> list[Outcome]:
    """Move every link by its result. A new link that another part adds at this moment is taken up as a known one."""
    pending = {_id(message, spec): spec for spec in results}
    outcomes: list[Outcome] = []
    while pending:
        known = _locked(session, sorted(pending))
        moved = [_move(row, pending[row["id"]], message, results, settings) for row in known]
        update_rows(session, LINKS, "id", [_mutable(outcome.row) for outcome in moved])
        fresh = [
            record.new_link(message.workspace_id, identity, spec, message.scheduled_at, settings.interval_s)
            for identity, spec in pending.items()
            if identity not in {row["id"] for row in known}
        ]
        born = [_move(row, pending[row["id"]], message, results, settings, new=True) for row in fresh]
        added = _add(session, [outcome.row for outcome in born])
        outcomes += moved + [outcome for outcome in born if outcome.row["id"] in added]
        for outcome in outcomes:
            pending.pop(outcome.row["id"], None)
    return outcomes


def _locked(session: Session, ids: Sequence[uuid.UUID]) -> list[Row]:
    # In the order of their ids, so that two parts with links in common never wait for each other in a circle.
    query = select(*LINKS.c).where(LINKS.c.id.in_(ids)).order_by(LINKS.c.id).with_for_update()
    return [dict(row) for row in session.execute(query).mappings()]


def _move(
    row: Row,
    spec: LinkSpec,
    message: CheckLinks,
    results: Mapping[LinkSpec, Result],
    settings: Links,
    new: bool = False,
) -> Outcome:
    if message.job_id and not new:
        row = record.resubmitted(row, spec)
    return record.apply(row, results[spec], message.scheduled_at, rules_of(settings))


def _mutable(row: Row) -> Row:
    return {name: value for name, value in row.items() if name not in ("workspace_id", "url", "host", "created_at")}


def _add(session: Session, rows: Sequence[Row]) -> set[uuid.UUID]:
    if not rows:
        return set()
    columns = ", ".join(rows[0])
    added = session.execute(
        text(
            f"INSERT INTO links ({columns}) SELECT {columns}"  # noqa: S608  # names from our own model
            " FROM json_populate_recordset(NULL::links, CAST(:rows AS json)) ORDER BY id"
            " ON CONFLICT (id) DO NOTHING RETURNING id"
        ),
        {"rows": as_json(rows)},
    )
    return set(added.scalars())


def _announcements(message: CheckLinks, outcomes: Sequence[Outcome]) -> list[outbox.Draft]:
    drafts = [outbox.event(outcome.event, outcome.row["traceparent"]) for outcome in outcomes if outcome.event]
    changes = tuple(outcome.change for outcome in outcomes if outcome.change)
    if changes:
        told = LinksChanged(wire.new_id(), message.workspace_id, datetime.now(UTC), changes, message.job_id)
        drafts.append(outbox.event(told))
    return drafts


def _progress(
    session: Session, job_id: uuid.UUID, message: CheckLinks, verdicts: Mapping[str, int]
) -> list[outbox.Draft]:
    job = _count(session, job_id, message, verdicts)
    told: list[wire.Event] = [_part_checked(message.part_id, job_id)]
    if job["finished_at"]:
        finished = JobFinished(
            wire.new_id(), message.workspace_id, job_id, job["total"], job["verdicts"], job["finished_at"]
        )
        told.append(finished)
    return [outbox.event(each) for each in told]


def _count(session: Session, job_id: uuid.UUID, message: CheckLinks, verdicts: Mapping[str, int]) -> Mapping[str, Any]:
    """Add a part to its job. The row lock makes exactly one part the last."""
    values = {
        "id": job_id,
        "workspace": message.workspace_id,
        "total": message.job_total,
        "done": len(message.links),
        "verdicts": as_json(verdicts),
        "submitted_at": message.scheduled_at,
    }
    query = text("""
        INSERT INTO jobs AS job (id, workspace_id, total, done, verdicts, started_at, finished_at)
        VALUES (:id, :workspace, :total, :done, CAST(:verdicts AS jsonb), :submitted_at,
                CASE WHEN CAST(:done AS int) >= CAST(:total AS int) THEN clock_timestamp() END)
        ON CONFLICT (id) DO UPDATE SET
            done = job.done + excluded.done,
            verdicts = (
                SELECT jsonb_object_agg(name, total) FROM (
                    SELECT key AS name, sum(value::int) AS total
                    FROM (SELECT * FROM jsonb_each_text(job.verdicts)
                          UNION ALL SELECT * FROM jsonb_each_text(excluded.verdicts)) AS each
                    GROUP BY key) AS sums),
            finished_at = CASE WHEN job.done + excluded.done >= job.total THEN clock_timestamp() END
        RETURNING total, verdicts, finished_at
    """)
    return dict(session.execute(query, values).mappings().one())


def _part_checked(part_id: uuid.UUID, job_id: uuid.UUID) -> PartChecked:
    return PartChecked(wire.new_id(), part_id, job_id)


@dataclass(frozen=True)
class _Due:
    workspace_id: uuid.UUID
    spec: LinkSpec


def _lease(session: Session, settings: Links) -> list[_Due]:
    now = datetime.now(UTC)
    due = (
        select(Link.id)
        .where(Link.next_check_at <= now)
        .order_by(Link.next_check_at)
        .limit(settings.tick_limit)
        .with_for_update(skip_locked=True)
        .cte("due")
    )
    leased = (
        LINKS.update()
        .where(LINKS.c.id == due.c.id)
        .values(next_check_at=now + timedelta(seconds=settings.lease_s))
        .returning(LINKS.c.workspace_id, LINKS.c.url, LINKS.c.confirming)
    )
    return [_Due(row.workspace_id, LinkSpec(row.url, full=row.confirming)) for row in session.execute(leased)]


def _scheduled_parts(due: Sequence[_Due], size: int) -> list[CheckLinks]:
    now = datetime.now(UTC)
    parts = []
    for workspace_id, group in groupby(sorted(due, key=lambda each: each.workspace_id), lambda each: each.workspace_id):
        specs = [each.spec for each in group]
        parts += [
            CheckLinks(wire.new_id(), workspace_id, now, tuple(specs[start : start + size]))
            for start in range(0, len(specs), size)
        ]
    return parts
