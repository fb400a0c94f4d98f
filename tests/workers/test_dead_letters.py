"""Dead letters on a real broker: looked at without harm, sent again as they were, or forgotten."""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import kombu
import pytest

from cli.local.backing import Backing
from config import broker
from tasks import envelope, publishing, wire
from tasks.outbox import Letter
from workers import dead
from workers.dead_letters import QUEUES, DeadLetters
from workers.undertaker import Death, Remains, Undertaker

QUEUE = "notifications"


@pytest.fixture
def connection(backing: Backing) -> Iterator[kombu.Connection]:
    """A connection to a broker whose queues are empty."""
    with kombu.Connection(backing.broker_url) as connection:
        purge(connection.default_channel)
        yield connection
        purge(connection.default_channel)


@pytest.fixture
def undertaker(backing: Backing) -> Undertaker:
    return Undertaker(backing.broker_url, "notifications-7")


@pytest.fixture
def letters(connection: kombu.Connection) -> DeadLetters:
    return DeadLetters(connection)


@pytest.fixture
def environ(backing: Backing) -> dict[str, str]:
    return {"PRANALA_BROKER_URL": backing.broker_url}


def purge(channel: Any) -> None:
    broker.declare(channel, rabbitmq=True)
    for name in QUEUES:
        channel.queue_purge(name)
        channel.queue_purge(broker.dead_name(name))


def letter(number: int = 0) -> Letter:
    return Letter(
        id=wire.new_id(),
        name="Deliver",
        exchange=broker.JOBS.name,
        routing_key=QUEUE,
        body=f'{{"number":{number}}}',
        traceparent="00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        request_id="request-1",
    )


def remains(sent: Letter, queue: str = QUEUE) -> Remains:
    headers = {**envelope.headers_of(sent), "x-delivery-count": 2}
    return Remains(queue, envelope.body_of(sent), headers, envelope.properties_of(sent))


def bury(undertaker: Undertaker, count: int = 1, queue: str = QUEUE) -> list[Letter]:
    sent = [letter(number) for number in range(count)]
    for each in sent:
        assert undertaker.bury(remains(each, queue), Death("failed", "ValueError: no", "Traceback …"))
    return sent


def taken(connection: kombu.Connection, queue: str) -> list[Any]:
    """What waits in a queue, in its order; published messages take a moment."""
    found, deadline = [], time.monotonic() + 0.5
    while time.monotonic() < deadline:
        if message := connection.default_channel.basic_get(queue, no_ack=True):
            found.append(message)
        else:
            time.sleep(0.02)
    return found


def ids_of(found: list[Any]) -> list[str]:
    return [each.message_id for each in found]


def test_a_letter_says_why_it_died_and_how_often_it_was_tried(undertaker: Undertaker, letters: DeadLetters) -> None:
    [sent] = bury(undertaker)
    [found], following = letters.page([QUEUE], 10, "")
    assert (found.reason, found.detail, found.traceback) == ("failed", "ValueError: no", "Traceback …")
    assert (found.message, found.version, found.message_id) == ("Deliver", 1, str(sent.id))
    assert (found.worker, found.deliveries, found.replays) == ("notifications-7", 3, 0)
    assert (found.request_id, found.traceparent) == (sent.request_id, sent.traceparent)
    assert found.died_at
    assert following == ""
    whole = letters.find(found.id)
    assert whole == replace(found, body=envelope.body_of(sent).encode())
    assert letters.find(uuid.uuid4()) is None


def test_looking_moves_no_letter_and_ends_at_a_limit(undertaker: Undertaker, letters: DeadLetters) -> None:
    sent = [str(each.id) for each in bury(undertaker, 5)]
    other = [str(each.id) for each in bury(undertaker, 2, "audit")]
    for _ in range(3):
        first, following = letters.page([QUEUE, "audit"], 3, "")
        assert ids_of(first) == sent[:3]
        second, following = letters.page([QUEUE, "audit"], 3, following)
        assert ids_of(second) == [*sent[3:], other[0]]
        assert ids_of(letters.page([QUEUE, "audit"], 3, following)[0]) == other[1:]
    assert letters.waiting([QUEUE]) == 5


