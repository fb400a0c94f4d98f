"""What counting checks costs: an hour of a million links' checks, by the link and by workspace and tag."""

from __future__ import annotations

import argparse
import os
import time
from datetime import UTC, datetime, timedelta

from sqlalchemy import text

from benchmarks import pranala
from benchmarks.report import Benchmark
from benchmarks.schedule import fill
from cli.local.product import Product
from tasks import database
from tasks.database import Sessions
from tasks.links import rollup
from tasks.links.models import LinkDay, LinkHour

# Ids as they would have been made in the course of the hour.
CHECKS = text("""
    INSERT INTO checks (id, workspace_id, link_id, verdict, reason, status_code, total_ms, attempts, bytes_read, worker,
        scheduled_at, started_at, checked_at)
    SELECT CAST(lpad(to_hex(CAST(extract(epoch FROM at) * 1000 AS bigint)), 12, '0')
            || right(replace(CAST(gen_random_uuid() AS text), '-', ''), 20) AS uuid),
        workspace_id, id, 'ok', 'ok', 200, exp(4 + random()), 1, 0, 'links', at, at, at
    FROM (
        SELECT *, CAST(:start AS timestamptz) + row_number() OVER () * interval '3500 seconds' / :checks AS at
        FROM links LIMIT :checks
    ) AS timed
""")


def options(parser: argparse.ArgumentParser) -> None:
    """What can be asked of it."""
    parser.add_argument("--links", type=int, default=1_000_000, help="links of the table, of two tags each")
    parser.add_argument("--workspaces", type=int, default=1000, help="of which one has nearly all of them")
    parser.add_argument("--checks", type=int, default=500_000, help="in the hour, one a link")


def measure(asked: argparse.Namespace) -> str:
    """A table."""
    with pranala.servers() as backing:
        Product(backing, {"PATH": os.environ["PATH"]}).migrate()
        sessions = database.connect(backing.database_urls["links"])
        fill(sessions, asked.links, asked.workspaces)
        start = rollup.DAYS.start(datetime.now(UTC)) - timedelta(days=2)
        _check(sessions, start, asked.checks)
        took = _count(sessions, start)
        sessions.kw["bind"].dispose()
        return f"{_table(took, asked.checks)}\n\n{pranala.versions(backing)}."


def _check(sessions: Sessions, start: datetime, checks: int) -> None:
    with sessions.begin() as session:
        session.execute(text("SET LOCAL statement_timeout = 0"))
        session.execute(text("UPDATE links SET created_at = :at, tags = ARRAY['docs', 'eu']"), {"at": start})
        session.execute(CHECKS, {"start": start, "checks": checks})
    with sessions.kw["bind"].connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("SET statement_timeout = 0"))
        connection.execute(text("VACUUM ANALYZE"))


def _count(sessions: Sessions, start: datetime) -> tuple[float, float]:
    """Seconds for the hour, and for the day."""
    took = []
    for model, now in ((LinkHour, start + timedelta(hours=1, minutes=15)), (LinkDay, start + timedelta(days=1.2))):
        with sessions.begin() as session:
            # Hours that are empty are not what is measured.
            session.execute(text("DELETE FROM rolled_up WHERE name = 'link_hours'"))
            session.execute(text("INSERT INTO rolled_up VALUES ('link_hours', :at)"), {"at": start})
            if model is LinkDay:
                session.execute(text("UPDATE rolled_up SET until = :at WHERE name = 'link_hours'"), {"at": now})
        begun = time.perf_counter()
        rollup.run(sessions, now)
        took.append(time.perf_counter() - begun)
    return took[0], took[1]


def _table(took: tuple[float, float], checks: int) -> str:
    lines = [
        f"| {checks:,} checks, one a link | s | checks/s |",
        "|---|---:|---:|",
        f"| the hour, with workspaces and tags | {took[0]:.1f} | {checks / took[0]:,.0f} |",
        f"| the day | {took[1]:.1f} | {checks / took[1]:,.0f} |",
    ]
    return "\n".join(lines)


BENCHMARK = Benchmark("rollup", "Checks counted", options, measure)

if __name__ == "__main__":
    BENCHMARK.main()
