"""The publisher: the one way a message leaves a process.

On RabbitMQ batches are sent while the confirms of others come in; `mandatory` turns a message that no queue takes into
an error, because the broker confirms those too.
"""

from __future__ import annotations

import select
import socket
import time
import uuid
from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from typing import Any, Protocol

import kombu
import structlog
from amqp.exceptions import NotFound
from kombu import Exchange
from kombu.exceptions import KombuError

from config.broker import declare, is_rabbitmq, nodes
from config.failpoints import reach
from tasks.confirms import Batch, Confirms
from tasks.envelope import body_of, frames_of, headers_of, properties_of
from tasks.outbox import Letter

log = structlog.get_logger(__name__)

# A connection on which nothing was heard for twice as long is given up, idle or not.
HEARTBEAT_S = 6
# The rest of a frame that has begun to come.
FRAME_S = 1.0
WRITTEN_AT_ONCE = 256 * 1024
# The kernel would cut a connection that the broker does not read in an alarm; heartbeats know the difference.
TRANSPORT = {"socket_settings": {socket.TCP_USER_TIMEOUT: 0}}


class PublishError(Exception):
    """The broker cannot be reached or was lost. What it did not confirm stays in the outbox and is sent again."""


class Publisher(Protocol):
    """Sends letters. Every method raises `PublishError` where the connection is lost."""

    @property
    def is_blocked(self) -> bool:
        """Whether the broker takes nothing at present: it is out of memory or disk."""
        ...

    def send(self, letters: Sequence[Letter]) -> Batch:
        """Send these; the batch knows what became of them, once `work` has heard of it."""
        ...

    def work(self, patience_s: float) -> None:
        """Write what is to be sent and hear what the broker says, for so long at most. To be called every second."""
        ...

    def remembers(self, name: str) -> bool:
        """Whether the broker was told this name, and has lost nothing since."""
        ...

    def remind(self, name: str) -> None:
        """Tell the broker this name."""
        ...

    def close(self) -> None:
        """Let the connection go, whatever state it is in."""
        ...


def connect(broker_url: str) -> Publisher:
    """A publisher on this broker, with the whole topology declared."""
    rabbitmq = is_rabbitmq(broker_url)
    options = TRANSPORT if rabbitmq else None
    connection = kombu.Connection(broker_url, heartbeat=HEARTBEAT_S, connect_timeout=5, transport_options=options)
    try:
        connection.ensure_connection(max_retries=len(nodes(broker_url)) - 1, interval_start=0)
        declare(connection.default_channel, rabbitmq)
        return AmqpPublisher(connection) if rabbitmq else RedisPublisher(connection)
    except _lost(connection) as error:
        raise PublishError(f"the broker cannot be reached: {error}") from error


