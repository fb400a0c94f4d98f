"""The relay as a process of its own, and two of them at once."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import kombu
import pytest
import requests
from sqlalchemy import select, text

from cli.local.backing import Backing
from config import broker
from tasks import outbox
from tasks.database import Sessions
from tasks.intake.models import OUTBOX, Outbox
from tests.conftest import ROOT, MakeDatabase
from tests.journeys.system import free_port, wait_for
from workers.sending import WINDOW

ROUNDS, EACH = 10, 200


@pytest.fixture
def sessions(database: MakeDatabase) -> Sessions:
    return database("intake")


@contextmanager
def relaying(sessions: Sessions, backing: Backing, **settings: str) -> Iterator[subprocess.Popen[bytes]]:
    url = sessions.kw["bind"].url.render_as_string(hide_password=False)
    given = {"PRANALA_INTAKE_DATABASE_URL": url, "PRANALA_BROKER_URL": backing.broker_url}
    environ = {"PATH": os.environ["PATH"], **given, **settings}
    process = subprocess.Popen([sys.executable, "-m", "workers.relay"], env=environ, cwd=ROOT)
    try:
        yield process
    finally:
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) in (0, -signal.SIGKILL)


def post(sessions: Sessions, count: int) -> set[str]:
    """So many messages in one transaction; returns the ids of all that wait."""
    with sessions.begin() as session:
        outbox.post(session, OUTBOX, [outbox.Draft("Ping", broker.JOBS.name, "intake", "{}")] * count)
        return {str(each) for each in session.scalars(select(Outbox.id))}


def listening(sessions: Sessions) -> int:
    question = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND query LIKE 'LISTEN%'"
    with sessions() as session:
        return session.scalar(text(question)) or 0


def is_empty(sessions: Sessions) -> bool:
    with sessions() as session:
        return not session.scalar(text("SELECT EXISTS (SELECT FROM outbox)"))


def test_of_two_relays_one_may_die_and_nothing_is_lost_or_sent_much_twice(sessions: Sessions, backing: Backing) -> None:
    with kombu.Connection(backing.broker_url) as connection:
        channel = connection.default_channel
        broker.declare(channel, rabbitmq=True)
        channel.queue_purge("intake")
        posted: set[str] = set()
        with relaying(sessions, backing) as first, relaying(sessions, backing):
            wait_for(lambda: listening(sessions) >= 2 or None, 60, "both relays")
            for number in range(ROUNDS):
                posted |= post(sessions, EACH)
                if number == ROUNDS // 2:
                    first.kill()
            wait_for(lambda: is_empty(sessions) or None, 60, "the outbox to be empty")
        received = []
        while message := channel.basic_get("intake", no_ack=True):
            received.append(message.properties["correlation_id"])
    assert len(posted) == ROUNDS * EACH
    assert set(received) == posted
    assert len(received) - len(posted) <= WINDOW


def test_what_it_does_is_counted_and_what_waits_is_measured(sessions: Sessions, backing: Backing) -> None:
    address = f"127.0.0.1:{free_port()}"
    with relaying(sessions, backing, PRANALA_METRICS_BIND=address):
        wait_for(lambda: listening(sessions) or None, 60, "the relay")
        post(sessions, 7)
        wait_for(lambda: is_empty(sessions) or None, 30, "the outbox to be empty")
        shown = requests.get(f"http://{address}/metrics", timeout=10).text
    assert 'pranala_relay_sent_total{service="intake"} 7.0' in shown
    assert 'pranala_relay_connections_total{service="intake"} 1.0' in shown
    assert 'pranala_outbox_depth{service="intake"} 0.0' in shown
    assert 'pranala_outbox_oldest_age_seconds{service="intake"} 0.0' in shown
