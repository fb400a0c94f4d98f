"""Celery's consumer, with the whole topology declared at every connect and nothing lost that it cannot read."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import structlog
from celery import bootsteps
from celery.worker import consumer

from config import broker
from workers.handling import queue_of
from workers.undertaker import Death, Remains, Undertaker, failed

log = structlog.get_logger(__name__)

RECONNECT = {"interval_start": 0.5, "interval_step": 0.5, "interval_max": 2.0}


class DeclareTopology(bootsteps.StartStopStep):
    """Runs before the consumer reads its queues, so that a broker that came back empty is whole first."""

    requires = ("celery.worker.consumer.connection:Connection",)

    def start(self, parent: Any) -> None:
        """Declare everything on a channel of its own."""
        rabbitmq = parent.connection.transport.driver_type == "amqp"
        with parent.connection.channel() as channel:
            broker.declare(channel, rabbitmq)


class Consumer(consumer.Consumer):
    """What must happen later is a time in a table here, so the 28 queues of delayed delivery have no use.

    Celery would acknowledge or drop what it cannot read, and end with an error where the error is one that it did not
    expect; here all of it becomes a dead letter, in a thread of its own: this one must never wait for a confirm.
    """

    class Blueprint(consumer.Consumer.Blueprint):
        """The steps of Celery's own consumer but one, and ours."""

        default_steps = (
            *(step for step in consumer.Consumer.Blueprint.default_steps if "delayed_delivery" not in str(step)),
            "workers.consumer:DeclareTopology",
        )

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._burials = ThreadPoolExecutor(1, "burials")

    def ensure_connected(self, conn: Any) -> Any:
        """Try until there is a broker. Celery would wait for longer and longer, up to half a minute."""
        conn.ensure_connection = partial(conn.ensure_connection, **RECONNECT)
        return super().ensure_connected(conn)

    def create_task_handler(self, *args: Any, **options: Any) -> Callable[[Any], None]:
        """What is called with every message."""
        receive = super().create_task_handler(*args, **options)

        def on_task_received(message: Any) -> None:
            try:
                if is_task(message):
                    receive(message)
                else:
                    self._bury(message, Death("unreadable", "the body is no [arguments, fields, options]"))
            except (*self.connection_errors, *self.channel_errors):
                raise
            except Exception as error:
                self._bury(message, failed(error, "unreadable"))

        return on_task_received

    def on_decode_error(self, message: Any, exc: Exception) -> None:
        """The body is not what its content type says."""
        self._bury(message, Death("unreadable", f"body cannot be read as {message.content_type}: {exc}"))

    def on_invalid_task(self, body: Any, message: Any, exc: Exception) -> None:
        """The content type is none that is accepted, or the body is no task."""
        self._bury(message, Death("unreadable", str(exc)))

    def on_unknown_message(self, body: Any, message: Any) -> None:
        """No header and no field says which task it is."""
        self._bury(message, Death("unreadable", "the message names no task"))

    def on_unknown_task(self, body: Any, message: Any, exc: Exception) -> None:
        """No handler has this name: the sender is newer, or no service of ours does it."""
        self._bury(message, Death("unknown_task", f"unknown task {exc.args[0]}: this worker has no handler for it"))

    def _bury(self, message: Any, death: Death) -> None:
        undertaker: Undertaker | None = self.app.undertaker
        if undertaker is None:
            log.error("unreadable message", error=death.detail, properties=message.properties)
            message.reject_log_error(log, self.connection_errors)
            return
        self._burials.submit(self._buried, message, death, undertaker)

    def _buried(self, message: Any, death: Death, undertaker: Undertaker) -> None:
        queues = tuple(self.app.amqp.queues)
        properties = {name: value for name, value in message.properties.items() if name != "application_headers"}
        remains = Remains(queue_of(message.delivery_info, queues), message.body, message.headers or {}, properties)
        settle = message.ack_log_error if undertaker.bury(remains, death) else message.reject_log_error
        # Frames are written by the consumer's own thread.
        self.call_soon_ack(settle, log, self.connection_errors)


def is_task(message: Any) -> bool:
    """Whether the body has the form that Celery takes for granted. A message without a name may be of an older form."""
    if "task" not in (message.headers or {}):
        return True
    body = message.payload
    return (
        isinstance(body, list)
        and len(body) == 3
        and all(isinstance(part, kind) for part, kind in zip(body, (list, dict, dict | None), strict=True))
    )
