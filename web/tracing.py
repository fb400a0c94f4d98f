"""Every request runs in a trace of its own or its caller's, has an id, and leaves one line in the log."""

from __future__ import annotations

import re
import time
import uuid
from collections.abc import Iterable
from typing import TYPE_CHECKING

import structlog
from flask import Response, g, request

from config import telemetry

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

log = structlog.get_logger(__name__)

HEADER = "X-Request-Id"
# Asked every few seconds by probes; worth a line only to whoever wants every line.
QUIET = ("/healthz", "/readyz", "/metrics")

_SANE = re.compile(r"[A-Za-z0-9._:-]{1,128}")
_ID = "pranala.request_id"
_STARTED = "pranala.started"


class Traced:
    """WSGI middleware: the request's id and trace hold for everything inside, error answers included."""

    def __init__(self, app: WSGIApplication) -> None:
        self._app = app

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        given = environ.get("HTTP_X_REQUEST_ID", "")
        environ[_ID] = given if _SANE.fullmatch(given) else str(uuid.uuid4())
        environ[_STARTED] = time.perf_counter()
        carrier = {"traceparent": environ.get("HTTP_TRACEPARENT", ""), "request_id": environ[_ID]}
        with telemetry.span("http", carrier):
            return self._app(environ, start_response)


def request_id() -> str:
    """The running request's id."""
    found: str = request.environ[_ID]
    return found


def elapsed_s() -> float:
    """Seconds since the running request began."""
    return time.perf_counter() - float(request.environ[_STARTED])


def finish(response: Response) -> Response:
    """After every request: its id for the client, its line for the log."""
    response.headers[HEADER] = request_id()
    write = log.debug if request.path in QUIET else log.info
    write(
        "request",
        method=request.method,
        path=request.path,
        route=str(request.url_rule or ""),
        status=response.status_code,
        duration_ms=round(elapsed_s() * 1000, 1),
        ip=request.remote_addr,
        actor=g.caller.actor if "caller" in g else None,
    )
    return response
