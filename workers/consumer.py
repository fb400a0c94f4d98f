"""Celery's consumer, with the whole topology declared at every connect and without queues for delayed delivery."""

from __future__ import annotations

from typing import Any

import structlog
from celery import bootsteps
from celery.worker import consumer

from config import broker

log = structlog.get_logger(__name__)


class DeclareTopology(bootsteps.StartStopStep):
    """Runs before the consumer reads its queues, so that a broker that came back empty is whole first."""

    requires = ("celery.worker.consumer.connection:Connection",)

    def start(self, parent: Any) -> None:
        """Declare everything on a channel of its own."""
        rabbitmq = parent.connection.transport.driver_type == "amqp"
        with parent.connection.channel() as channel:
            broker.declare(channel, rabbitmq)


class Consumer(consumer.Consumer):
    """What must happen later is a time in a table here, so the 28 queues of delayed delivery have no use."""

    class Blueprint(consumer.Consumer.Blueprint):
        """The steps of Celery's own consumer but one, and ours."""

        default_steps = (
            *(step for step in consumer.Consumer.Blueprint.default_steps if "delayed_delivery" not in str(step)),
            "workers.consumer:DeclareTopology",
        )

    def on_decode_error(self, message: Any, exc: Exception) -> None:
        """Celery would acknowledge what it cannot read, and so lose it; a dead letter can be looked at."""
        log.error("unreadable message", error=str(exc), properties=message.properties)
        message.reject_log_error(log, self.connection_errors)
