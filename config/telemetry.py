"""Which request and trace the running code belongs to, and how that crosses a process border.

W3C Trace Context: a `traceparent` comes in with HTTP, goes out with every message and gRPC call, and is continued by
whoever does the work.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cache

import structlog
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

_PROPAGATOR = TraceContextTextMapPropagator()


@cache
def _tracer() -> trace.Tracer:
    return TracerProvider().get_tracer("pranala")


@contextmanager
def span(name: str, carrier: Mapping[str, str]) -> Iterator[None]:
    """Run inside a new span that continues the carrier's `traceparent`, with its `request_id` in the logs."""
    parent = _PROPAGATOR.extract({"traceparent": carrier.get("traceparent") or ""})
    bound = {"request_id": carrier["request_id"]} if carrier.get("request_id") else {}
    with (
        _tracer().start_as_current_span(name, context=parent, record_exception=False),
        structlog.contextvars.bound_contextvars(**bound),
    ):
        yield


def carrier() -> dict[str, str]:
    """What to send along with a message or a call: `traceparent` and `request_id`, as far as they are known."""
    found: dict[str, str] = {}
    _PROPAGATOR.inject(found)
    request_id = structlog.contextvars.get_contextvars().get("request_id")
    if request_id:
        found["request_id"] = request_id
    return found


def trace_id() -> str:
    """The running trace's id as 32 hex digits, or an empty text outside any span."""
    context = trace.get_current_span().get_span_context()
    return trace.format_trace_id(context.trace_id) if context.is_valid else ""


def trace_id_of(traceparent: str) -> str:
    """The trace id inside a `traceparent`, or an empty text."""
    parts = traceparent.split("-")
    return parts[1] if len(parts) == 4 else ""


def process() -> str:
    """The running process's name, as logs and metrics have it."""
    return os.environ.get("PRANALA_SERVICE_NAME", "pranala")
