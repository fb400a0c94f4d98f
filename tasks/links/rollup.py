"""Checks counted by hour and by day, once the hour or the day is over.

A check belongs to the hour in which it was written, which its id tells. An hour is counted when nothing can be written
into it any more, in the transaction that says that it is; counting it again would say the same. The day is counted from
the checks as well, not from its hours, so that it has what a clock that was slow put into an hour too late.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from math import log

from sqlalchemy import select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from tasks.database import Sessions
from tasks.links import uptime
from tasks.links.models import CHECKS, RolledUp
from tasks.links.sketch import GAMMA, SHORTEST_MS
from tasks.wire import first_id

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
# Ids are older than the commit that shows them, by as much as a transaction lasts and clocks differ.
MARGIN = timedelta(minutes=10)
# A tick counts no more, so that after a long silence others have their turn.
AT_ONCE = 12
# Where there is nothing to begin with, no older hours are looked for.
OLDEST = timedelta(days=90)

LATENCY = "coalesce(checks.total_ms, CAST(checks.timings_ms ->> 'total' AS real))"
BUCKET = f"CAST(ceil(ln(greatest({LATENCY}, {SHORTEST_MS})) / {log(GAMMA)!r}) AS smallint)"
VERDICTS = ("ok", "degraded", "broken", "inconclusive", "skipped")
COUNTED = ", ".join(f"count(*) FILTER (WHERE verdict = '{verdict}') AS {verdict}" for verdict in VERDICTS)
SUMMED = ", ".join(f"coalesce(sum({verdict}), 0) AS {verdict}" for verdict in VERDICTS)
REPLACED = ", ".join(f"{name} = excluded.{name}" for name in (*VERDICTS, "buckets", "counts"))
# What was not answered took as long as our patience, which says nothing of the server.
COUNT = """
    WITH found AS (
        SELECT checks.link_id, checks.verdict,
            CASE WHEN checks.status_code IS NOT NULL AND {latency} IS NOT NULL THEN {bucket} END AS bucket
        FROM checks JOIN links ON links.id = checks.link_id
        WHERE checks.id >= :first AND checks.id < :next
    ), alike AS (
        SELECT link_id, bucket, count(*) AS checks, {counted} FROM found GROUP BY link_id, bucket
    )
    INSERT INTO {table} (link_id, at, ok, degraded, broken, inconclusive, skipped, buckets, counts)
    SELECT link_id, :at, {summed},
        coalesce(array_agg(bucket ORDER BY bucket) FILTER (WHERE bucket IS NOT NULL), '{{}}'),
        coalesce(array_agg(checks ORDER BY bucket) FILTER (WHERE bucket IS NOT NULL), '{{}}')
    FROM alike GROUP BY link_id
    ON CONFLICT (link_id, at) DO UPDATE SET {replaced}
