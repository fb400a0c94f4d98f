"""Answers about workers, queues and dead letters, asked of them and of the broker at the time of asking."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import grpc
import kombu
from celery import Celery
from kombu.exceptions import KombuError

from config import broker, telemetry
from config.settings import Broker, load
from contracts import monitor_pb2 as pb
from contracts import monitor_pb2_grpc
from tasks.publishing import PublishError
from workers.app import configuration
from workers.dead_letters import QUEUES, DeadLetter, DeadLetters
from workers.recorded import ACTIONS, Operator, recorder
from workers.rpc.translate import Refused, answering, invalid, not_found, uuid_of

# Workers answer within milliseconds; one that does not within this time is not listed.
PATIENCE_S = 1.0
PAGE_MOST = 200
BODY_SHOWN = 64 * 1024


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
        self._url = broker_url
        self._rabbitmq = broker.is_rabbitmq(broker_url)
        # Who looks at dead letters holds them meanwhile, and another would miss them.
        self._looking = threading.Lock()
        self._nodes = len(broker.nodes(broker_url))

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

    def ListDeadLetters(  # noqa: N802
        self, request: pb.ListDeadLettersRequest, context: grpc.ServicerContext
    ) -> pb.DeadLetterPage:
        """Those of one queue or of all, each queue's oldest first."""
        with answering("ListDeadLetters", context), self._dead_letters() as dead:
            queues = (_known(request.queue),) if request.queue else QUEUES
            found, following = dead.page(queues, min(max(request.limit, 1), PAGE_MOST), request.after)
            return pb.DeadLetterPage(items=map(_dead_letter, found), next=following)

    def GetDeadLetter(  # noqa: N802
        self, request: pb.GetDeadLetterRequest, context: grpc.ServicerContext
    ) -> pb.DeadLetterStory:
        """One with its body and the traceback of what went wrong."""
        with answering("GetDeadLetter", context), self._dead_letters() as dead:
            found = dead.find(uuid_of(request.id, "dead letter"))
            if found is None:
                raise not_found("dead letter")
            return pb.DeadLetterStory(
                letter=_dead_letter(found),
                content_type=found.content_type,
                body=found.body[:BODY_SHOWN].decode(errors="replace"),
                traceback=found.traceback,
            )

    def ActOnDeadLetters(  # noqa: N802
        self, request: pb.ActOnDeadLettersRequest, context: grpc.ServicerContext
    ) -> pb.ActOnDeadLettersAnswer:
        """Send again, or forget."""
        with answering("ActOnDeadLetters", context), self._dead_letters() as dead:
            if request.action not in ACTIONS or bool(request.ids) == bool(request.queue):
                raise invalid("say replay or discard, and either ids or a queue")
            queues = (_known(request.queue),) if request.queue else QUEUES
            ids = frozenset(uuid_of(each, "dead letter") for each in request.ids)
            record = recorder(self._url, _operator(request), request.action)
            count = sum(dead.act(request.action, queue, ids, record) for queue in queues)
            return pb.ActOnDeadLettersAnswer(count=count, remaining=dead.waiting(queues))

    @contextmanager
    def _dead_letters(self) -> Iterator[DeadLetters]:
        if not self._rabbitmq:
            raise Refused(grpc.StatusCode.FAILED_PRECONDITION, "this broker keeps no dead letters")
        with self._looking, self._connection() as connection:
            yield DeadLetters(connection)

    @contextmanager
    def _connection(self) -> Iterator[kombu.Connection]:
        connection = self._app.connection(connect_timeout=3, heartbeat=0)
        try:
            with connection:
                connection.ensure_connection(max_retries=self._nodes, interval_start=0, timeout=3)
                yield connection
        except (KombuError, PublishError, *connection.connection_errors, *connection.channel_errors) as error:
            raise Refused(grpc.StatusCode.UNAVAILABLE, "the broker cannot be reached") from error

    def _queue(self, channel: Any, service: str, name: str) -> pb.Queue:
        # An empty queue does not exist on Redis, where declaring it is harmless.
        live = channel.queue_declare(name, passive=self._rabbitmq)
        queue = pb.Queue(name=name, service=service, messages_ready=live.message_count)
        if self._rabbitmq:
            queue.consumers = live.consumer_count
            queue.dead_letters = channel.queue_declare(f"{name}.dead", passive=True).message_count
        return queue


def _known(queue: str) -> str:
    if queue not in QUEUES:
        raise not_found("queue")
    return queue


def _operator(request: pb.ActOnDeadLettersRequest) -> Operator:
    workspace_id = uuid_of(request.workspace_id, "workspace") if request.workspace_id else None
    return Operator(request.actor, workspace_id, request.ip, request.user_agent)


def _dead_letter(found: DeadLetter) -> pb.DeadLetter:
    shown = pb.DeadLetter(
        id=str(found.id),
        queue=found.queue,
        message=found.message,
        version=found.version,
        message_id=found.message_id,
        reason=found.reason,
        detail=found.detail,
        worker=found.worker,
        deliveries=found.deliveries,
        replays=found.replays,
        request_id=found.request_id,
        trace_id=telemetry.trace_id_of(found.traceparent),
        size_bytes=found.size_bytes,
    )
    if found.died_at:
        shown.died_at.FromJsonString(found.died_at)
    return shown


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
