"""How long history is kept: that of links that were removed is forgotten bit by bit, the rest week by week."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import delete, or_, text
from sqlalchemy.orm import Session

from config.settings import Links
from tasks import retention
from tasks.database import Sessions
from tasks.links import partitions
from tasks.links.models import JOBS, Removed
from tasks.links.partitions import Weekly

CHECKS = Weekly("checks")
HOURS = (Weekly("link_hours", key="at", by_time=True), Weekly("workspace_hours", key="at", by_time=True))
DAYS = Weekly("link_days", key="at", by_time=True)
LINKS_AT_ONCE = 500
ABANDONED = timedelta(days=30)
CHECKS_AT_ONCE = 20_000

# A link that was added again since keeps what was found of it since.
FORGET = text("""
    WITH gone AS (SELECT link_id, removed_at FROM removed WHERE link_id = ANY(:links)),
    old AS (
        SELECT checks.link_id, checks.id FROM gone JOIN checks
        ON checks.link_id = gone.link_id AND checks.checked_at <= gone.removed_at LIMIT :most)
    DELETE FROM checks USING old WHERE checks.link_id = old.link_id AND checks.id = old.id
""")
FORGET_ROLLED = """
    DELETE FROM {table} AS rolled USING removed
    WHERE removed.link_id = ANY(:links) AND rolled.link_id = removed.link_id AND rolled.at <= removed.removed_at
"""
GONE = text("SELECT link_id FROM removed ORDER BY removed_at LIMIT :most FOR UPDATE SKIP LOCKED")


def forget(session: Session) -> bool:
    """Forget some of it; true while there is more."""
    links = list(session.execute(GONE, {"most": LINKS_AT_ONCE}).scalars())
    if not links:
        return False
    forgotten = session.execute(FORGET, {"links": links, "most": CHECKS_AT_ONCE})
    if forgotten.rowcount < CHECKS_AT_ONCE:  # type: ignore[attr-defined]  # of every DELETE
        for table in ("link_hours", "link_days"):
            session.execute(text(FORGET_ROLLED.format(table=table)), {"links": links})
        session.execute(delete(Removed).where(Removed.link_id.in_(links)))
    return True


def forget_jobs(session: Session, now: datetime, settings: Links) -> None:
    """Forget jobs that are over; one that was cancelled never ends, and is over when nobody can count on it."""
    given_up = JOBS.c.started_at < now - timedelta(days=settings.jobs_days) - ABANDONED
    retention.forget(session, JOBS, or_(JOBS.c.finished_at.is_not(None), given_up), settings.jobs_days, now)


def keep(sessions: Sessions, now: datetime, settings: Links) -> None:
    """Make room for the weeks to come, and drop what is older than the settings say."""
    kept = {CHECKS: settings.history_days, **dict.fromkeys(HOURS, settings.hourly_days), DAYS: settings.daily_days}
    partitions.renew(sessions, {each: timedelta(days=days) if days else None for each, days in kept.items()}, now)