"""
# By all tags of a link together first: those who have the same are many, and their links are counted once.
TOTAL = f"""
    WITH up AS (
        SELECT workspace_id, tags, count(*) AS links, sum(watched_s) AS watched_s, sum(down_s) AS down_s
        FROM ({uptime.UPTIME.format(which="true")}) AS each GROUP BY workspace_id, tags
    ), time AS (
        SELECT workspace_id, tag, sum(links) AS links, sum(watched_s) AS watched_s, sum(down_s) AS down_s
        FROM up CROSS JOIN LATERAL unnest(array_prepend('', tags)) AS tag GROUP BY workspace_id, tag
    ), found AS MATERIALIZED (
        SELECT links.workspace_id, links.tags, link_hours.*
        FROM link_hours JOIN links ON links.id = link_hours.link_id WHERE link_hours.at = :at
    ), tally AS (
        SELECT workspace_id, tag, {SUMMED}
        FROM (SELECT workspace_id, tags, {SUMMED} FROM found GROUP BY workspace_id, tags) AS each
        CROSS JOIN LATERAL unnest(array_prepend('', tags)) AS tag GROUP BY workspace_id, tag
    ), alike AS (
        SELECT workspace_id, tag, bucket, sum(checks) AS checks
        FROM (
            SELECT workspace_id, tags, latency.bucket, sum(latency.checks) AS checks
            FROM found CROSS JOIN LATERAL unnest(buckets, counts) AS latency(bucket, checks)
            GROUP BY workspace_id, tags, latency.bucket
        ) AS each CROSS JOIN LATERAL unnest(array_prepend('', tags)) AS tag GROUP BY workspace_id, tag, bucket
    ), latencies AS (
        SELECT workspace_id, tag, array_agg(bucket ORDER BY bucket) AS buckets,
            array_agg(checks ORDER BY bucket) AS counts
        FROM alike GROUP BY workspace_id, tag
    )
    INSERT INTO workspace_hours (workspace_id, tag, at, links, watched_s, down_s, ok, degraded, broken, inconclusive,
        skipped, buckets, counts)
    SELECT workspace_id, tag, :at, coalesce(links, 0), coalesce(watched_s, 0), coalesce(down_s, 0),
        {", ".join(f"coalesce({verdict}, 0)" for verdict in VERDICTS)},
        coalesce(buckets, '{{}}'), coalesce(counts, '{{}}')
    FROM time FULL JOIN tally USING (workspace_id, tag) LEFT JOIN latencies USING (workspace_id, tag)
    ON CONFLICT (workspace_id, tag, at) DO UPDATE SET {REPLACED},
        links = excluded.links, watched_s = excluded.watched_s, down_s = excluded.down_s
"""  # noqa: S608  # our own words


@dataclass(frozen=True, slots=True)
class Step:
    """A table of link tallies, and the time that one row is of."""

    table: str
    lasts: timedelta

    def start(self, at: datetime) -> datetime:
        """When the hour or day began that this belongs to."""
        at = at.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
        return at if self.lasts == HOUR else at.replace(hour=0)


HOURS = Step("link_hours", HOUR)
DAYS = Step("link_days", DAY)


def run(sessions: Sessions, now: datetime) -> None:
    """Count what is over since the last time; safe to do by several at once."""
    for step in (HOURS, DAYS):
        for _ in range(AT_ONCE):
            with sessions.begin() as session:
                if not _count_next(session, step, now):
                    break


def done_until(session: Session, step: Step) -> datetime | None:
    """What is older has been counted; None where nothing has."""
    return session.scalar(select(RolledUp.until).where(RolledUp.name == step.table))


def _count_next(session: Session, step: Step, now: datetime) -> bool:
    mark = select(RolledUp).where(RolledUp.name == step.table).with_for_update(skip_locked=True)
    rolled = session.scalar(mark) or _begin(session, step, now)
    if rolled is None or rolled.until + step.lasts + MARGIN > now:
        return False
    session.execute(text("SET LOCAL statement_timeout = '10min'"))
    for statement, values in _statements(step, rolled.until):
        session.execute(text(statement), values)
    rolled.until += step.lasts
    return True


def _begin(session: Session, step: Step, now: datetime) -> RolledUp | None:
    """The first one, from the oldest check on; None where there is none yet, or another tick is at it."""
    first = select(CHECKS.c.id).where(CHECKS.c.id >= first_id(now - OLDEST)).order_by(CHECKS.c.id).limit(1)
    oldest = session.scalar(first)
    if oldest is None:
        return None
    until = step.start(datetime.fromtimestamp((oldest.int >> 80) / 1000, UTC))
    begun = insert(RolledUp).values(name=step.table, until=until).on_conflict_do_nothing().returning(RolledUp)
    return session.scalar(begun)


def _statements(step: Step, at: datetime) -> Iterator[tuple[str, dict[str, object]]]:
    names = {"latency": LATENCY, "bucket": BUCKET, "counted": COUNTED, "summed": SUMMED, "replaced": REPLACED}
    yield (
        COUNT.format(table=step.table, **names),
        {"at": at, "first": first_id(at), "next": first_id(at + step.lasts)},
    )
    if step is HOURS:
        yield TOTAL, {"at": at, "since": at, "until": at + step.lasts}
