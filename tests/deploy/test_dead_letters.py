"""Dead letters can be looked at without harm, sent again as they were, and dropped."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from typing import Any

import kombu
import pytest

from config import broker
from deploy import dead_letters
from tasks import publishing, wire
from tasks.outbox import Letter

QUEUE = "audit"
LETTER = Letter(
    id=wire.new_id(),
    name="RecordEvents",
    exchange=broker.JOBS.name,
    routing_key=QUEUE,
    body='{"events":[]}',
    traceparent="00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
    request_id="request-1",
)


@pytest.fixture
def environ(rabbitmq_vhost: str) -> dict[str, str]:
    return {"PRANALA_BROKER_URL": rabbitmq_vhost}


@pytest.fixture
def channel(rabbitmq_vhost: str) -> Iterator[Any]:
    """A channel, with one letter of the queue dead and nothing else in either queue."""
    publisher = publishing.connect(rabbitmq_vhost)
    with kombu.Connection(rabbitmq_vhost) as connection:
        found = connection.default_channel
        for name in (QUEUE, f"{QUEUE}.dead"):
            found.queue_purge(name)
        assert publisher.publish([LETTER]) == [LETTER]
        publisher.close()
        found.basic_reject(waiting(found, QUEUE).delivery_tag, requeue=False)
        settle(found)
        yield found
        for name in (QUEUE, f"{QUEUE}.dead"):
            found.queue_purge(name)


def waiting(channel: Any, queue: str) -> Any:
    """The next message; a letter takes a moment to die."""
    for _ in range(100):
        if letter := channel.basic_get(queue):
            return letter
        time.sleep(0.05)
    raise AssertionError(f"nothing arrived in {queue}")


def settle(channel: Any) -> None:
    """Wait until the dead letter lies in its queue: it takes a moment to die, and to be put back."""
    deadline = time.monotonic() + 10
    while channel.queue_declare(f"{QUEUE}.dead", passive=True).message_count != 1:
        assert time.monotonic() < deadline, "the letter is not among the dead ones"
        time.sleep(0.05)


def test_a_dead_letter_is_shown_with_its_reason_and_stays(
    channel: Any, environ: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    for _ in range(2):
        settle(channel)
        assert dead_letters.main(["show", QUEUE], environ) == 0
        shown = json.loads(capsys.readouterr().out)
        assert shown["id"] == str(LETTER.id)
        assert shown["message"] == "RecordEvents"
        assert shown["reason"] == "rejected"
        assert '"events":[]' in shown["body"]


def test_a_letter_that_is_sent_again_arrives_as_it_was(channel: Any, environ: dict[str, str]) -> None:
    assert dead_letters.main(["replay", QUEUE], environ) == 0
    letter = waiting(channel, QUEUE)
    channel.basic_ack(letter.delivery_tag)
    assert letter.body == publishing.body_of(LETTER)
    assert letter.properties["correlation_id"] == str(LETTER.id)
    headers = letter.properties["application_headers"]
    # The broker counts anew.
    assert headers.pop("x-delivery-count", 0) == 0
    assert headers == publishing.headers_of(LETTER)
    assert channel.basic_get(f"{QUEUE}.dead") is None


def test_dropped_letters_are_gone(channel: Any, environ: dict[str, str]) -> None:
    assert dead_letters.main(["drop", QUEUE], environ) == 0
    assert channel.basic_get(f"{QUEUE}.dead") is None
    assert channel.basic_get(QUEUE) is None


def test_without_rabbitmq_there_are_none(capsys: pytest.CaptureFixture[str]) -> None:
    assert dead_letters.main(["show", QUEUE], {"PRANALA_BROKER_URL": "redis://127.0.0.1:6379"}) == 1
    assert "no dead letters" in capsys.readouterr().err
    assert dead_letters.main(["show", QUEUE], {}) == 2
    assert "PRANALA_BROKER_URL is not set" in capsys.readouterr().err
