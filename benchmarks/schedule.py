"""The schedule on a table of a million links: is the due query fast, and how many links a second are dispatched?"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
import uuid
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
from sqlalchemy import text
from sqlalchemy.engine import make_url

from cli.local.backing import start_backing
from config.settings import Links
from tasks import database
from tasks.database import Sessions
from tasks.links import schedule
from tasks.links.handlers import LEASED_AT_ONCE, lease_due
from tasks.links.messages import LeaseDueLinks
from workers.migrate import upgrade

LARGE = uuid.UUID(int=1)
# One workspace has almost everything, the others ten links each.
SMALL_LINKS = 10
TRIES = 200
FILL = text("""
    INSERT INTO links (id, workspace_id, url, host, created_at, interval_s, tags, traceparent, state, failures,
        hard_failures, ok_streak, inconclusive_streak, verdict, reason, since, recent, next_check_at, confirming)
    SELECT gen_random_uuid(), workspace, 'https://host-' || number % 10000 || '.example/' || number,
        'host-' || number % 10000 || '.example', :at, 86400, '{}', '', 'up', 0, 0, 0, 0, 'ok', 'ok', :at, '+',
        CAST(:at AS timestamptz) + random() * interval '1 day', false
    FROM (
        SELECT number, CASE WHEN number < :small THEN lpad(to_hex(number / :each + 2), 32, '0')::uuid ELSE :large END
            AS workspace
        FROM generate_series(0, :links - 1) AS number
    ) AS numbered
""")


def main(arguments: list[str] | None = None) -> None:
    """Fill a database, measure, and print the plans and a Markdown table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.schedule", description=__doc__)
    parser.add_argument("--links", type=int, default=1_000_000)
    parser.add_argument("--workspaces", type=int, default=1000)
    parser.add_argument("--dispatched", type=int, default=200_000)
    options = parser.parse_args(arguments)
    folder = tempfile.TemporaryDirectory(prefix="bench-")
    with folder as path, start_backing(Path(path), durable=True, env={}) as backing:
        assert backing.postgres_url
        sessions = _database(backing.postgres_url)
        _fill(sessions, options.links, options.workspaces)
        print(_plans(sessions))
        print(_table(_due(sessions), _dispatch(sessions, options.dispatched), options.links))
        sessions.kw["bind"].dispose()


def _database(postgres_url: str) -> Sessions:
    url = make_url(postgres_url).set(drivername="postgresql+psycopg", database="schedule")
    with psycopg.connect(postgres_url.replace("+psycopg", ""), autocommit=True) as connection:
        connection.execute("CREATE DATABASE schedule")
    upgrade("links", url.render_as_string(hide_password=False))
    return database.connect(url.render_as_string(hide_password=False))


def _fill(sessions: Sessions, links: int, workspaces: int) -> None:
    small = (workspaces - 1) * SMALL_LINKS
    values = {"at": datetime.now(UTC), "links": links, "small": small, "each": SMALL_LINKS, "large": LARGE}
    with sessions.begin() as session:
        session.execute(text("SET LOCAL statement_timeout = 0"))
        session.execute(FILL, values)
    with sessions.kw["bind"].connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("SET statement_timeout = 0"))
        connection.execute(text("VACUUM ANALYZE links"))


def _due(sessions: Sessions) -> list[float]:
    """Milliseconds that it takes to find what is due, one time of the day after the other."""
    start = datetime.now(UTC)
    took: list[float] = []
    for number in range(TRIES):
        now = start + timedelta(days=1) * number / TRIES
        with sessions() as session:
            took.append(_milliseconds(lambda: _find(session, now)))  # noqa: B023  # called at once
            session.rollback()
    return took


def _find(session: Any, now: datetime) -> None:
    workspaces = list(session.execute(schedule.DUE_WORKSPACES, {"now": now}).scalars())
    share = max(1, LEASED_AT_ONCE // max(1, len(workspaces)))
    session.execute(text(schedule.DUE), {"workspaces": workspaces, "now": now, "share": share}).all()


def _dispatch(sessions: Sessions, wanted: int) -> tuple[int, float]:
    """Links that were leased and written to the outbox, and the seconds it took, when every link is due."""
    with sessions.begin() as session:
        session.execute(text("SET LOCAL statement_timeout = 0"))
        session.execute(text("UPDATE links SET next_check_at = next_check_at - interval '2 days'"))
    settings = Links(tick_limit=wanted, backlog_limit=wanted)
    seconds = _milliseconds(lambda: lease_due(LeaseDueLinks(), sessions=sessions, settings=settings)) / 1000
    with sessions() as session:
        return schedule.waiting_links(session, datetime.now(UTC)), seconds


def _plans(sessions: Sessions) -> str:
    now = datetime.now(UTC) + timedelta(hours=12)
    with sessions() as session:
        walk = _explained(session, schedule.DUE_WORKSPACES.text, {"now": now})
        workspaces = list(session.execute(schedule.DUE_WORKSPACES, {"now": now}).scalars())
        due = _explained(session, schedule.DUE, {"workspaces": workspaces, "now": now, "share": 5})
        session.rollback()
    return f"Who has due links:\n\n{walk}\n\nWhich they are:\n\n{due}\n"


def _explained(session: Any, query: str, values: dict[str, Any]) -> str:
    rows = session.execute(text(f"EXPLAIN (ANALYZE, COSTS OFF, BUFFERS OFF) {query}"), values).scalars()
    return "\n".join(f"    {row}" for row in rows)


def _table(due_ms: list[float], dispatched: tuple[int, float], links: int) -> str:
    count, seconds = dispatched
    lines = [
        f"| {links:,} links | |",
        "|---|---|",
        f"| due query, median | {statistics.median(due_ms):.1f} ms |",
        f"| due query, 95th percentile | {statistics.quantiles(due_ms, n=20)[-1]:.1f} ms |",
        f"| dispatched, all being due | {count / seconds:,.0f} links/s |",
    ]
    return "\n".join(lines)


def _milliseconds(do: Callable[[], Any]) -> float:
    started = time.perf_counter()
    do()
    return (time.perf_counter() - started) * 1000


if __name__ == "__main__":
    main()
