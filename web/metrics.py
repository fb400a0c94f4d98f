"""What the front API counts, for Prometheus, over all its processes."""

from __future__ import annotations

import os

from flask import Response, request
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector

from web.tracing import elapsed_s

METHODS = frozenset(("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"))
BUCKETS = (0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 120)


class Metrics:
    """Made once per process. Routes are labels, paths never are: there is no end of paths."""

    def __init__(self) -> None:
        own = self._registry = CollectorRegistry()
        by_route = ("method", "route")
        self._requests = Counter("pranala_http_requests", "Requests answered", (*by_route, "status"), registry=own)
        self._latency = Histogram(
            "pranala_http_request_duration_seconds", "Time to answer", by_route, buckets=BUCKETS, registry=own
        )
        self._submissions = Counter(
            "pranala_submissions_accepted", "Submissions accepted, by kind of work", ("kind",), registry=own
        )
        self._work = Counter(
            "pranala_work_accepted", "Links, notifications and audit events in them", ("kind",), registry=own
        )
        self._refusals = Counter("pranala_requests_refused", "Answers 401 and 403", ("action",), registry=own)
        self._open = Gauge(
            "pranala_rpc_circuit_open",
            "1 while calls are refused",
            ("service",),
            registry=own,
            multiprocess_mode="livemax",
        )

    def observe(self, response: Response) -> Response:
        """After every request."""
        method = request.method if request.method in METHODS else "other"
        route = str(request.url_rule or "unmatched")
        self._requests.labels(method, route, response.status_code).inc()
        self._latency.labels(method, route).observe(elapsed_s())
        return response

    def accepted(self, kind: str, count: int) -> None:
        """A submission of so many links, notifications or audit events is committed."""
        self._submissions.labels(kind).inc()
        self._work.labels(kind).inc(count)

    def refused(self, action: str) -> None:
        """A request was refused."""
        self._refusals.labels(action).inc()

    def circuit(self, service: str, is_open: bool) -> None:
        """The breaker of a service changed."""
        self._open.labels(service).set(is_open)

    def exposition(self) -> bytes:
        """Everything counted, by all processes where there are several."""
        if "PROMETHEUS_MULTIPROC_DIR" not in os.environ:
            return bytes(generate_latest(self._registry))
        merged = CollectorRegistry()
        MultiProcessCollector(merged)  # type: ignore[no-untyped-call]  # prometheus_client leaves it untyped
        return bytes(generate_latest(merged))


def outbox_exposition(depth: int, oldest_s: float) -> bytes:
    """The state of the intake outbox, measured at the time of asking."""
    registry = CollectorRegistry()
    measured = (
        ("pranala_outbox_depth", "Messages that the broker does not have yet", depth),
        ("pranala_outbox_oldest_age_seconds", "Age of the oldest of them", oldest_s),
    )
    for name, words, value in measured:
        Gauge(name, words, ("service",), registry=registry).labels("intake").set(value)
    return bytes(generate_latest(registry))