def test_what_is_replayed_arrives_as_it_was_and_is_dead_no_more(
    undertaker: Undertaker, letters: DeadLetters, connection: kombu.Connection
) -> None:
    sent = bury(undertaker, 3)
    found, _ = letters.page([QUEUE], 10, "")
    asked: list[list[str]] = []
    wanted = frozenset({found[1].id})
    assert letters.act("replay", QUEUE, wanted, lambda chosen: asked.append(ids_of(list(chosen)))) == 1
    assert asked == [[str(sent[1].id)]]
    [arrived] = taken(connection, QUEUE)
    assert arrived.body == envelope.body_of(sent[1])
    assert arrived.properties["correlation_id"] == str(sent[1].id)
    headers = arrived.headers
    assert headers.pop("pranala-replays") == 1
    # The broker counts anew.
    assert headers.pop("x-delivery-count", 0) == 0
    assert headers == envelope.headers_of(sent[1])
    assert ids_of(letters.page([QUEUE], 10, "")[0]) == [str(sent[0].id), str(sent[2].id)]


def test_a_message_that_died_twice_is_one_letter_and_is_sent_once(
    undertaker: Undertaker, letters: DeadLetters, connection: kombu.Connection
) -> None:
    """Its worker died after it had written the letter and before it had acknowledged the message."""
    [sent] = bury(undertaker)
    assert undertaker.bury(remains(sent), Death("failed", "again"))
    [found], _ = letters.page([QUEUE], 10, "")
    assert found.detail == "ValueError: no"
    assert letters.act("replay", QUEUE, frozenset(), lambda _: None) == 1
    assert len(taken(connection, QUEUE)) == 1
    assert letters.waiting([QUEUE]) == 0


def test_nothing_is_done_that_cannot_be_recorded(undertaker: Undertaker, letters: DeadLetters) -> None:
    bury(undertaker, 2)

    def refuse(_: Any) -> None:
        raise publishing.PublishError("the broker is lost")

    with pytest.raises(publishing.PublishError):
        letters.act("discard", QUEUE, frozenset(), refuse)
    assert letters.waiting([QUEUE]) == 2


def test_what_the_broker_dead_letters_by_itself_says_what_the_broker_knows(
    letters: DeadLetters, connection: kombu.Connection
) -> None:
    connection.Producer().publish(b"\x00garbage", exchange="", routing_key=QUEUE, content_type="x/y", headers={})
    message = None
    while message is None:
        message = connection.default_channel.basic_get(QUEUE)
    connection.default_channel.basic_reject(message.delivery_tag, requeue=False)
    while not letters.waiting([QUEUE]):
        time.sleep(0.02)
    [found], _ = letters.page([QUEUE], 10, "")
    assert (found.reason, found.message, found.size_bytes) == ("rejected", "", 8)
    assert "its log" in found.detail
    assert found.died_at.startswith("20")
    # It has no id of its own; the one it is given stays the same.
    whole = letters.find(found.id)
    assert whole
    assert whole.body == b"\x00garbage"


def test_without_the_api_the_same_is_done_at_the_broker(
    undertaker: Undertaker,
    environ: dict[str, str],
    connection: kombu.Connection,
    capsys: pytest.CaptureFixture[str],
) -> None:
    first, second = bury(undertaker, 2)
    capsys.readouterr()
    assert dead.main(["list", "--queue", QUEUE], environ) == 0
    shown = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [each["message_id"] for each in shown] == [str(first.id), str(second.id)]
    assert dead.main(["show", shown[0]["id"]], environ) == 0
    assert json.loads(capsys.readouterr().out)["body"] == envelope.body_of(first)
    assert dead.main(["replay", "--id", shown[0]["id"]], environ) == 0
    assert [each.properties["correlation_id"] for each in taken(connection, QUEUE)] == [str(first.id)]
    assert dead.main(["discard", "--queue", QUEUE], environ) == 0
    assert dead.main(["discard", "--queue", QUEUE], environ) == 1
    recorded = [json.loads(each.body)[1]["events"][0] for each in taken(connection, "audit")]
    assert [(each["actor"], each["action"], each["resource_id"]) for each in recorded] == [
        ("operator", "dead_letters.replayed", QUEUE),
        ("operator", "dead_letters.discarded", QUEUE),
    ]
    assert recorded[1]["details"]["letters"] == [{"id": shown[1]["id"], "message_id": str(second.id)}]


def test_without_rabbitmq_there_are_none(capsys: pytest.CaptureFixture[str]) -> None:
    assert dead.main(["list"], {"PRANALA_BROKER_URL": "redis://127.0.0.1:6379"}) == 1
    assert "no dead letters" in capsys.readouterr().err
    assert dead.main(["list"], {}) == 2
    assert "PRANALA_BROKER_URL is not set" in capsys.readouterr().err
