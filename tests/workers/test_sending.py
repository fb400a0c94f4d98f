"""Sending on a real broker and a real database."""

import json
import os
import signal
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import kombu
import pytest
from sqlalchemy import delete, func, select

from cli.local.backing import Backing
from config import broker
from config.settings import Intake
from tasks import copies, outbox, publishing
from tasks.database import Sessions
from tasks.intake.models import OUTBOX, Outbox, Part
from tasks.intake.reading import Line
from tasks.intake.submissions import Caller, accept_links
from tests.conftest import MakeDatabase
from tests.journeys.system import wait_for
from workers.sending import BATCH, Relay

WATERMARK = ("set_vm_memory_high_watermark", "absolute")
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


def send_all(relay: Relay) -> int:
    return relay.send_all(threading.Event())


def post(sessions: Sessions, *queues: str) -> None:
    """A message to each of these queues."""
    with sessions.begin() as session:
        outbox.post(session, OUTBOX, [outbox.Draft("Ping", broker.JOBS.name, queue, "{}") for queue in queues])


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
    assert send_all(relay) == 2
    assert waiting(sessions) == 0
    assert take(channel, "links.interactive") == ["CheckLinks"]
    assert take(channel, "audit") == ["RecordEvents"]
    relay.close()


def test_a_message_that_no_queue_takes_stays_in_the_outbox(sessions: Sessions, relay: Relay, channel: Any) -> None:
    post(sessions, "nowhere", "intake")
    assert send_all(relay) == 1
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
    assert send_all(relay) == 3
    assert waiting(sessions) == 0
    assert take(channel, "links.bulk") == ["CheckLinks"]
    relay.close()


def test_two_relays_send_each_message_once(sessions: Sessions, backing: Backing, channel: Any) -> None:
    post(sessions, *["intake"] * 700)
    relays = [Relay("intake", sessions, OUTBOX, lambda: publishing.connect(backing.broker_url)) for _ in range(2)]
    with sessions.begin() as held:
        # One relay in the middle of its batch …
        mine = outbox.claim(held, OUTBOX, 500)
        # … and another that comes by.
        assert send_all(relays[1]) == 200
        assert len(mine) == 500
    assert send_all(relays[0]) == 500
    assert len(take(channel, "intake")) == 700
    for relay in relays:
        relay.close()


def test_messages_that_no_queue_takes_do_not_hold_up_those_behind_them(
    sessions: Sessions, relay: Relay, channel: Any
) -> None:
    post(sessions, *["nowhere"] * (2 * BATCH), "intake")
    assert send_all(relay) == 1
    assert take(channel, "intake") == ["Ping"]
    assert waiting(sessions) == 2 * BATCH
    relay.close()


def bundle(channel: Any, queue: str) -> list[dict[str, Any]]:
    """What the messages of the one bundle in a queue say."""
    message = channel.basic_get(queue, no_ack=True)
    assert channel.basic_get(queue, no_ack=True) is None
    return [each["kwargs"] for each in json.loads(message.body)[1]["bundle"]]


def test_work_of_one_kind_that_waits_together_is_one_message(sessions: Sessions, relay: Relay, channel: Any) -> None:
    for number in range(3):
        with sessions.begin() as session:
            accept_links(session, CALLER, [Line(1, f"https://a.example/{number}")], Intake())
    assert send_all(relay) == 6
    assert waiting(sessions) == 0
    events, parts = (bundle(channel, queue) for queue in ("audit", "links.bulk"))
    assert [each["events"][0]["action"] for each in events] == ["links.submit"] * 3
    assert [each["links"] for each in parts] == [[{"url": f"https://a.example/{number}"}] for number in range(3)]
    relay.close()


def test_messages_larger_than_a_frame_arrive_whole(sessions: Sessions, relay: Relay, channel: Any) -> None:
    body = f'{{"text":"{"ü" * 300_000}"}}'
    with sessions.begin() as session:
        outbox.post(session, OUTBOX, [outbox.Draft("Ping", broker.JOBS.name, "intake", body)] * 3)
    assert send_all(relay) == 3
    received = [channel.basic_get("intake", no_ack=True).body for _ in range(3)]
    assert all(f"[[], {body}, " in each for each in received)
    relay.close()


