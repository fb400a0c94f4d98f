"""The services behind RPC: a deadline, the caller's trace and a circuit breaker on every call.

Channels are made at the first call, so that none of them is shared over a fork.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import grpc
from google.protobuf.message import Message
from grpc_health.v1 import health_pb2, health_pb2_grpc

from config import telemetry
from config.settings import Web
from contracts import accounts_pb2_grpc, audit_pb2_grpc, links_pb2_grpc, monitor_pb2_grpc, notifications_pb2_grpc
from web.breaker import Breaker, CircuitOpen

RETRY_S = 2.0
# A server that is started anew is waited for this long, within the call's own deadline.
PATIENCE_S = 2.0
# Calls of these names change nothing, so that asking again does no harm.
READS = ("Authenticate", "Count", "Get", "List", "Read", "Seal", "Search", "Select")
# The monitor asks the workers while its caller waits, and gives each of its questions a second.
MONITOR_TIMEOUT_S = 15.0
# gRPC's own pause between two attempts to connect grows to two minutes: long after a service is back.
CHANNEL_OPTIONS = (
    ("grpc.initial_reconnect_backoff_ms", 200),
    ("grpc.max_reconnect_backoff_ms", 2000),
    # A silent connection is given up after fifteen seconds, also one that nobody uses at the time.
    ("grpc.keepalive_time_ms", 10_000),
    ("grpc.keepalive_timeout_ms", 5000),
    ("grpc.keepalive_permit_without_calls", 1),
    ("grpc.http2.max_pings_without_data", 0),
)


class Failure(Exception):
    """A call to a service did not bring an answer."""

    def __init__(self, service: str, code: str, detail: str, retry_after_s: float = RETRY_S) -> None:
        super().__init__(f"{service}: {code}: {detail}")
        self.service = service
        self.code = code
        self.detail = detail
        self.retry_after_s = retry_after_s


class Away(Failure):
    """The service cannot be reached, or did not answer in time. Try again later."""


class Missing(Failure):
    """The service knows no such thing."""


class Refused(Failure):
    """The service understood the request and says that it does not fit."""


class Stale(Failure):
    """Somebody else was first: the thing is of another version than the one that was named."""


class Denied(Failure):
    """The service does not accept who asks."""


class Broken(Failure):
    """The service failed while answering. Its log says why."""


_FAILURES: dict[grpc.StatusCode, type[Failure]] = {
    grpc.StatusCode.UNAVAILABLE: Away,
    grpc.StatusCode.DEADLINE_EXCEEDED: Away,
    grpc.StatusCode.CANCELLED: Away,
    grpc.StatusCode.NOT_FOUND: Missing,
    grpc.StatusCode.INVALID_ARGUMENT: Refused,
    grpc.StatusCode.FAILED_PRECONDITION: Refused,
    grpc.StatusCode.ALREADY_EXISTS: Refused,
    grpc.StatusCode.ABORTED: Stale,
    grpc.StatusCode.UNAUTHENTICATED: Denied,
}


class Service:
    """One service: `full_name` is its gRPC name, which its health goes by."""

    def __init__(
        self, name: str, full_name: str, address: str, stub: Callable[[grpc.Channel], Any], token: str, timeout_s: float
    ) -> None:
        self.name = name
        self.breaker = Breaker()
        self._full_name = full_name
        self._address = address
        self._make_stub = stub
        self._token = token
        self._timeout_s = timeout_s

    def call(self, method: str, request: Message) -> Any:
        """The service's answer, or a `Failure`."""
        try:
            with self.breaker.guard(_is_away):
                return self._ask(method, request)
        except CircuitOpen as error:
            raise Away(self.name, "CIRCUIT_OPEN", str(error), error.retry_after_s) from error

    def health(self, timeout_s: float) -> Any:
        """A future of the service's own word on its health; asked past the breaker."""
        check = health_pb2_grpc.HealthStub(self._channel).Check
        return check.future(health_pb2.HealthCheckRequest(service=self._full_name), timeout=timeout_s)

    def _ask(self, method: str, request: Message) -> Any:
        began = time.monotonic()
        try:
            return self._send(method, request, timeout=self._timeout_s)
        except grpc.RpcError as error:
            left_s = min(PATIENCE_S, self._timeout_s - (time.monotonic() - began))
            if left_s <= 0 or not _may_ask_again(method, error.code()):
                raise self._failure(error) from error
        try:
            return self._send(method, request, timeout=left_s, wait_for_ready=True)
        except grpc.RpcError as error:
            raise self._failure(error) from error

    def _send(self, method: str, request: Message, **options: Any) -> Any:
        return getattr(self._stub, method)(request, metadata=self._metadata(), **options)

    def _failure(self, error: Any) -> Failure:
        kind = _FAILURES.get(error.code(), Broken)
        return kind(self.name, error.code().name, error.details() or "")

    def _metadata(self) -> tuple[tuple[str, str], ...]:
        carrier = telemetry.carrier()
        return (
            ("authorization", f"Bearer {self._token}"),
            ("traceparent", carrier.get("traceparent", "")),
            ("x-request-id", carrier.get("request_id", "")),
        )

    @cached_property
    def _channel(self) -> grpc.Channel:
        return grpc.insecure_channel(self._address, options=CHANNEL_OPTIONS)

    @cached_property
    def _stub(self) -> Any:
        return self._make_stub(self._channel)


@dataclass(frozen=True)
class Services:
    """Every service that the front API asks."""

    links: Service
    notifications: Service
    audit: Service
    accounts: Service
    monitor: Service

    def all(self) -> tuple[Service, ...]:
        """The services in the order in which they are shown."""
        return (self.links, self.notifications, self.audit, self.accounts, self.monitor)


def connect(settings: Web) -> Services:
    """The services, not yet connected to."""

    def service(name: str, address: str, stub: Callable[[grpc.Channel], Any], least_s: float = 0) -> Service:
        full_name = f"pranala.{name}.v1.{name.capitalize()}"
        return Service(name, full_name, address, stub, settings.rpc_token, max(settings.rpc_timeout_s, least_s))

    return Services(
        links=service("links", settings.links_rpc, links_pb2_grpc.LinksStub),
        notifications=service("notifications", settings.notifications_rpc, notifications_pb2_grpc.NotificationsStub),
        audit=service("audit", settings.audit_rpc, audit_pb2_grpc.AuditStub),
        accounts=service("accounts", settings.accounts_rpc, accounts_pb2_grpc.AccountsStub),
        monitor=service("monitor", settings.monitor_rpc, monitor_pb2_grpc.MonitorStub, MONITOR_TIMEOUT_S),
    )


def _may_ask_again(method: str, code: grpc.StatusCode) -> bool:
    """A server that stops cancels what it has not begun, and only that; of a lost connection nobody can tell."""
    return code == grpc.StatusCode.CANCELLED or (code == grpc.StatusCode.UNAVAILABLE and method.startswith(READS))


def _is_away(error: Exception) -> bool:
    return isinstance(error, Away)
