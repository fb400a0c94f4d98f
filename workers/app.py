"""A Celery app around a service's handlers: its settings and its tasks, once for all services."""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from celery import Celery, signals

from config import broker, collector, logging
from config.settings import Broker, Logging, Worker, load
from tasks import wire
from tasks.service import BulkHandler, Handler, Service
from workers import heartbeat, metrics
from workers.handling import Handling
from workers.undertaker import Undertaker

# A broker that was not heard of for twice as long is lost; the main loop looks every three seconds.
HEARTBEAT_S = 6
# py-amqp gives a packet one second to arrive. Losing a connection costs more than waiting a little for the network.
ON_RABBITMQ = {"socket_settings": {socket.TCP_USER_TIMEOUT: 5000}}
ON_REDIS = {
    "visibility_timeout": 1800,
    "health_check_interval": 5,
    "socket_connect_timeout": 5,
    "socket_keepalive": True,
}


def make_worker(build: Callable[[Mapping[str, str]], Service], environ: Mapping[str, str] = os.environ) -> Celery:
    """The Celery app of one service, ready for `celery -A`."""
    settings = load(Broker, environ)
    log_settings = load(Logging, environ)
    signals.setup_logging.connect(lambda **_: logging.configure(log_settings), weak=False)
    service = build(environ)
    app = Celery(service.name)
    app.conf.update(configuration(broker.QUEUES[service.name], settings.url))
    app.conf.worker_prefetch_multiplier = broker.PREFETCHED[service.name]
    undertaker = Undertaker(settings.url, log_settings.process) if broker.is_rabbitmq(settings.url) else None
    closing = threading.Event()
    handling = Handling(broker.QUEUES[service.name], undertaker, load(Worker, environ).patience_s, closing)
    for kind, handler in service.handlers.items():
        _register(app, kind, handler, service.bulk.get(kind), handling)
    # Where the consumer finds it; Celery makes that one by its name.
    app.undertaker = undertaker
    signals.worker_init.connect(lambda **_: metrics.serve(environ), weak=False)
    app.steps["consumer"].add(heartbeat.Heartbeat)
    signals.worker_shutting_down.connect(lambda **_: closing.set(), weak=False)
    signals.worker_shutting_down.connect(lambda **_: service.stop(), weak=False)
    collector.spare()
    return app


def configuration(queues: Sequence[str], broker_url: str) -> dict[str, Any]:
    """Celery's settings. Each departs from a default that loses, doubles or stalls work; see docs/decisions/."""
    rabbitmq = broker.is_rabbitmq(broker_url)
    return {
        "broker_url": broker_url,
        "task_queues": [broker.queue(name, rabbitmq) for name in queues],
        "task_default_queue": queues[0],
        "task_create_missing_queues": False,
        "task_ignore_result": True,
        "task_serializer": "json",
        "accept_content": ["json"],
        "task_acks_late": True,
        "task_reject_on_worker_lost": True,
        "task_acks_on_failure": False,
        "task_acks_on_timeout": False,
        "worker_consumer": "workers.consumer:Consumer",
        "worker_hijack_root_logger": False,
        "worker_redirect_stdouts": False,
        "worker_enable_soft_shutdown_on_idle": False,
        "worker_cancel_long_running_tasks_on_connection_loss": False,
        "broker_heartbeat": HEARTBEAT_S,
        "broker_connection_max_retries": None,
        "broker_connection_retry_on_startup": True,
        "broker_channel_error_retry": True,
        # An exclusive control queue outlives a half-open connection and locks its own worker out.
        "control_queue_exclusive": False,
        "control_queue_durable": True,
        "broker_transport_options": ON_RABBITMQ if rabbitmq else ON_REDIS,
    }


def _register(
    app: Celery, kind: type[wire.Message], handler: Handler, bulk: BulkHandler | None, handling: Handling
) -> None:
    # `shared=False`: two services that hear the same event must not answer for each other in one process.
    @app.task(name=kind.name(), bind=True, shared=False, typing=False)  # type: ignore[untyped-decorator]
    def run(task: Any, *_: Any, **__: Any) -> None:
        handling.run(kind, handler, task.request, bulk)