def test_while_the_broker_is_in_an_alarm_no_row_is_held_and_all_is_sent_after_it(
    sessions: Sessions, relay: Relay, channel: Any, backing: Backing
) -> None:
    post(sessions, *["intake"] * 20)
    assert send_all(relay) == 20
    take(channel, "intake")
    with alarm(backing), working(relay):
        body = f'{{"text":"{"x" * 20_000}"}}'
        with sessions.begin() as session:
            outbox.post(session, OUTBOX, [outbox.Draft("Ping", broker.JOBS.name, "intake", body)] * 1500)
        wait_for(lambda: free_rows(sessions) == waiting(sessions) or None, 20, "the rows to be let go")
        assert waiting(sessions) > 0
        backing.rabbitmq.ctl(*WATERMARK, "512MB")
        wait_for(lambda: waiting(sessions) == 0 or None, 30, "everything to be sent")
    # What was sent on before the alarm was noticed is not sent again.
    assert len(take(channel, "intake")) == 1500
    relay.close()


@contextmanager
def alarm(backing: Backing) -> Iterator[None]:
    """The broker has no memory left."""
    backing.rabbitmq.ctl(*WATERMARK, "1")
    try:
        yield
    finally:
        backing.rabbitmq.ctl(*WATERMARK, "512MB")


@contextmanager
def working(relay: Relay) -> Iterator[None]:
    """The relay at work in a thread of its own."""
    ended = threading.Event()

    def work() -> None:
        while not ended.wait(0.1):
            relay.send_all(ended)

    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def free_rows(sessions: Sessions) -> int:
    """How many rows another relay could claim now."""
    with sessions() as session:
        return len(outbox.claim(session, OUTBOX, 10_000))


def work(publisher: publishing.Publisher, seconds: float) -> None:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        publisher.work(0.5)


def test_a_broker_that_falls_silent_is_noticed_by_an_idle_relay(backing: Backing) -> None:
    publisher = publishing.connect(backing.broker_url)
    pid = backing.local.supervisord.state("rabbitmq").pid
    os.kill(pid, signal.SIGSTOP)
    try:
        began = time.monotonic()
        with pytest.raises(publishing.PublishError, match="lost"):
            work(publisher, 60)
        assert time.monotonic() - began < 20
    finally:
        os.kill(pid, signal.SIGCONT)
    publisher.close()


def test_what_a_broker_forgot_is_sent_again_and_only_once(
    sessions: Sessions, relay: Relay, channel: Any, backing: Backing
) -> None:
    with sessions.begin() as session:
        accept_links(session, CALLER, [Line(1, "https://a.example/")], Intake())
        outbox.post(session, OUTBOX, [outbox.Draft("Ping", broker.EVENTS.name, "LinkBroke", "{}")])
    assert send_all(relay) == 3
    backing.rabbitmq.kill()
    backing.rabbitmq.wipe()
    backing.rabbitmq.start()
    backing.wait_ready()
    with working(relay):
        names = wait_for(lambda: taken_anew(backing), 30, "what was forgotten")
    # The part is swept when its lease ends.
    assert names == {"audit": ["RecordEvents", "Ping"], "notifications": ["Ping"], "links.bulk": []}
    relay.close()
    assert send_all(relay) == 0
    relay.close()


def taken_anew(backing: Backing) -> dict[str, list[str]] | None:
    with kombu.Connection(backing.broker_url) as connection:
        found = connection.default_channel
        broker.declare(found, rabbitmq=True)
        if found.queue_declare("audit", passive=True).message_count < 2:
            return None
        return {queue: take(found, queue) for queue in ("audit", "notifications", "links.bulk")}


def test_a_batch_that_was_settled_after_the_broker_forgot_it_is_sent_again_too(
    sessions: Sessions, backing: Backing, channel: Any
) -> None:
    """By a relay that stood still between the confirm and the deletion, while another met the new broker."""
    post(sessions, "intake", "intake")
    with sessions.begin() as session:
        connected_at = copies.now(session)
        letters = outbox.claim(session, OUTBOX, 10)
    with sessions.begin() as session:
        assert copies.put_back(session, is_new=True) == 0
    with sessions.begin() as session:
        copies.settle(session, OUTBOX, letters, connected_at)
    assert waiting(sessions) == 0
    with sessions.begin() as session:
        assert copies.put_back(session, is_new=False) == 1
    with sessions.begin() as session:
        assert outbox.claim(session, OUTBOX, 10) == letters
        copies.settle(session, OUTBOX, letters, copies.now(session))
        assert copies.put_back(session, is_new=False) == 0
    with sessions.begin() as session:
        copies.forget(session, 0)
        assert copies.put_back(session, is_new=True) == 0
