"""One message, one handler: what is tried again, what is put back and what is dead, once for all services.

The database is waited for with the message in hand. An outage may outlast every limit of the broker, so after a while
the message is put at the end of its queue as new: it is no fault of the message, and must not count against it.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
import stamina
import structlog
from celery.exceptions import Reject

from config import broker, telemetry
from tasks import database, wire
from tasks.bundles import Member, members_of
from tasks.errors import ShuttingDown, Transient
from tasks.service import BulkHandler, Handler, Told
from workers.undertaker import DELIVERIES, REPLAYS, Death, Remains, Undertaker, failed

log = structlog.get_logger(__name__)

HEADERS = (
    "lang",
    "task",
    "id",
    "root_id",
    "parent_id",
    "group",
    "retries",
    "eta",
    "expires",
    "timelimit",
    "argsrepr",
    "kwargsrepr",
    "origin",
    "traceparent",
    "request_id",
    wire.VERSION,
    REPLAYS,
    DELIVERIES,
)


class GaveUp(Exception):
    """The message was delivered so often, and its worker never came to an end with it."""


@dataclass(frozen=True)
class Handling:
    """How one worker process handles messages. Without an undertaker (Redis) a failure is only logged."""

    queues: tuple[str, ...]
    undertaker: Undertaker | None
    patience_s: float
    # Set when the process is to end: from then on nothing is waited for.
    closing: threading.Event

    def run(self, kind: type[wire.Message], handler: Handler, request: Any, bulk: BulkHandler | None = None) -> None:
        """Handle one delivery. Returning acknowledges it, `Reject` gives it back, and else the broker buries it.

        The messages of a bundle are handed to `bulk` together; where that fails, or is missing, each goes its own way.
        """
        remains = remains_of(request, self.queues)
        members = members_of(request.kwargs or {})
        if members is None:
            self._handle(kind, handler, request, remains)
        elif remains.deliveries > broker.BUNDLES_MOST:
            self._scatter(members, remains)
        elif not (bulk and self._handle_together(kind, bulk, members, remains)):
            for member in members:
                self._handle(kind, handler, member, _alone(member, remains))

    def _handle(self, kind: type[wire.Message], handler: Handler, delivered: Any, remains: Remains) -> None:
        carrier = {name: str(remains.headers.get(name) or "") for name in ("traceparent", "request_id")}
        with telemetry.span(kind.name(), carrier):
            try:
                self._attempt(kind, handler, _decoded(kind, delivered, remains), remains)
            except Reject:
                raise
            except Exception as error:
                log.exception("failed", message=kind.name())
                if not (self.undertaker and self.undertaker.bury(remains, death_of(error))):
                    raise

    def _handle_together(
        self, kind: type[wire.Message], bulk: BulkHandler, members: Sequence[Member], remains: Remains
    ) -> bool:
        """Whether all of them are done."""
        try:
            told = [Told(wire.decode(kind, each.kwargs, each.version), each.traceparent) for each in members]
            self._attempt(kind, bulk, told, remains)
        except Reject:
            raise
        except Exception as error:
            log.warning("one by one", message=kind.name(), messages=len(members), error=str(error))
            return False
        return True

    def _scatter(self, members: Sequence[Member], remains: Remains) -> None:
        """Put each back by itself: one of them makes its workers die, and the others are not to go with it."""
        if not (self.undertaker and all(self.undertaker.renew(_alone(each, remains)) for each in members)):
            raise GaveUp("a bundle that was never finished could not be taken apart")

    def _attempt(self, kind: type[wire.Message], handler: Handler, message: Any, remains: Remains) -> None:
        try:
            for attempt in stamina.retry_context(
                on=self._worth_waiting, attempts=None, timeout=self.patience_s, wait_initial=0.2, wait_max=5.0
            ):
                with attempt:
                    handler(message)
        except Exception as error:
            if not (isinstance(error, Transient) or database.is_away(error)):
                raise
            self._hand_back(kind, remains, error)

    def _worth_waiting(self, error: Exception) -> bool:
        return database.is_away(error) and not self.closing.is_set()

    def _hand_back(self, kind: type[wire.Message], remains: Remains, error: Exception) -> None:
        if database.is_outage(error) and not self.closing.is_set():
            if self.undertaker and self.undertaker.renew(remains):
                log.warning("put back", message=kind.name(), error=str(error))
                return
        elif remains.deliveries >= broker.DELIVERIES_MOST and not isinstance(error, ShuttingDown):
            raise error
        log.warning("handed back", message=kind.name(), error=str(error))
        raise Reject(str(error), requeue=True) from error


def remains_of(request: Any, queues: tuple[str, ...]) -> Remains:
    """The message that Celery made this request of."""
    body = [list(request.args or ()), dict(request.kwargs or {}), {}]
    headers = {name: value for name in HEADERS if (value := request.get(name)) is not None}
    properties = {
        "correlation_id": str(request.correlation_id or request.id),
        "content_type": "application/json",
        "content_encoding": "utf-8",
        "delivery_mode": 2,
    }
    return Remains(queue_of(request.delivery_info or {}, queues), body, headers, properties)


def queue_of(delivery_info: Mapping[str, Any], queues: tuple[str, ...]) -> str:
    """The queue that a message came from: jobs name it, events arrive in a service's first."""
    key = str(delivery_info.get("routing_key") or "")
    return key if key in queues else queues[0]


def death_of(error: BaseException) -> Death:
    """The reason that goes with an exception."""
    if isinstance(error, wire.TooNew):
        return Death("too_new", str(error))
    if isinstance(error, GaveUp):
        return Death("gave_up", str(error))
    return failed(error, "invalid" if isinstance(error, msgspec.ValidationError) else "failed")


def _alone(member: Member, remains: Remains) -> Remains:
    """A message of a bundle as it would have come by itself."""
    headers = {
        **remains.headers,
        "id": member.id,
        "root_id": member.id,
        "traceparent": member.traceparent,
        "request_id": member.request_id,
        wire.VERSION: member.version,
    }
    body = [[], member.kwargs, {}]
    return Remains(remains.queue, body, headers, {**remains.properties, "correlation_id": member.id})


def _decoded(kind: type[wire.Message], delivered: Any, remains: Remains) -> wire.Message:
    if remains.deliveries > broker.DELIVERIES_MOST:
        before = remains.deliveries - 1
        raise GaveUp(f"delivered {before} times and never finished: its worker, or the connection, ended each time")
    if delivered.args:
        raise msgspec.ValidationError(f"expected fields by name, got {len(delivered.args)} without")
    return wire.decode(kind, delivered.kwargs or {}, int(remains.headers.get(wire.VERSION) or 1))
