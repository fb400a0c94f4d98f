"""Copies of links that will not come back by themselves: one question each time one fails, asked slowly."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog
from sqlalchemy import select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from tasks import clock
from tasks.database import Sessions
from tasks.links.archive import Archive, ArchiveBusy, ArchiveFailed
from tasks.links.models import IN_TROUBLE, Link, RolledUp, Snapshot

log = structlog.get_logger(__name__)

NAME = "archive"
# What was found is as good when the link fails again so soon.
KEPT = timedelta(days=7)
MOST_TRIES = 5
# Longer than an answer is waited for, with all its redirects and repetitions.
LONGEST_ANSWER = timedelta(minutes=2)
FIRST_PAUSE = timedelta(minutes=10)
LONGEST_PAUSE = timedelta(days=1)
# The latest first: their answer may still be in time for what people are told.
NEXT = text(f"""
    SELECT links.id, links.url, links.failing_since AS since,
        CASE WHEN snapshots.since = links.failing_since THEN snapshots.tries ELSE 0 END AS tries
    FROM links LEFT JOIN snapshots ON snapshots.link_id = links.id
    WHERE links.{IN_TROUBLE} AND links.state <> 'recovering' AND links.permanence = 'hard'
    AND links.failing_since IS NOT NULL AND NOT links.paused AND NOT links.ignored
    AND (snapshots.link_id IS NULL
        OR (snapshots.since = links.failing_since AND snapshots.answered_at IS NULL
            AND snapshots.due_at <= :now AND snapshots.tries < {MOST_TRIES})
        OR (snapshots.since <> links.failing_since
            AND (snapshots.answered_at IS NULL OR snapshots.answered_at < :old)))
    ORDER BY links.failing_since DESC LIMIT 1
""")  # noqa: S608  # our own words


@dataclass(frozen=True, slots=True)
class Question:
    """The copy of which link to ask for, and of when."""

    link_id: uuid.UUID
    url: str
    since: datetime


def ask_one(sessions: Sessions, archive: Archive, interval_s: float) -> None:
    """Ask one question, if the archive may be asked by now. What fails is asked again later, and not for ever."""
    interval = timedelta(seconds=interval_s)
    with sessions.begin() as session:
        # Nobody else asks while we wait for the answer.
        question = _claim(session, clock.now(), LONGEST_ANSWER + interval)
    if question is None:
        return
    pause = interval
    try:
        found = archive.nearest(question.url, question.since)
    except ArchiveFailed as error:
        pause = max(pause, timedelta(seconds=error.wait_s)) if isinstance(error, ArchiveBusy) else pause
        log.info("no answer from the archive", url=question.url, error=str(error))
        with sessions.begin() as session:
            _leave_alone(session, pause)
        return
    with sessions.begin() as session:
        _answer(session, question, found)
        _leave_alone(session, pause)


def _claim(session: Session, now: datetime, busy: timedelta) -> Question | None:
    session.execute(insert(RolledUp).values(name=NAME, until=now).on_conflict_do_nothing())
    mark = session.scalar(select(RolledUp).where(RolledUp.name == NAME).with_for_update(skip_locked=True))
    if mark is None or mark.until > now:
        return None
    row = session.execute(NEXT, {"now": now, "old": now - KEPT}).first()
    if row is None:
        return None
    pause = min(FIRST_PAUSE * 4**row.tries, LONGEST_PAUSE)
    asked = {"since": row.since, "tries": row.tries + 1, "due_at": now + pause, "answered_at": None}
    upsert = insert(Snapshot).values(link_id=row.id, **asked)
    session.execute(upsert.on_conflict_do_update(index_elements=["link_id"], set_=asked))
    mark.until = now + busy
    return Question(row.id, row.url, row.since)


def _answer(session: Session, question: Question, found: str | None) -> None:
    answered = update(Snapshot).where(Snapshot.link_id == question.link_id, Snapshot.since == question.since)
    session.execute(answered.values(answered_at=clock.now()))
    session.execute(update(Link).where(Link.id == question.link_id).values(archived_url=found))


def _leave_alone(session: Session, pause: timedelta) -> None:
    session.execute(update(RolledUp).where(RolledUp.name == NAME).values(until=clock.now() + pause))
