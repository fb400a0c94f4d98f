"""What links does when it is told: check a part, and send the links that are due."""

from __future__ import annotations

import os
import threading
import uuid
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from functools import partial
from typing import Any, Protocol

from sqlalchemy import delete, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from config import telemetry
from config.failpoints import reach
from config.settings import LINKS_KEY, Links
from tasks import clock, counted, outbox, wire
from tasks.database import AWAY, Sessions, as_json, insert_rows, transaction, update_rows
from tasks.links import (
    announcing,
    deferral,
    gathered,
    gathering,
    history,
    maintenance,
    passing,
    plan,
    record,
    rollup,
    schedule,
    settling,
    snapshots,
    sources,
    tailoring,
    timeline,
)
from tasks.links.archive import Archive
from tasks.links.connectivity import Connectivity
from tasks.links.flights import Flights
from tasks.links.grouping import GroupRules
from tasks.links.harvest import Harvest
from tasks.links.messages import (
    AskArchive,
    CancelParts,
    CheckLinks,
    GatherLinks,
    JobFinished,
    LeaseDueLinks,
    PartChecked,
    RollUpChecks,
)
from tasks.links.models import CHECKS, INCIDENTS, MOMENTS, OUTBOX, PartDone
from tasks.links.record import Outcome
from tasks.links.result import Result, Target
from tasks.links.settling import Checked
from tasks.links.sources import Reader
from tasks.vault import Vault

SCHEDULED = "links.scheduled"
# A tick leases in transactions of so many links, so that none holds its locks for long.
LEASED_AT_ONCE = 2_500
# Longer than any broker or sweeper keeps a part before it comes again.
PARTS_REMEMBERED = timedelta(days=7)
ONLINE = Connectivity(())
ALONE = Flights()
# Opens nothing: of a worker that was given no key.
CLOSED = Vault(os.urandom(32), LINKS_KEY)
# A source may take tens of MiB to read, and a few of them must not hold up all that is to be checked.
GATHERING = threading.BoundedSemaphore(2)


class Checker(Protocol):
    """Something that fetches: results come in the order of the targets, and never as an exception of a server's."""

    def check(self, targets: Sequence[Target], is_wanted: Callable[[], bool]) -> list[Result]: ...


def check_links(
    message: CheckLinks,
    *,
    sessions: Sessions,
    checker: Checker,
    settings: Links,
    connectivity: Connectivity = ONLINE,
    flights: Flights = ALONE,
    vault: Vault = CLOSED,
) -> None:
    """Fetch every link of the part, then write all that follows in one transaction.

    What another part fetches at this moment is put back, and fetched when that is done.
    """
    reach("links.check.taken")
    with sessions.begin() as session:
        if session.get(PartDone, message.part_id) is not None:
            _confirm_again(session, message)
            deferral.forget(session, message)
            return
        planned = plan.plan(session, message, clock.now(), settings, vault)
    settings = planned.settings
    with flights.of(message, planned.due) as flight:
        if flight.has_twin:
            with sessions.begin() as session:
                deferral.send_again(session, message, flights.lease_s)
            return
        reach("links.check.leased")
        targets = [planned.targets[spec.url] for spec in flight.ours]
        fetched = checker.check(targets, partial(_is_wanted, sessions, message.part_id))
    planned.due = flight.ours
    message, results = planned.joined(message, connectivity.believed(fetched))
    reach("links.check.fetched")
    with transaction(sessions, "links.check") as session:
        if _is_first(session, message):
            divided = deferral.divide(message, results, clock.now(), settings)
            divided = deferral.with_others(divided, message, flight.others, clock.now())
            _write(session, divided.part, divided.results, settings)
            deferral.put_back(session, message, divided.rest, settings)
        else:
            _confirm_again(session, message)


def gather_links(message: GatherLinks, *, sessions: Sessions, reader: Reader, settings: Links) -> None:
    """Read a source, then write the job that its links are, in one transaction."""
    with sessions.begin() as session:
        if session.get(PartDone, message.part_id) is not None:
            _confirm_again(session, message)
            return
    with GATHERING, Harvest(message.workspace_id, message.most) as harvest:
        error = sources.fill(harvest, message.kind, message.url, reader)
        with sessions.begin() as session:
            if _is_first(session, message):
                gathered.write(session, message, harvest, error, settings.part_size)
            else:
                _confirm_again(session, message)


def cancel_parts(message: CancelParts, *, sessions: Sessions) -> None:
    """Remember parts as done that nobody waits for any more."""
    with sessions.begin() as session:
        marks = [{"id": part_id, "job_id": message.job_id} for part_id in message.part_ids]
        if marks:
            session.execute(insert(PartDone).on_conflict_do_nothing(), marks)
        deferral.cancel(session, message.job_id)


def lease_due(_: LeaseDueLinks, *, sessions: Sessions, settings: Links) -> None:
    """Lease the links that are due and send them in parts; a link that another tick holds is passed over.

    A tick sends no more than it may, and stops where too many links wait already: after a long silence the schedule
    catches up at the pace at which links are checked.
    """
    now = clock.now()
    with sessions.begin() as session:
        gathering.settle(session, now, group_rules_of(settings))
    with sessions.begin() as session:
        outbox.post(session, OUTBOX, deferral.release(session, now, settings))
        schedule.forget(session, now)
        session.execute(delete(PartDone).where(PartDone.done_at < now - PARTS_REMEMBERED))
        room = min(settings.tick_limit, settings.backlog_limit - schedule.waiting_links(session, now))
    while room > 0 and (sent := _send_due(sessions, min(room, LEASED_AT_ONCE), settings)):
        room -= sent
    with sessions.begin() as session:
        history.forget(session)
        history.forget_jobs(session, now, settings)
    history.keep(sessions, now, settings)


