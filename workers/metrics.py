"""What a worker or relay has counted, over HTTP for Prometheus, where PRANALA_METRICS_BIND says so."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import structlog
from prometheus_client import REGISTRY, start_http_server
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector
from sqlalchemy import Table
from sqlalchemy.exc import SQLAlchemyError

from config.settings import Metrics, load
from tasks import outbox
from tasks.database import Sessions

log = structlog.get_logger(__name__)


def serve(environ: Mapping[str, str]) -> None:
    """Answer from a thread of its own; a port that is taken is no reason not to work."""
    if not (bind := load(Metrics, environ).bind):
        return
    host, port = bind
    try:
        start_http_server(port, host)
    except OSError as error:
        log.error("metrics not shown", bind=f"{host}:{port}", error=str(error))
    else:
        log.info("metrics shown", bind=f"{host}:{port}")


class Outboxes(Collector):
    """How much waits in each outbox and for how long, measured when Prometheus asks."""

    def __init__(self, tables: Mapping[str, tuple[Sessions, Table]]) -> None:
        self._tables = tables
        REGISTRY.register(self)

    def describe(self) -> list[GaugeMetricFamily]:
        """The names; nothing is measured to be registered."""
        depth = GaugeMetricFamily(
            "pranala_outbox_depth", "Messages that the broker does not have yet", labels=["service"]
        )
        age = GaugeMetricFamily("pranala_outbox_oldest_age_seconds", "Age of the oldest of them", labels=["service"])
        return [depth, age]

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """An outbox whose database is away is left out."""
        depth, age = self.describe()
        for service, (sessions, table) in self._tables.items():
            try:
                with sessions() as session:
                    count, seconds = outbox.depth(session, table)
            except SQLAlchemyError as error:
                log.warning("outbox not measured", outbox=service, error=str(error))
                continue
            depth.add_metric([service], count)
            age.add_metric([service], seconds)
        yield depth
        yield age
