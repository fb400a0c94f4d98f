"""Tables that are cut into weeks, so that what is too old goes as a whole and never row by row.

A row for which there is no week falls into the default partition, and moves when its week is made: no row is refused.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import structlog
from sqlalchemy import text
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from tasks import wire
from tasks.database import Sessions, is_locked_out

log = structlog.get_logger(__name__)

WEEK = timedelta(days=7)
# The beat may be down for so long before a row falls into the default partition.
AHEAD = 4 * WEEK
# Those who wait behind us for the table wait no longer than this; the next tick tries again.
PATIENCE = "SET LOCAL lock_timeout = '500ms'"
ALONE = text("SELECT pg_try_advisory_xact_lock(hashtextextended('pranala partitions', 0))")
PARTS = text("""
    SELECT child.relname AS name, pg_get_expr(child.relpartbound, child.oid) AS bounds
    FROM pg_inherits JOIN pg_class AS child ON child.oid = pg_inherits.inhrelid
    WHERE pg_inherits.inhparent = CAST(:table AS regclass)
""")
# Moving what fell into the default partition may take its time; those who write into it wait.
MAKE = (
    "CREATE TABLE {week} (LIKE {table} INCLUDING ALL)",
    "LOCK TABLE {table}_default IN ACCESS EXCLUSIVE MODE",
    "SET LOCAL statement_timeout = '10min'",
    "WITH moved AS (DELETE FROM {table}_default WHERE {key} >= {start} AND {key} < {end} RETURNING *)"
    " INSERT INTO {week} SELECT * FROM moved",
    "ALTER TABLE {table} ATTACH PARTITION {week} FOR VALUES FROM ({start}) TO ({end})",
)
UNTIL = re.compile(r"TO \('([^']+)'\)")


@dataclass(frozen=True)
class Weekly:
    """A table cut into weeks by its ids, which are UUIDv7 and so sorted by time, or by a time itself."""

    table: str
    key: str = "id"
    by_time: bool = False

    def bound(self, at: datetime) -> str:
        """The least key of this time."""
        return at.isoformat() if self.by_time else str(wire.first_id(at))

    def until(self, bounds: str) -> datetime | None:
        """Where a partition with these bounds ends; None of the default."""
        found = UNTIL.search(bounds)
        if found is None:
            return None
        if self.by_time:
            return datetime.fromisoformat(found[1]).astimezone(UTC)
        return datetime.fromtimestamp((uuid.UUID(found[1]).int >> 80) / 1000, UTC)


def renew(sessions: Sessions, tables: Mapping[Weekly, timedelta | None], now: datetime) -> None:
    """Make the weeks to come of each table, and drop those that ended longer ago than it is kept; None is for ever.

    Safe to do at any time, by several at once; what cannot be locked at once is left to the next time.
    """
    for weekly, kept in tables.items():
        try:
            with sessions.begin() as session:
                if session.execute(ALONE).scalar():
                    _renew(session, weekly, kept, now)
        except OperationalError as error:
            if not is_locked_out(error):
                raise
            log.info("partitions are busy", table=weekly.table)


def _renew(session: Session, weekly: Weekly, kept: timedelta | None, now: datetime) -> None:
    ends = {row.name: weekly.until(row.bounds) for row in session.execute(PARTS, {"table": weekly.table})}
    session.execute(text(PATIENCE))
    last = max((end for end in ends.values() if end), default=_monday(now))
    for start in _missing(last, kept, now):
        _make(session, weekly, start)
    for name, end in ends.items():
        if kept is not None and end is not None and end < now - kept:
            session.execute(text(f"DROP TABLE {name}"))
            log.info("history dropped", partition=name, until=end.isoformat())


def _missing(last: datetime, kept: timedelta | None, now: datetime) -> Iterator[datetime]:
    """The weeks that are still to be made, by their starts. After a long silence, not those that are too old."""
    start = last
    while start < now + AHEAD:
        if kept is None or start + WEEK >= now - kept:
            yield start
        start += WEEK


def _monday(at: datetime) -> datetime:
    return at.replace(hour=0, minute=0, second=0, microsecond=0) - timedelta(days=at.weekday())


def _make(session: Session, weekly: Weekly, start: datetime) -> None:
    # A table of its own first: attaching it keeps nobody from the others, as making it in its place would.
    values = {
        "week": f"{weekly.table}_{start:%Y%m%d}",
        "table": weekly.table,
        "key": weekly.key,
        "start": f"'{weekly.bound(start)}'",
        "end": f"'{weekly.bound(start + WEEK)}'",
    }
    for statement in MAKE:
        session.execute(text(statement.format(**values)))