def roll_up(_: RollUpChecks, *, sessions: Sessions) -> None:
    """Note which windows are open, and count the hours and days that are over."""
    now = clock.now()
    maintenance.note(sessions, now)
    rollup.run(sessions, now)


def ask_archive(_: AskArchive, *, sessions: Sessions, archive: Archive | None, interval_s: float) -> None:
    """Ask for a copy of one link that fails for good; never in the way of a check."""
    if archive is not None:
        snapshots.ask_one(sessions, archive, interval_s)


def _send_due(sessions: Sessions, limit: int, settings: Links) -> int:
    now = clock.now()
    with sessions.begin() as session:
        due = schedule.lease(session, now, settings.lease_s, limit)
        if not due:
            return 0
        parts = schedule.parts(due, now, settings.part_size)
        schedule.remember(session, parts, now + timedelta(seconds=settings.lease_s))
        outbox.post(session, OUTBOX, [outbox.job(SCHEDULED, part) for part in parts])
        reach("links.lease.written")
    reach("links.lease.committed")
    return len(due)


def group_rules_of(settings: Links) -> GroupRules:
    """What of a host belongs together, as the settings say."""
    return GroupRules(settings.group_least, settings.group_span_s, settings.group_wait_s)


def _is_wanted(sessions: Sessions, part_id: uuid.UUID) -> bool:
    """Is a part still to be done? Its job may be cancelled while its links wait for their hosts."""
    try:
        with sessions() as session:
            return session.get(PartDone, part_id) is None
    except AWAY:
        return True


def _is_first(session: Session, message: CheckLinks | GatherLinks) -> bool:
    mark = insert(PartDone).values(id=message.part_id, job_id=message.job_id).on_conflict_do_nothing()
    return session.scalar(mark.returning(PartDone.id)) is not None


def _confirm_again(session: Session, message: CheckLinks | GatherLinks) -> None:
    """The results stand; whoever sent the part again has not heard of it."""
    counted.ABSORBED.labels("links").inc()
    if message.job_id:
        outbox.post(session, OUTBOX, [outbox.event(_part_checked(message.part_id, message.job_id))])


def _write(session: Session, message: CheckLinks, results: Sequence[Result], settings: Links) -> None:
    verdicts = Counter(str(each.verdict) for each in results)
    if message.job_id and not message.keep:
        insert_rows(session, CHECKS, passing.check_rows(message, results))
        outbox.post(session, OUTBOX, _progress(session, message.job_id, message, verdicts))
        return
    checked = {spec.url: Checked(spec, result) for spec, result in zip(message.links, results, strict=True)}
    outcomes = settling.settle(session, message, checked, settings)
    gathering.lock(session, outcomes)
    _remember(session, message, checked, outcomes)
    tailoring.keep(session, message, [outcome.row for outcome in outcomes])
    if message.leased:
        schedule.release(session, message.part_id)
    drafts = gathering.gather(session, outcomes, group_rules_of(settings)) + announcing.drafts(message, outcomes)
    if message.job_id:
        drafts += _progress(session, message.job_id, message, verdicts)
    outbox.post(session, OUTBOX, drafts)


def _remember(
    session: Session, message: CheckLinks, checked: Mapping[str, Checked], outcomes: Sequence[Outcome]
) -> None:
    """Put on record what was seen and what came of it."""
    worker = telemetry.process()
    insert_rows(session, INCIDENTS, [outcome.opened for outcome in outcomes if outcome.opened])
    update_rows(session, INCIDENTS, "id", [outcome.resolved for outcome in outcomes if outcome.resolved])
    rows = [record.check_row(message, each.row, checked[each.row["url"]].result, worker) for each in outcomes]
    insert_rows(session, CHECKS, rows)
    timeline.begin(session, [outcome.opened for outcome in outcomes if outcome.opened])
    insert_rows(session, MOMENTS, [moment for outcome in outcomes for moment in outcome.moments])


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
                CASE WHEN CAST(:done AS int) >= CAST(:total AS int)
                    THEN greatest(clock_timestamp(), CAST(:submitted_at AS timestamptz)) END)
        ON CONFLICT (id) DO UPDATE SET
            done = job.done + excluded.done,
            verdicts = (
                SELECT coalesce(jsonb_object_agg(name, total), '{}') FROM (
                    SELECT key AS name, sum(value::int) AS total
                    FROM (SELECT * FROM jsonb_each_text(job.verdicts)
                          UNION ALL SELECT * FROM jsonb_each_text(excluded.verdicts)) AS each
                    GROUP BY key) AS sums),
            finished_at = CASE WHEN job.done + excluded.done >= job.total
                THEN greatest(clock_timestamp(), job.started_at) END
        RETURNING total, verdicts, finished_at
    """)
    return dict(session.execute(query, values).mappings().one())


def _part_checked(part_id: uuid.UUID, job_id: uuid.UUID) -> PartChecked:
    return PartChecked(wire.new_id(), part_id, job_id)
