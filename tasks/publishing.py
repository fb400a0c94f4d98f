"""The publisher: the one way a message leaves a process.

On RabbitMQ a batch is sent in one go and its confirms are collected afterwards; `mandatory` turns a message that no
queue takes into an error, because the broker confirms those too.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Sequence
from typing import Any, Protocol

import kombu
from amqp.basic_message import Message as AmqpMessage
from kombu.exceptions import KombuError

from config.broker import declare, is_rabbitmq
from tasks.outbox import Letter

ORIGIN = f"{os.getpid()}@{socket.gethostname()}"
CONFIRM_TIMEOUT_S = 15.0


class PublishError(Exception):
    """The broker did not take a message. It stays in the outbox and is sent again."""


class Publisher(Protocol):
    """Sends letters; returns those the broker took. Raises `PublishError` where the connection is lost."""

    @property
    def refused(self) -> dict[str, str]: ...

    def publish(self, letters: Sequence[Letter]) -> list[Letter]: ...

    def close(self) -> None: ...


def connect(broker_url: str) -> Publisher:
    """A publisher on this broker, with the whole topology declared."""
    connection = kombu.Connection(broker_url, heartbeat=0, connect_timeout=5)
    try:
        connection.connect()
        channel = connection.default_channel
        declare(channel, is_rabbitmq(broker_url))
    except _lost(connection) as error:
        raise PublishError(f"the broker cannot be reached: {error}") from error
    return AmqpPublisher(connection) if is_rabbitmq(broker_url) else RedisPublisher(connection)


class AmqpPublisher:
    """Pipelined publishing with confirms on one channel; not for use by two threads at once."""

    def __init__(self, connection: kombu.Connection) -> None:
        self._connection = connection
        self._channel = connection.channel()
        self._channel.confirm_select()
        self._channel.events["basic_ack"].add(self._on_ack)
        self._channel.events["basic_nack"].add(self._on_nack)
        self._channel.events["basic_return"].add(self._on_return)
        self._tag = 0
        self._waiting: dict[int, Letter] = {}
        self._refused: dict[str, str] = {}

    def publish(self, letters: Sequence[Letter]) -> list[Letter]:
        """Send all, wait for every confirm, and return those that reached a queue."""
        self._waiting.clear()
        self._refused.clear()
        try:
            for letter in letters:
                self._send(letter)
            while self._waiting:
                self._connection.drain_events(timeout=CONFIRM_TIMEOUT_S)
        except _lost(self._connection) as error:
            raise PublishError(f"the broker was lost before it confirmed: {error}") from error
        return [letter for letter in letters if str(letter.id) not in self._refused]

    @property
    def refused(self) -> dict[str, str]:
        """Of the last batch: the ids that no queue took, and why."""
        return dict(self._refused)

    def close(self) -> None:
        """Let the connection go, whatever state it is in."""
        self._connection.collect(socket_timeout=1)

    def _send(self, letter: Letter) -> None:
        self._tag += 1
        self._waiting[self._tag] = letter
        message = AmqpMessage(body_of(letter), **properties_of(letter), application_headers=headers_of(letter))
        # The unpipelined twin waits for each confirm in turn.
        self._channel._basic_publish(
            message,
            exchange=letter.exchange,
            routing_key=letter.routing_key,
            mandatory=True,
            timeout=CONFIRM_TIMEOUT_S,
        )

    def _on_ack(self, tag: int, multiple: bool) -> None:
        for each in self._upto(tag, multiple):
            self._waiting.pop(each, None)

    def _on_nack(self, tag: int, multiple: bool) -> None:
        for each in self._upto(tag, multiple):
            letter = self._waiting.pop(each, None)
            if letter:
                self._refused[str(letter.id)] = "the broker refused it (queue full?)"

    def _on_return(self, error: Exception, exchange: str, key: str, message: Any) -> None:
        self._refused[message.properties["correlation_id"]] = f"no queue takes {exchange}/{key}: {error}"

    def _upto(self, tag: int, multiple: bool) -> list[int]:
        return [each for each in self._waiting if each <= tag] if multiple else [tag]


class RedisPublisher:
    """Publishing to the Redis fall-back: no confirms, no mandatory; what Redis forgets, the sweeper sends again."""

    def __init__(self, connection: kombu.Connection) -> None:
        self._connection = connection
        self._producer = connection.Producer()

    @property
    def refused(self) -> dict[str, str]:
        """Redis refuses nothing."""
        return {}

    def publish(self, letters: Sequence[Letter]) -> list[Letter]:
        """Send each in turn."""
        try:
            for letter in letters:
                self._producer.publish(
                    body_of(letter),
                    exchange=letter.exchange,
                    routing_key=letter.routing_key,
                    headers=headers_of(letter),
                    **properties_of(letter),
                )
        except _lost(self._connection) as error:
            raise PublishError(f"the broker was lost: {error}") from error
        return list(letters)

    def close(self) -> None:
        """Let the connection go, whatever state it is in."""
        self._connection.collect(socket_timeout=1)


def body_of(letter: Letter) -> str:
    """Celery's message protocol 2: positional arguments, keyword arguments, embedded work (none)."""
    return f'[[], {letter.body}, {{"callbacks": null, "errbacks": null, "chain": null, "chord": null}}]'


def headers_of(letter: Letter) -> dict[str, Any]:
    """The task's headers, with the trace and request it belongs to."""
    task_id = str(letter.id)
    return {
        "lang": "py",
        "task": letter.name,
        "id": task_id,
        "root_id": task_id,
        "parent_id": None,
        "group": None,
        "retries": 0,
        "eta": None,
        "expires": None,
        "timelimit": [None, None],
        "argsrepr": "()",
        "kwargsrepr": "{…}",
        "origin": ORIGIN,
        "traceparent": letter.traceparent,
        "request_id": letter.request_id,
    }


def properties_of(letter: Letter) -> dict[str, Any]:
    """The message's properties: kept on disk, JSON."""
    return {
        "correlation_id": str(letter.id),
        "content_type": "application/json",
        "content_encoding": "utf-8",
        "delivery_mode": 2,
    }


def _lost(connection: kombu.Connection) -> tuple[type[BaseException], ...]:
    return (*connection.connection_errors, *connection.channel_errors, KombuError, OSError)
