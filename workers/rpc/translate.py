"""Pages of values, ids of requests, and errors as gRPC's status codes."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

import grpc
import structlog
from google.protobuf.message import Message

from config import telemetry
from tasks import database
from workers.rpc.messages import to_proto

log = structlog.get_logger(__name__)

P = TypeVar("P", bound=Message)


class Refused(Exception):
    """The caller asked for what cannot be given; `code` says why in gRPC's terms."""

    def __init__(self, code: grpc.StatusCode, detail: str) -> None:
        super().__init__(detail)
        self.code = code


def not_found(what: str) -> Refused:
    """There is no such thing, or it is another workspace's."""
    return Refused(grpc.StatusCode.NOT_FOUND, f"no such {what}")


def invalid(detail: str) -> Refused:
    """The request does not fit. `detail` says what to do."""
    return Refused(grpc.StatusCode.INVALID_ARGUMENT, detail)


def stale(what: str) -> Refused:
    """Somebody else was first: the thing is of another version now."""
    return Refused(grpc.StatusCode.ABORTED, f"the {what} is of another version")


def page(items: list[Any], after: str, item_kind: type[Message], page_kind: type[P]) -> P:
    """A page of values; `after` is where the next one starts, empty on the last."""
    return page_kind(items=[to_proto(item, item_kind) for item in items], next=after)


def uuid_of(text: str, what: str) -> uuid.UUID:
    """A UUID of the request, or NOT_FOUND: an id that is none is nobody's."""
    try:
        return uuid.UUID(text)
    except ValueError as error:
        raise not_found(what) from error


@contextmanager
def answering(name: str, context: grpc.ServicerContext) -> Iterator[None]:
    """Run one call in the caller's trace; what goes wrong becomes a status, and never a stack trace outside."""
    metadata = {key: value for key, value in context.invocation_metadata() if isinstance(value, str)}
    carrier = {"traceparent": metadata.get("traceparent", ""), "request_id": metadata.get("x-request-id", "")}
    with telemetry.span(name, carrier):
        try:
            yield
        except Refused as refusal:
            context.abort(refusal.code, str(refusal))
        except database.AWAY as error:
            if database.is_conflict(error):
                # Whoever called us makes the call again.
                raise
            log.warning("database away", call=name, error=str(error))
            context.abort(grpc.StatusCode.UNAVAILABLE, "the service's database cannot be reached")
