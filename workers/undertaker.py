"""Puts what no worker can do among its queue's dead letters, with the reason, which only the worker knows.

The broker can dead-letter by itself and then says no more than "rejected". So the worker publishes the letter, waits
for the confirm, and only then acknowledges the message. Dying in between makes a second letter of the same id.
"""

from __future__ import annotations

import json
import threading
import traceback
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import kombu
import structlog
from amqp.basic_message import Message
from kombu.exceptions import KombuError

from config import broker
from tasks import clock, counted

log = structlog.get_logger(__name__)

# The header that holds, as a table, what is known of a death; and the one that counts how often a letter was replayed.
DEATH = "pranala-death"
REPLAYS = "pranala-replays"
# How often the broker has delivered a message before.
DELIVERIES = "x-delivery-count"
TIMEOUT_S = 15.0
# A frame must hold all headers.
DETAIL_MOST, TRACEBACK_MOST = 2_000, 16_000


@dataclass(frozen=True)
class Remains:
    """A message as it came: its body and headers are kept to the letter, so that it can be sent again.

    A body that was read already is written anew only where it is sent; most messages never are.
    """

    queue: str
    body: str | bytes | list[Any]
    headers: Mapping[str, Any]
    properties: Mapping[str, Any]

    @property
    def deliveries(self) -> int:
        """How often it has been delivered by now."""
        return int(self.headers.get(DELIVERIES) or 0) + 1


@dataclass(frozen=True)
class Death:
    """Why: `reason` is failed, invalid, unknown_task, unreadable, too_new or gave_up; `detail` says it in words."""

    reason: str
    detail: str
    traceback: str = ""


def failed(error: BaseException, reason: str = "failed") -> Death:
    """The death that an exception is."""
    lines = "".join(traceback.format_exception(error))
    return Death(reason, f"{type(error).__name__}: {error}", lines[-TRACEBACK_MOST:])


class Undertaker:
    """Publishes with confirms on a connection of its own; may be used by many threads, which wait for each other."""

    def __init__(self, broker_url: str, worker: str) -> None:
        self._url = broker_url
        self._worker = worker
        self._lock = threading.Lock()
        self._connection: kombu.Connection | None = None

    def bury(self, remains: Remains, death: Death) -> bool:
        """Whether the letter lies among the dead ones, so that the message can be acknowledged."""
        known = {
            **asdict(death),
            "detail": death.detail[:DETAIL_MOST],
            "queue": remains.queue,
            "worker": self._worker,
            "died_at": clock.now().isoformat(),
            "deliveries": remains.deliveries,
        }
        buried = self._publish(remains, broker.DEAD.name, broker.dead_name(remains.queue), {DEATH: known})
        if buried:
            counted.BURIED.labels(remains.queue, death.reason).inc()
        log.error("dead letter", reason=death.reason, detail=known["detail"], queue=remains.queue, kept=buried)
        return buried

    def renew(self, remains: Remains) -> bool:
        """Whether the message was put at the end of its queue, as if it had never been delivered."""
        return self._publish(remains, broker.JOBS.name, remains.queue, {})

    def _publish(self, remains: Remains, exchange: str, key: str, more: Mapping[str, Any]) -> bool:
        # What the broker wrote is about the message that is acknowledged, not about this one.
        kept = {name: value for name, value in remains.headers.items() if not name.startswith("x-")}
        properties = {**remains.properties, "application_headers": {**kept, **more}}
        properties.pop("expiration", None)
        body = json.dumps(remains.body) if isinstance(remains.body, list) else remains.body
        with self._lock:
            # The first failure may be that of a connection which nobody has used for long.
            return any(self._try(body, properties, exchange, key) for _ in range(2))

    def _try(self, body: str | bytes, properties: Mapping[str, Any], exchange: str, key: str) -> bool:
        try:
            self._channel().basic_publish_confirm(
                Message(body, **properties),
                exchange=exchange,
                routing_key=key,
                mandatory=True,
                timeout=TIMEOUT_S,
                confirm_timeout=TIMEOUT_S,
            )
        except Exception as error:
            # Whatever it is, the message is still the broker's, and is rejected instead.
            log.warning("cannot publish a letter", error=str(error))
            self._close()
            return False
        return True

    def _channel(self) -> Any:
        if self._connection is None:
            self._connection = kombu.Connection(self._url, heartbeat=0, connect_timeout=5)
            self._connection.connect()
            broker.declare(self._connection.default_channel, rabbitmq=True)
        return self._connection.default_channel

    def _close(self) -> None:
        if self._connection is None:
            return
        try:
            self._connection.collect(socket_timeout=1)
        except (KombuError, OSError):
            log.debug("a broken connection did not close")
        self._connection = None
