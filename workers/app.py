"""A Celery app around a service's handlers: queues, acknowledgement and errors, once for all services."""

from __future__ import annotations

import gc
import os
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import stamina
import structlog
from celery import Celery, signals
from celery.exceptions import Reject

from config import broker, logging, telemetry
from config.settings import Broker, Logging, load
from tasks import database, wire
from tasks.errors import Transient
from tasks.service import Handler, Service
from workers import heartbeat

log = structlog.get_logger(__name__)

# While its database is away a worker keeps its message and tries again, this long; then the broker gets it back.
PATIENCE_S = 300.0
COLLECT_AFTER = 20_000


def make_worker(build: Callable[[Mapping[str, str]], Service], environ: Mapping[str, str] = os.environ) -> Celery:
    """The Celery app of one service, ready for `celery -A`."""
    settings = load(Broker, environ)
    log_settings = load(Logging, environ)
    signals.setup_logging.connect(lambda **_: logging.configure(log_settings), weak=False)
    service = build(environ)
    app = Celery(service.name)
    app.conf.update(configuration(broker.QUEUES[service.name], settings.url))
    for kind, handler in service.handlers.items():
        _register(app, kind, handler)
    app.steps["consumer"].add(heartbeat.Heartbeat)
    signals.worker_shutting_down.connect(lambda **_: service.stop(), weak=False)
    _spare_the_collector()
    return app


def _spare_the_collector() -> None:
    """Have Python look for cycles seldom, and never among what stays for good.

    A part makes tens of thousands of objects and no cycle; looking through all that waits for each of its 500 links,
    every 700 objects, took a fifth of the time of a check.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(COLLECT_AFTER)


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
        "worker_prefetch_multiplier": 1,
        "worker_consumer": "workers.consumer:Consumer",
        "worker_hijack_root_logger": False,
        "worker_redirect_stdouts": False,
        "worker_enable_soft_shutdown_on_idle": False,
        "worker_cancel_long_running_tasks_on_connection_loss": False,
        "broker_heartbeat": 10,
        "broker_connection_max_retries": None,
        "broker_connection_retry_on_startup": True,
        "broker_channel_error_retry": True,
        # An exclusive control queue outlives a half-open connection and locks its own worker out.
        "control_queue_exclusive": False,
        "control_queue_durable": True,
        "broker_transport_options": {} if rabbitmq else {"visibility_timeout": 1800},
    }


def _register(app: Celery, kind: type[wire.Message], handler: Handler) -> None:
    # `shared=False`: two services that hear the same event must not answer for each other in one process.
    @app.task(name=kind.name(), bind=True, shared=False, typing=False)  # type: ignore[untyped-decorator]
    def run(task: Any, **fields: Any) -> None:
        message = wire.decode(kind, fields)
        carrier = {
            "traceparent": getattr(task.request, "traceparent", "") or "",
            "request_id": getattr(task.request, "request_id", "") or "",
        }
        with telemetry.span(kind.name(), carrier):
            _handle(kind, handler, message)


def _handle(kind: type[wire.Message], handler: Handler, message: wire.Message) -> None:
    try:
        for attempt in stamina.retry_context(
            on=database.is_away, attempts=None, timeout=PATIENCE_S, wait_initial=0.2, wait_max=5.0
        ):
            with attempt:
                handler(message)
    except (Transient, *database.AWAY) as error:
        log.warning("handed back", message=kind.name(), error=str(error))
        raise Reject(str(error), requeue=True) from error
    except Exception:
        log.exception("failed", message=kind.name())
        raise
