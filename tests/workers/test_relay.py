"""The relay on a real broker and a real database."""

import uuid
from collections.abc import Iterator
from typing import Any

import kombu
import pytest
from sqlalchemy import delete, func, select

from cli.local.backing import Backing
from config import broker
from config.settings import Intake
from tasks import outbox, publishing
from tasks.database import Sessions
from tasks.intake.models import OUTBOX, Outbox, Part
from tasks.intake.reading import Line
from tasks.intake.submissions import Caller, accept_links
from tests.conftest import MakeDatabase
from workers.relay import Relay

CALLER = Caller(uuid.uuid4(), "key:admin")


@pytest.fixture
def sessions(database: MakeDatabase) -> Sessions:
    return database("intake")


@pytest.fixture
def relay(sessions: Sessions, backing: Backing) -> Relay:
    return Relay("intake", sessions, OUTBOX, lambda: publishing.connect(backing.broker_url))


@pytest.fixture
def channel(backing: Backing) -> Iterator[Any]:
    with kombu.Connection(backing.broker_url) as connection:
        broker.declare(connection.default_channel, rabbitmq=True)
        for names in broker.QUEUES.values():
            for name in names:
                connection.default_channel.queue_purge(name)
        yield connection.default_channel


def waiting(sessions: Sessions) -> int:
    with sessions() as session:
        return session.scalar(select(func.count()).select_from(Outbox)) or 0


def take(channel: Any, queue: str) -> list[str]:
    found = []
    while message := channel.basic_get(queue, no_ack=True):
        found.append(message.headers["task"])
    return found


def test_what_was_committed_reaches_its_queues_and_leaves_the_outbox(
    sessions: Sessions, relay: Relay, channel: Any
) -> None:
    with sessions.begin() as session:
        accept_links(session, CALLER, [Line(1, "https://a.example/")], Intake(), queue="links.interactive")
    assert relay.send_batch() == 2
    assert waiting(sessions) == 0
    assert take(channel, "links.interactive") == ["CheckLinks"]
    assert take(channel, "audit") == ["RecordEvents"]
    relay.close()


def test_a_message_that_no_queue_takes_stays_in_the_outbox(sessions: Sessions, relay: Relay, channel: Any) -> None:
    with sessions.begin() as session:
        outbox.post(session, OUTBOX, [outbox.Draft("Ping", broker.JOBS.name, "nowhere", "{}")])
        outbox.post(session, OUTBOX, [outbox.Draft("Ping", broker.JOBS.name, "intake", "{}")])
    assert relay.send_batch() == 1
    assert waiting(sessions) == 1
    assert take(channel, "intake") == ["Ping"]
    relay.close()


def test_a_part_that_is_done_or_cancelled_before_it_was_sent_is_not_sent(
    sessions: Sessions, relay: Relay, channel: Any
) -> None:
    with sessions.begin() as session:
        for number in (1, 2):
            accept_links(session, CALLER, [Line(1, f"https://a.example/{number}")], Intake())
        first = session.scalars(select(Part.id).order_by(Part.id)).first()
        session.execute(delete(Part).where(Part.id == first))
    assert relay.send_batch() == 4
    assert waiting(sessions) == 0
    assert take(channel, "links.bulk") == ["CheckLinks"]
    relay.close()


def test_two_relays_send_each_message_once(sessions: Sessions, backing: Backing, channel: Any) -> None:
    with sessions.begin() as session:
        outbox.post(session, OUTBOX, [outbox.Draft("Ping", broker.JOBS.name, "intake", "{}")] * 700)
    relays = [Relay("intake", sessions, OUTBOX, lambda: publishing.connect(backing.broker_url)) for _ in range(2)]
    with sessions.begin() as held:
        # One relay in the middle of its batch …
        mine = outbox.claim(held, OUTBOX, 500)
        # … and another that comes by.
        assert relays[1].send_batch() == 200
        assert len(mine) == 500
    assert relays[0].send_batch() == 500
    assert len(take(channel, "intake")) == 700
    for relay in relays:
        relay.close()