class AmqpPublisher:
    """Pipelined publishing with confirms on one channel; not for use by two threads at once."""

    def __init__(self, connection: kombu.Connection) -> None:
        self._connection = connection
        self._amqp = connection.connection
        self._amqp.on_blocked, self._amqp.on_unblocked = self._on_blocked, self._on_unblocked
        self._channel = connection.channel()
        self._channel.confirm_select()
        self._confirms = Confirms()
        self._channel.events["basic_ack"].add(self._confirms.ack)
        self._channel.events["basic_nack"].add(self._confirms.nack)
        self._channel.events["basic_return"].add(self._on_return)
        self._incoming = select.poll()
        self._incoming.register(self._amqp.sock, select.POLLIN)
        self._unsent: deque[memoryview] = deque()
        self.is_blocked = False

    def send(self, letters: Sequence[Letter]) -> Batch:
        """Have the letters written as `work` goes on."""
        batch = Batch(letters)
        self._confirms.sent(batch)
        frames, size = [], 0
        for letter in letters:
            frames.append(frames_of(letter, self._channel.channel_id, self._amqp.frame_max))
            size += len(frames[-1])
            if size >= WRITTEN_AT_ONCE:
                self._unsent.append(memoryview(b"".join(frames)))
                frames, size = [], 0
        self._unsent.append(memoryview(b"".join(frames)))
        self.work(0)
        reach("relay.published")
        return batch

    def work(self, patience_s: float) -> None:
        """Write, read, and see to it that the broker is alive."""
        until = time.monotonic() + patience_s
        try:
            while self._unsent and self._write(max(0.01, until - time.monotonic())):
                pass
            self._read(0 if self._unsent else max(0.0, until - time.monotonic()))
            if self._unsent:
                # Half a frame may be written, and a heartbeat must not come into its midst; this counts as having sent.
                self._amqp.bytes_sent += 1
            self._amqp.heartbeat_tick()
        except _lost(self._connection) as error:
            raise PublishError(f"the broker was lost: {error}") from error

    def remembers(self, name: str) -> bool:
        """By an exchange, which is lost with all that the broker had on its disk."""
        try:
            with self._connection.channel() as channel:
                Exchange(name)(channel).declare(passive=True)
        except NotFound:
            return False
        except _lost(self._connection) as error:
            raise PublishError(f"the broker was lost: {error}") from error
        return True

    def remind(self, name: str) -> None:
        """By that exchange, to which nothing is bound."""
        try:
            Exchange(name, durable=True)(self._channel).declare()
        except _lost(self._connection) as error:
            raise PublishError(f"the broker was lost: {error}") from error

    def close(self) -> None:
        """Let the connection go, whatever state it is in."""
        self._connection.collect(socket_timeout=1)

    def _write(self, patience_s: float) -> bool:
        """Write some of what is to be written; false where the broker does not read."""
        part = self._unsent[0]
        try:
            with self._amqp.transport.having_timeout(patience_s) as sock:
                written = sock.send(part)
        except TimeoutError:
            return False
        self._amqp.bytes_sent += 1
        if written < len(part):
            self._unsent[0] = part[written:]
        else:
            self._unsent.popleft()
        return True

    def _read(self, patience_s: float) -> None:
        """Everything that is there, after waiting for the first of it."""
        with suppress(TimeoutError):
            while self._has_more(patience_s):
                # What came of a frame that is cut off is kept until the rest of it comes.
                self._amqp.blocking_read(FRAME_S)
                patience_s = 0

    def _has_more(self, patience_s: float) -> bool:
        deciphered = getattr(self._amqp.sock, "pending", int)
        return bool(deciphered() or self._incoming.poll(1000 * patience_s))

    def _on_return(self, error: Exception, exchange: str, key: str, message: Any) -> None:
        letter_id = uuid.UUID(message.properties["correlation_id"])
        self._confirms.returned(letter_id, f"no queue takes {exchange}/{key}: {error}")

    def _on_blocked(self, reason: str) -> None:
        self.is_blocked = True
        log.warning("broker blocked", reason=reason)

    def _on_unblocked(self) -> None:
        self.is_blocked = False
        log.info("broker takes messages again")


class RedisPublisher:
    """Publishing to the Redis fall-back: no confirms, no mandatory; what Redis forgets, the sweeper sends again."""

    is_blocked = False

    def __init__(self, connection: kombu.Connection) -> None:
        self._connection = connection
        self._producer = connection.Producer()

    def send(self, letters: Sequence[Letter]) -> Batch:
        """Send each in turn."""
        batch = Batch(letters)
        try:
            for letter in letters:
                self._producer.publish(
                    body_of(letter),
                    exchange=letter.exchange,
                    routing_key=letter.routing_key,
                    headers=headers_of(letter),
                    **properties_of(letter),
                )
                batch.decide()
        except _lost(self._connection) as error:
            raise PublishError(f"the broker was lost: {error}") from error
        reach("relay.published")
        return batch

    def work(self, patience_s: float) -> None:
        """Redis confirms nothing."""

    def remembers(self, name: str) -> bool:
        """By a key, which is lost with the others."""
        return bool(self._ask("exists", name))

    def remind(self, name: str) -> None:
        """By that key."""
        self._ask("set", name, "")

    def close(self) -> None:
        """Let the connection go, whatever state it is in."""
        self._connection.collect(socket_timeout=1)

    def _ask(self, command: str, *arguments: str) -> Any:
        try:
            return getattr(self._connection.default_channel.client, command)(*arguments)
        except _lost(self._connection) as error:
            raise PublishError(f"the broker was lost: {error}") from error


def _lost(connection: kombu.Connection) -> tuple[type[BaseException], ...]:
    return (*connection.connection_errors, *connection.channel_errors, KombuError, OSError)
