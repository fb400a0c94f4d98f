"""One format for every process: a JSON object a line, with the request and the trace it belongs to."""

from __future__ import annotations

import logging
import sys
from collections.abc import MutableMapping
from typing import Any

import structlog

from config import failpoints, telemetry
from config.settings import Logging

# Two lines for every task would bury what went wrong.
CHATTY = ("celery.worker.strategy", "celery.app.trace", "celery.beat", "alembic.runtime.migration")

log = structlog.get_logger(__name__)

Event = MutableMapping[str, Any]


def configure(settings: Logging) -> None:
    """Send everything that is logged in this process, by us or by a library, to stderr as JSON."""
    shared = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.ExtraAdder(),
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _process(settings.process),
        _trace,
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_formatter(shared))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(settings.level.upper())
    chatter = logging.NOTSET if settings.level == "debug" else logging.WARNING
    for name in CHATTY:
        logging.getLogger(name).setLevel(chatter)
    if failpoints.folder():
        log.warning("failpoints can be armed here: this is a test", folder=failpoints.folder())


def _formatter(shared: list[Any]) -> logging.Formatter:
    return structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=shared,
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            # Locals would carry secrets into the log.
            structlog.processors.ExceptionRenderer(
                structlog.tracebacks.ExceptionDictTransformer(show_locals=False, max_frames=12)
            ),
            structlog.processors.JSONRenderer(default=str),
        ],
    )


def _process(name: str) -> Any:
    def add(_logger: Any, _method: str, event: Event) -> Event:
        event["service"] = name
        return event

    return add


def _trace(_logger: Any, _method: str, event: Event) -> Event:
    trace_id = telemetry.trace_id()
    if trace_id:
        event["trace_id"] = trace_id
    return event
