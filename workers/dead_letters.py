"""The dead letters of every queue: looked at without harm, sent again as they were, or forgotten.

Looking takes letters in hand and gives them back, in their order; meanwhile another who looks does not see them.
"""

from __future__ import annotations

import hashlib
import uuid
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from heapq import nsmallest
from operator import attrgetter
from time import monotonic, sleep
from typing import Any

import kombu
from amqp.basic_message import Message

from config import broker
from tasks import wire
from workers.undertaker import DEATH, REPLAYS, TIMEOUT_S

QUEUES = tuple(name for names in broker.QUEUES.values() for name in names)
# Of one queue so many are looked through, oldest first. What lies behind them comes into sight when they are gone.
SCANNED_MOST = 10_000
ACTED_ON_MOST = 500
# So long until letters that another holds are left out, and until those that we held are back.
PATIENCE_S = 2.0
NAMESPACE = uuid.UUID("6d1b8bd6-5f0c-5c58-9a4e-2f4d6e5d1c3a")
# What the broker says where no worker could, and what it means.
BY_BROKER = {
    "delivery_limit": ("gave_up", f"delivered {broker.DELIVERY_LIMIT} times and never finished: its workers died"),
    "rejected": ("rejected", "the worker could not write the reason; its log has it (`failed`)"),
}


@dataclass(frozen=True)
class DeadLetter:
    """One letter. `id` is a function of queue and message, so that a message that died twice there is one id.

    `detail` says the reason in words. `deliveries` is None where only the broker knew.
    """

    id: uuid.UUID
    queue: str
    message: str
    version: int
    message_id: str
    reason: str
    detail: str
    died_at: str
    worker: str
    deliveries: int | None
    replays: int
    request_id: str
    traceparent: str
    traceback: str
    content_type: str
    size_bytes: int
    # Thousands of them are held at a time, so it is left out unless one is asked for.
    body: bytes = b""

    @property
    def place(self) -> str:
        """By which letters are sorted."""
        return f"{self.died_at} {self.queue} {self.id}"


Record = Callable[[Sequence[DeadLetter]], None]


class DeadLetters:
    """Of one broker, over a connection that the caller keeps open; for one thread."""

    def __init__(self, connection: kombu.Connection) -> None:
        self._connection = connection
        self._settled = 0
        broker.declare(connection.default_channel, rabbitmq=True)

    def page(self, queues: Sequence[str], limit: int, after: str) -> tuple[list[DeadLetter], str]:
        """The oldest letters of these queues, without their bodies, and where the next page starts; "" on the last."""
        letters = (found for queue in queues for found in self._described(queue) if found.place > after)
        found = nsmallest(limit + 1, letters, key=attrgetter("place"))
        return found[:limit], found[limit - 1].place if len(found) > limit else ""

    def find(self, identity: uuid.UUID) -> DeadLetter | None:
        """The letter of this id, with its body."""
        for queue in QUEUES:
            with self._held(queue, SCANNED_MOST) as letters:
                for letter in letters:
                    found = described_as(queue, letter)
                    if found.id == identity:
                        return replace(found, body=_body(letter))
        return None

    def act(self, action: str, queue: str, ids: frozenset[uuid.UUID], record: Record) -> int:
        """Replay or discard those of a queue that have these ids, or without ids its oldest; returns how many.

        `record` is called with them before anything is done, and may raise to prevent it.
        """
        with self._held(queue, SCANNED_MOST if ids else ACTED_ON_MOST) as letters:
            chosen = [
                (found, letter) for letter in letters if (found := described_as(queue, letter)).id in ids or not ids
            ]
            if not chosen:
                return 0
            record([found for found, _ in chosen])
            self._settle(action, queue, chosen)
        return len({found.id for found, _ in chosen})

    def waiting(self, queues: Sequence[str]) -> int:
        """How many lie there."""
        return sum(map(self._waiting, queues))

    def _described(self, queue: str) -> Iterator[DeadLetter]:
        # All of them, always: some brokers give back those that were held behind those that were not.
        seen = set()
        with self._held(queue, SCANNED_MOST) as letters:
            for letter in letters:
                found = described_as(queue, letter)
                if found.id not in seen:
                    seen.add(found.id)
                    yield found

    def _settle(self, action: str, queue: str, chosen: Sequence[tuple[DeadLetter, Any]]) -> None:
        sent: set[uuid.UUID] = set()
        with self._connection.channel() as channel:
            for found, letter in chosen:
                if action == "replay" and found.id not in sent:
                    channel.basic_publish_confirm(
                        again(letter, found.replays + 1),
                        exchange=broker.JOBS.name,
                        routing_key=queue,
                        mandatory=True,
                        timeout=TIMEOUT_S,
                        confirm_timeout=TIMEOUT_S,
                    )
                sent.add(found.id)
                letter.channel.basic_ack(letter.delivery_tag)
                self._settled += 1

    def _waiting(self, queue: str) -> int:
        found = self._connection.default_channel.queue_declare(broker.dead_name(queue), passive=True)
        return int(found.message_count)

    @contextmanager
    def _held(self, queue: str, most: int) -> Iterator[Iterator[Any]]:
        """The oldest letters of a queue; those that are not acknowledged are back when the context ends."""
        waiting = self._waiting(queue)
        wanted, self._settled = min(waiting, most), 0
        if not wanted:
            yield iter(())
            return
        try:
            with self._connection.channel() as channel:
                arrived: deque[Any] = deque()
                channel.basic_qos(0, wanted, a_global=False)
                channel.basic_consume(broker.dead_name(queue), callback=arrived.append)
                yield self._arriving(arrived, wanted)
        finally:
            self._wait_until_back(queue, waiting - self._settled)

    def _arriving(self, arrived: deque[Any], wanted: int) -> Iterator[Any]:
        for _ in range(wanted):
            while not arrived:
                try:
                    self._connection.drain_events(timeout=PATIENCE_S)
                except TimeoutError:
                    return
            yield arrived.popleft()

    def _wait_until_back(self, queue: str, count: int) -> None:
        # The broker closes the channel first, and gives back what it held afterwards.
        deadline = monotonic() + PATIENCE_S
        while self._waiting(queue) < count and monotonic() < deadline:
            sleep(0.01)


