"""Answers about workers and queues, asked of them and of the broker at the time of asking."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import grpc
import kombu
from celery import Celery
from kombu.exceptions import KombuError

from config import broker
from config.settings import Broker, load
from contracts import monitor_pb2 as pb
from contracts import monitor_pb2_grpc
from workers.app import configuration
from workers.rpc.translate import Refused, answering

# Workers answer within milliseconds; one that does not within this time is not listed.
PATIENCE_S = 1.0


def register(server: grpc.Server, environ: Mapping[str, str]) -> str:
    """Host this service; returns its full name."""
    url = load(Broker, environ).url
    app = Celery("monitor")
    app.conf.update(configuration(broker.QUEUES["intake"], url))
    monitor_pb2_grpc.add_MonitorServicer_to_server(MonitorServicer(app, url), server)
    return pb.DESCRIPTOR.services_by_name["Monitor"].full_name


class MonitorServicer(monitor_pb2_grpc.MonitorServicer):
    """Holds nothing: every answer is what is true now."""

    def __init__(self, app: Celery, broker_url: str) -> None:
        self._app = app
        self._rabbitmq = broker.is_rabbitmq(broker_url)

    def ListWorkers(self, request: pb.ListWorkersRequest, context: grpc.ServicerContext) -> pb.WorkerList:  # noqa: N802
        """Every worker that answers."""
        with answering("ListWorkers", context), self._connection() as connection:
            inspect = self._app.control.inspect(timeout=PATIENCE_S, connection=connection)
            stats = inspect.stats() or {}
            queues, active = (inspect.active_queues() or {}, inspect.active() or {}) if stats else ({}, {})
            reserved = (inspect.reserved() or {}) if stats else {}
            workers = [
                _worker(name, stats[name], queues.get(name, []), active.get(name, []), reserved.get(name, []))
                for name in sorted(stats)
            ]
            return pb.WorkerList(items=workers)

    def ListQueues(self, request: pb.ListQueuesRequest, context: grpc.ServicerContext) -> pb.QueueList:  # noqa: N802
        """Every queue of the topology, with what waits in it and in its dead letters."""
        with answering("ListQueues", context), self._connection() as connection:
            channel = connection.default_channel
            broker.declare(channel, self._rabbitmq)
            return pb.QueueList(
                items=[
                    self._queue(channel, service, name) for service, names in broker.QUEUES.items() for name in names
                ]
            )

    @contextmanager
    def _connection(self) -> Iterator[kombu.Connection]:
        connection = self._app.connection(connect_timeout=3, heartbeat=0)
        try:
            with connection:
                connection.ensure_connection(max_retries=1, interval_start=0, timeout=3)
                yield connection
        except (KombuError, *connection.connection_errors, *connection.channel_errors) as error:
            raise Refused(grpc.StatusCode.UNAVAILABLE, "the broker cannot be reached") from error

    def _queue(self, channel: Any, service: str, name: str) -> pb.Queue:
        # An empty queue does not exist on Redis, where declaring it is harmless.
        live = channel.queue_declare(name, passive=self._rabbitmq)
        queue = pb.Queue(name=name, service=service, messages_ready=live.message_count)
        if self._rabbitmq:
            queue.consumers = live.consumer_count
            queue.dead_letters = channel.queue_declare(f"{name}.dead", passive=True).message_count
        return queue


def _worker(name: str, stats: Any, queues: Any, active: Any, reserved: Any) -> pb.Worker:
    return pb.Worker(
        name=name,
        queues=sorted(queue["name"] for queue in queues),
        concurrency=stats["pool"].get("max-concurrency", 0),
        pid=stats["pid"],
        processed=stats["total"],
        active=[pb.ActiveTask(id=task["id"], name=task["name"], started_at=task["time_start"] or 0) for task in active],
        reserved=len(reserved),
    )
