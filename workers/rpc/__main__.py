"""An RPC server of the services named in PRANALA_RPC_SERVICES, with health service and reflection."""

from __future__ import annotations

import hmac
import importlib
import os
import signal
import threading
from collections.abc import Callable, Mapping
from concurrent import futures
from functools import partial
from typing import Any

import grpc
import structlog
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection
from sqlalchemy.exc import DBAPIError

from config import logging
from config.settings import Logging, Rpc, load
from tasks import database
from workers.ready import Ready

log = structlog.get_logger(__name__)

# As often as web asks whether the connection lives; a server hangs up on whoever asks more often than it allows.
SERVER_OPTIONS = (
    ("grpc.keepalive_permit_without_calls", 1),
    ("grpc.http2.min_ping_interval_without_data_ms", 5000),
    ("grpc.keepalive_time_ms", 30_000),
    ("grpc.keepalive_timeout_ms", 10_000),
)
# Longer than web waits for any answer: whatever is begun ends before it, so that a call which a stopping server
# cancels was never begun and may be made again.
GRACE_S = 18.0
# Asked by probes, which hold no secret; it tells nothing but that the server is alive.
OPEN = "/grpc.health.v1.Health/"


class TokenRequired(grpc.ServerInterceptor):
    """Refuses every call that does not show the shared secret; UNAUTHENTICATED is what accounts says of a key."""

    def __init__(self, token: str) -> None:
        self._expected = f"Bearer {token}"

    def intercept_service(self, continuation: Callable[[Any], Any], details: Any) -> Any:
        """Let the call through, or answer PERMISSION_DENIED in its stead."""
        shown = dict(details.invocation_metadata).get("authorization", "")
        if details.method.startswith(OPEN) or hmac.compare_digest(shown, self._expected):
            return continuation(details)
        return grpc.unary_unary_rpc_method_handler(_refuse)


class GivingWay(grpc.ServerInterceptor):
    """Makes a call again whose transaction had to give way to another: each is one transaction."""

    def intercept_service(self, continuation: Callable[[Any], Any], details: Any) -> Any:
        """The same handler, tried more than once."""
        handler = continuation(details)
        if handler is None or handler.unary_unary is None:
            return handler
        return handler._replace(unary_unary=partial(_give_way, handler.unary_unary))


def _give_way(behaviour: Callable[[Any, Any], Any], request: Any, context: grpc.ServicerContext) -> Any:
    try:
        for attempt in database.attempts():
            with attempt:
                return behaviour(request, context)
    except DBAPIError as error:
        if not database.is_conflict(error):
            raise
        log.warning("gave way too often", error=str(error))
        context.abort(grpc.StatusCode.UNAVAILABLE, "others are changing the same things")


def _refuse(_request: Any, context: grpc.ServicerContext) -> None:
    context.abort(grpc.StatusCode.PERMISSION_DENIED, "this server needs PRANALA_RPC_TOKEN")


def serve(environ: Mapping[str, str]) -> grpc.Server:
    """A started server."""
    settings = load(Rpc, environ)
    server = grpc.server(
        futures.ThreadPoolExecutor(16),
        interceptors=[TokenRequired(settings.token), GivingWay()],
        options=SERVER_OPTIONS,
    )
    hosted = [
        importlib.import_module(f"workers.rpc.{service}").register(server, environ) for service in settings.services
    ]
    status = health.HealthServicer()
    health_pb2_grpc.add_HealthServicer_to_server(status, server)
    for name in ["", *hosted]:
        status.set(name, health_pb2.HealthCheckResponse.SERVING)
    reflection.enable_server_reflection([*hosted, health.SERVICE_NAME, reflection.SERVICE_NAME], server)
    server.add_insecure_port(settings.bind)
    server.start()
    log.info("rpc listening", bind=settings.bind, services=list(settings.services))
    return server


def main() -> None:
    """Serve until told to stop, then finish the calls in hand."""
    logging.configure(load(Logging, os.environ))
    ended = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: ended.set())
    ready = Ready(os.environ)
    server = serve(os.environ)
    ready.say()
    ended.wait()
    ready.unsay()
    server.stop(GRACE_S).wait()


if __name__ == "__main__":
    main()
