"""An RPC server of the services named in PRANALA_RPC_SERVICES, with health service and reflection."""

from __future__ import annotations

import hmac
import importlib
import os
import signal
import threading
from collections.abc import Callable, Mapping
from concurrent import futures
from typing import Any

import grpc
import structlog
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection

from config import logging
from config.settings import Logging, Rpc, load

log = structlog.get_logger(__name__)

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


def _refuse(_request: Any, context: grpc.ServicerContext) -> None:
    context.abort(grpc.StatusCode.PERMISSION_DENIED, "this server needs PRANALA_RPC_TOKEN")


def serve(environ: Mapping[str, str]) -> grpc.Server:
    """A started server."""
    settings = load(Rpc, environ)
    server = grpc.server(futures.ThreadPoolExecutor(16), interceptors=[TokenRequired(settings.token)])
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
    server = serve(os.environ)
    ended.wait()
    server.stop(grace=3).wait()


if __name__ == "__main__":
    main()
