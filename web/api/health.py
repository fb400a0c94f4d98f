"""What probes and Prometheus ask."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import grpc
import structlog
from flask import Response
from grpc_health.v1 import health_pb2
from prometheus_client import CONTENT_TYPE_LATEST
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from tasks import outbox
from tasks.intake.models import OUTBOX
from web import answers
from web.blueprint import Blueprint
from web.front import front
from web.metrics import outbox_exposition
from web.problems import DATABASE_RETRY_S, Problem
from web.schemas.health import AliveSchema, ReadySchema

PATIENCE_S = 1.0
METRICS = {"200": {"content": {"text/plain": {"schema": {"type": "string"}}}, "description": "Prometheus' format"}}

log = structlog.get_logger(__name__)
blueprint = Blueprint("health", __name__, description="Is it alive, is it ready, what has it counted")


@dataclass(frozen=True)
class Dependency:
    """Something that the front API needs, and whether it is there."""

    ok: bool
    detail: str


AWAY = Dependency(False, "cannot be reached")


@blueprint.route("/healthz", scope="open")
@blueprint.gives(200, AliveSchema)
def healthz() -> Response:
    """Say that the process is alive"""
    return answers.json({"status": "ok"})


@blueprint.route("/readyz", scope="open")
@blueprint.gives(200, ReadySchema)
def readyz() -> Response:
    """Say which dependencies are there

    Without the intake database nothing can be accepted: 503. Without a service its queries fail, and nothing else.
    Without room nothing is accepted for now, and `intake` says what is lacking; reading goes on.
    """
    found = {"intake": _intake(), **_services()}
    dependencies = {name: asdict(each) for name, each in found.items()}
    if found["intake"] == AWAY:
        more = {"state": "unavailable", "dependencies": dependencies}
        headers = {"Retry-After": str(DATABASE_RETRY_S)}
        raise Problem(503, "The intake database cannot be reached.", headers=headers, more=more)
    away = [name for name, each in found.items() if not each.ok]
    return answers.json({"state": "degraded" if away else "ready", "degraded": away, "dependencies": dependencies})


@blueprint.route("/metrics", scope="monitor:read")
@blueprint.documented(responses=METRICS)
def metrics() -> Response:
    """What was counted, for Prometheus"""
    counted = front().metrics.exposition() + _outbox()
    return Response(counted, content_type=CONTENT_TYPE_LATEST)


def _intake() -> Dependency:
    try:
        with front().intake() as session:
            session.execute(text("SELECT 1"))
            lack = front().room.lack(session)
    except SQLAlchemyError as error:
        # The error names hosts and roles, which a probe has no need of.
        log.warning("intake database not ready", error=str(error))
        return AWAY
    return Dependency(not lack, f"accepts nothing: {lack}" if lack else "answers")


def _services() -> dict[str, Dependency]:
    asked = {service.name: (service, service.health(PATIENCE_S)) for service in front().services.all()}
    return {name: _service(future, service.breaker.is_open) for name, (service, future) in asked.items()}


def _service(future: Any, resting: bool) -> Dependency:
    try:
        status = future.result().status
    except grpc.RpcError as error:
        return Dependency(False, f"{error.code().name.lower().replace('_', ' ')}")
    if status != health_pb2.HealthCheckResponse.SERVING:
        return Dependency(False, "not serving")
    return Dependency(not resting, "answers, after failing too often: resting" if resting else "answers")


def _outbox() -> bytes:
    try:
        with front().intake() as session:
            return outbox_exposition(*outbox.depth(session, OUTBOX))
    except SQLAlchemyError as error:
        log.warning("outbox not measured", error=str(error))
        return b""
