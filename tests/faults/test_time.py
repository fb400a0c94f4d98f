"""Clocks that jump by an hour, and an hour without a beat: nothing is checked twice, missed, or believed too early."""

from __future__ import annotations

import os
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import kombu
import pytest
from sqlalchemy import func, select

from cli.local.backing import Backing
from cli.local.product import Product
from config import broker
from tasks.database import Sessions
from tasks.links import record
from tasks.links.messages import LinkSpec, link_id
from tasks.links.models import LINKS, Lease, Link
from tasks.rows import insert_rows
from tests.conftest import ROOT, MakeDatabase
from tests.journeys.system import wait_for
from tests.servers.shifted_clock import ShiftedClock

HOUR_S = 3600
WORKSPACE = uuid.UUID(int=7)
TICK = """
import sys
from config.settings import Links
from tasks import database
from tasks.links.handlers import lease_due
from tasks.links.messages import LeaseDueLinks
lease_due(LeaseDueLinks(), sessions=database.connect(sys.argv[1]), settings=Links(part_size=10))
"""
FIRST_AND_SECOND_FAILURE = """
import sys, time
from datetime import datetime, UTC
from pathlib import Path
from tasks import clock, database
with database.connect(sys.argv[1])() as session:
    session.connection()
first, machine = clock.now(), datetime.now(UTC)
Path(sys.argv[2]).write_text(sys.argv[3])
print((clock.now() - first).total_seconds(), (datetime.now(UTC) - machine).total_seconds())
"""

pytestmark = [pytest.mark.servers, pytest.mark.skipif(bool(ShiftedClock.lacks()), reason=ShiftedClock.lacks())]


@pytest.fixture
def clock(tmp_path: Path) -> ShiftedClock:
    return ShiftedClock(tmp_path)


@pytest.fixture
def sessions(database: MakeDatabase) -> Sessions:
    return database("links")


def add(sessions: Sessions, due_in_s: float, count: int = 5) -> None:
    at = datetime.now(UTC) + timedelta(seconds=due_in_s)
    urls = [f"https://{uuid.uuid4().hex}.example/" for _ in range(count)]
    rows = [record.new_link(WORKSPACE, link_id(WORKSPACE, url), LinkSpec(url), at, 3600) for url in urls]
    with sessions.begin() as session:
        insert_rows(session, LINKS, rows)


def run(clock: ShiftedClock, code: str, sessions: Sessions, *arguments: str) -> str:
    url = sessions.kw["bind"].url.render_as_string(hide_password=False)
    env = {"PATH": os.environ["PATH"], **clock.env}
    command = [sys.executable, "-c", code, url, *arguments]
    done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def leases(sessions: Sessions) -> tuple[int, float]:
    """How many links are leased, and for how many seconds from now at least."""
    left = func.extract("epoch", func.min(Lease.ends_at) - func.now())
    with sessions() as session:
        count, seconds = session.execute(select(func.coalesce(func.sum(Lease.links), 0), left)).one()
    return int(count), float(seconds or 0)


@pytest.mark.parametrize("shift_s", [HOUR_S, -HOUR_S])
def test_a_worker_whose_clock_is_wrong_leases_what_is_due_and_for_as_long_as_others_do(
    clock: ShiftedClock, sessions: Sessions, shift_s: int
) -> None:
    add(sessions, due_in_s=-60)
    add(sessions, due_in_s=HOUR_S / 2)
    clock.set(shift_s)
    run(clock, TICK, sessions)
    count, seconds = leases(sessions)
    assert count == 5
    assert 600 < seconds <= 900
    clock.set(0)
    run(clock, TICK, sessions)
    assert leases(sessions)[0] == 5
    with sessions() as session:
        assert session.scalar(select(func.count()).select_from(Link).where(Link.next_check_at <= func.now())) == 0


@pytest.mark.parametrize("shift_s", [HOUR_S, -HOUR_S])
def test_a_clock_that_is_set_while_a_link_fails_makes_the_failure_neither_longer_nor_shorter(
    clock: ShiftedClock, sessions: Sessions, shift_s: int
) -> None:
    told = run(clock, FIRST_AND_SECOND_FAILURE, sessions, clock.env["CLOCK_SHIFT_FILE"], str(shift_s))
    ours, machines = (float(word) for word in told.split())
    assert 0 <= ours < 60
    assert abs(machines - shift_s) < 60


class Ticks:
    """The beat alone, and what it says to intake."""

    def __init__(self, product: Product, channel: kombu.transport.base.StdChannel) -> None:
        self.product = product
        self._channel = channel

    def count(self) -> int:
        return int(self._channel.queue_declare("intake", passive=True).message_count)


@pytest.fixture
def ticks(backing: Backing, clock: ShiftedClock) -> Iterator[Ticks]:
    product = Product(backing, {"PATH": os.environ["PATH"], "PRANALA_TICK_S": "0.5", **clock.env})
    with kombu.Connection(backing.broker_url) as connection:
        channel = connection.default_channel
        broker.declare(channel, rabbitmq=True)
        channel.queue_purge("intake")
        product.launch(["beat"])
        yield Ticks(product, channel)
        product.stop()
        for names in broker.QUEUES.values():
            for name in names:
                channel.queue_purge(name)


def test_a_beat_whose_clock_is_set_goes_on_and_makes_nothing_up(clock: ShiftedClock, ticks: Ticks) -> None:
    wait_for(lambda: ticks.count() >= 2 or None, 90, "the first ticks")
    for shift_s in (-HOUR_S, HOUR_S, 0):
        clock.set(shift_s)
        before, began = ticks.count(), time.monotonic()
        wait_for(lambda before=before: ticks.count() >= before + 4 or None, 60, f"ticks with the clock at {shift_s} s")
        # Of the hour nothing is made good: what is due is a query.
        assert ticks.count() - before <= 2 * (time.monotonic() - began) + 4
