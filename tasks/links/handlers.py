"""What links does when it is told, but for checking: read a source, cancel, and send the links that are due."""

from __future__ import annotations

import threading
from datetime import timedelta

from sqlalchemy import delete
from sqlalchemy.dialects.postgresql import insert

from config import telemetry
from config.failpoints import reach
from config.settings import Links
from tasks import clock, outbox
from tasks.database import Sessions
from tasks.links import (
    deferral,
    gathered,
    gathering,
    history,
    inbox,
    maintenance,
    rollup,
    schedule,
    snapshots,
    sources,
)
from tasks.links.archive import Archive
from tasks.links.harvest import Harvest
from tasks.links.messages import (
    AskArchive,
    CancelParts,
    GatherLinks,
    LeaseDueLinks,
    RollUpChecks,
)
from tasks.links.models import OUTBOX, PartDone
from tasks.links.sources import Reader
from tasks.service import Told

SCHEDULED = "links.scheduled"
# A tick leases in transactions of so many links, so that none holds its locks for long.
LEASED_AT_ONCE = 2_500
# Longer than any broker or sweeper keeps a part before it comes again.
PARTS_REMEMBERED = timedelta(days=7)
# A source may take tens of MiB to read, and a few of them must not hold up all that is to be checked.
GATHERING = threading.BoundedSemaphore(2)


def gather_links(message: GatherLinks, *, sessions: Sessions, reader: Reader, settings: Links) -> None:
    """Read a source, then write the job that its links are, in one transaction."""
    told = Told(message, telemetry.carrier().get("traceparent", ""))
    with sessions.begin() as session:
        if inbox.done(session, [message.part_id]):
            inbox.confirm_again(session, [told])
            return
    with GATHERING, Harvest(message.workspace_id, message.most) as harvest:
        error = sources.fill(harvest, message.kind, message.url, reader)
        with sessions.begin() as session:
            if inbox.take(session, [message]):
                gathered.write(session, message, harvest, error, settings.part_size)
            else:
                inbox.confirm_again(session, [told])


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
        gathering.settle(session, now, gathering.rules_of(settings))
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