def described_as(queue: str, letter: Any) -> DeadLetter:
    """What is known of a letter: from the worker that buried it, or else from the broker."""
    headers = letter.properties.get("application_headers") or {}
    body = _body(letter)
    message_id = str(letter.properties.get("correlation_id") or hashlib.sha256(body).hexdigest())
    known = headers[DEATH] if isinstance(headers.get(DEATH), Mapping) else _known_to_broker(headers)
    return DeadLetter(
        id=uuid.uuid5(NAMESPACE, f"{queue}/{message_id}"),
        queue=queue,
        message=str(headers.get("task") or ""),
        version=_number(headers.get(wire.VERSION)) or 1,
        message_id=message_id,
        reason=str(known.get("reason") or ""),
        detail=str(known.get("detail") or ""),
        died_at=str(known.get("died_at") or ""),
        worker=str(known.get("worker") or ""),
        deliveries=_number(known.get("deliveries")),
        replays=_number(headers.get(REPLAYS)) or 0,
        request_id=str(headers.get("request_id") or ""),
        traceparent=str(headers.get("traceparent") or ""),
        traceback=str(known.get("traceback") or ""),
        content_type=str(letter.properties.get("content_type") or ""),
        size_bytes=len(body),
    )


def again(letter: Any, replays: int) -> Message:
    """The message as it was before it died; what the broker and the worker wrote on it is gone."""
    headers = letter.properties.get("application_headers") or {}
    kept = {name: value for name, value in headers.items() if name != DEATH and not name.startswith("x-")}
    return Message(letter.body, **{**letter.properties, "application_headers": {**kept, REPLAYS: replays}})


def _body(letter: Any) -> bytes:
    return letter.body.encode() if isinstance(letter.body, str) else bytes(letter.body)


def _known_to_broker(headers: Mapping[str, Any]) -> dict[str, Any]:
    deaths = headers.get("x-death") or [{}]
    said = str(deaths[0].get("reason") or "")
    reason, detail = BY_BROKER.get(said, (said or "unknown", "the broker dead-lettered it"))
    died_at = deaths[0].get("time")
    return {"reason": reason, "detail": detail, "died_at": f"{died_at.isoformat()}+00:00" if died_at else ""}


def _number(value: Any) -> int | None:
    return value if isinstance(value, int) else None
