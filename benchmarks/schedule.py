"""The schedule on a table of a million links: is the due query fast, and how many links a second are dispatched?

Dispatched is a link when the broker has confirmed its message to the relay, a process of its own.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import kombu
from sqlalchemy import text

from benchmarks import pranala
from benchmarks.report import Benchmark, table
from cli.local.product import Product
from config.broker import queue
from config.settings import Links
from tasks import database
from tasks.database import Sessions
from tasks.links import schedule
from tasks.links.handlers import LEASED_AT_ONCE, SCHEDULED, lease_due
from tasks.links.messages import LeaseDueLinks

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


@dataclass(frozen=True)
class Sent:
    """So many links, in so many seconds."""

    links: int
    seconds: float


def options(parser: argparse.ArgumentParser) -> None:
    """What can be asked of it."""
    parser.add_argument("--links", type=int, default=1_000_000, help="links of the table")
    parser.add_argument("--workspaces", type=int, default=1000, help="of which one has nearly all of them")
    parser.add_argument("--dispatched", type=int, default=200_000, help="due links that are sent in one go")


def measure(asked: argparse.Namespace) -> str:
    """A table, and the plans of both queries."""
    if 2 * asked.dispatched > asked.links:
        raise SystemExit("--dispatched is done twice: --links must be twice as many at least")
    with pranala.servers() as backing:
        product = Product(backing, {"PATH": os.environ["PATH"]})
        product.migrate()
        sessions = database.connect(backing.database_urls["links"])
        fill(sessions, asked.links, asked.workspaces)
        plans, due_ms = _plans(sessions), _due(sessions)
        _make_all_due(sessions)
        leased = _lease(sessions, asked.dispatched)
        _drain(sessions, product)
        dispatched = _dispatch(sessions, backing.broker_url, asked.dispatched)
        product.stop()
        sessions.kw["bind"].dispose()
        found = _table(due_ms, leased, dispatched, asked.links)
        return f"{found}\n\n{plans}\n{pranala.versions(backing)}."


def fill(sessions: Sessions, links: int, workspaces: int) -> None:
    """Add links: ten to each workspace but one, which has the rest."""
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


def _make_all_due(sessions: Sessions) -> None:
    with sessions.begin() as session:
        session.execute(text("SET LOCAL statement_timeout = 0"))
        session.execute(text("UPDATE links SET next_check_at = next_check_at - interval '2 days'"))


def _lease(sessions: Sessions, wanted: int) -> Sent:
    """So many links leased, and written to the outbox by one tick, while nobody reads it."""
    settings = Links(tick_limit=wanted, backlog_limit=sys.maxsize)
    before = _waiting(sessions)
    seconds = _milliseconds(lambda: lease_due(LeaseDueLinks(), sessions=sessions, settings=settings)) / 1000
    return Sent(_waiting(sessions) - before, seconds)


def _drain(sessions: Sessions, product: Product) -> None:
    """Start the relay, and wait until it has sent all that waits."""
    product.launch(["relay"])
    product.wait_ready()
    _wait_sent(sessions)


def _dispatch(sessions: Sessions, broker_url: str, wanted: int) -> Sent:
    """The next so many, and the relay's confirms of all of them: when its outbox is empty, the broker has them."""
    before = _messages(broker_url)
    began = time.perf_counter()
    leased = _lease(sessions, wanted)
    with sessions() as session:
        parts = session.scalar(text("SELECT count(*) FROM leases")) or 0
    _wait_sent(sessions)
    seconds = time.perf_counter() - began
    if _messages(broker_url) != parts:
        raise SystemExit(f"{parts} parts were sent, but the queue grew from {before} to {_messages(broker_url)}")
    return Sent(leased.links, seconds)


def _waiting(sessions: Sessions) -> int:
    with sessions() as session:
        return schedule.waiting_links(session, datetime.now(UTC))


def _wait_sent(sessions: Sessions) -> None:
    """The relay deletes a row when the broker has confirmed it."""
    with sessions.kw["bind"].connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        while connection.scalar(text("SELECT EXISTS (SELECT FROM outbox)")):
            time.sleep(0.01)


def _messages(broker_url: str) -> int:
    with kombu.Connection(broker_url) as connection:
        return int(
            queue(SCHEDULED, rabbitmq=True)(connection.default_channel).queue_declare(passive=True).message_count
        )


def _plans(sessions: Sessions) -> str:
    now = datetime.now(UTC) + timedelta(hours=12)
    with sessions() as session:
        walk = _explained(session, schedule.DUE_WORKSPACES.text, {"now": now})
        workspaces = list(session.execute(schedule.DUE_WORKSPACES, {"now": now}).scalars())
        due = _explained(session, schedule.DUE, {"workspaces": workspaces, "now": now, "share": 5})
        session.rollback()
    return f"Who has due links:\n\n{walk}\n\nWhich they are:\n\n{due}\n"


def _explained(session: Any, query: str, values: dict[str, Any]) -> str:
    rows = session.execute(text(f"EXPLAIN (ANALYZE, BUFFERS, COSTS OFF) {query}"), values).scalars()
    return "\n".join(f"    {row}" for row in rows)


def _table(due_ms: list[float], leased: Sent, dispatched: Sent, links: int) -> str:
    rows = [
        ("due query, median", f"{statistics.median(due_ms):.1f} ms"),
        ("due query, 95th percentile", f"{statistics.quantiles(due_ms, n=20)[-1]:.1f} ms"),
        ("leased and written to the outbox", f"{leased.links / leased.seconds:,.0f} links/s"),
        ("dispatched: leased, published and confirmed", f"{dispatched.links / dispatched.seconds:,.0f} links/s"),
        ("links of each of the two", f"{dispatched.links:,}"),
    ]
    return table((f"of {links:,} links", "measured"), rows)


def _milliseconds(do: Callable[[], Any]) -> float:
    started = time.perf_counter()
    do()
    return (time.perf_counter() - started) * 1000


BENCHMARK = Benchmark("schedule", "The schedule", options, measure)

if __name__ == "__main__":
    BENCHMARK.main()
