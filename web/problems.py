"""Errors as RFC 9457 problem documents, whoever raised them; headers such as Allow and Retry-After are kept."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from http import HTTPStatus
from typing import Any

import msgspec
import structlog
from flask import Flask, Response, request
from sqlalchemy.exc import SQLAlchemyError
from werkzeug.exceptions import HTTPException

from config import telemetry
from tasks import database
from tasks.intake.idempotency import KeyInFlight, KeyReused
from web import rpc

log = structlog.get_logger(__name__)

CONTENT_TYPE = "application/problem+json"
DATABASE_RETRY_S = 5
NO_ROOM_RETRY_S = 15

# Of the errors that Flask, werkzeug and webargs raise themselves.
SLUGS = {
    400: "malformed-request",
    401: "unauthenticated",
    403: "forbidden",
    404: "not-found",
    405: "method-not-allowed",
    408: "upload-too-slow",
    412: "precondition-failed",
    413: "too-large",
    415: "unsupported-media-type",
    428: "precondition-required",
    422: "invalid-input",
    429: "too-many-requests",
    500: "internal-error",
    503: "unavailable",
}
DETAILS = {
    404: "There is nothing at this path.",
    405: "This path does not answer this method; see Allow.",
    422: "The input does not fit; see errors.",
}


@dataclass(frozen=True)
class Fault:
    """What is wrong with one part of the input; `pointer` is a JSON pointer into it (RFC 6901)."""

    pointer: str
    detail: str


class Problem(Exception):
    """The request ends here, with an answer that says what to do. `more` are further members of the document."""

    def __init__(
        self,
        status: int,
        detail: str,
        *,
        slug: str = "",
        errors: Sequence[Fault] = (),
        headers: Mapping[str, str] | None = None,
        more: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.slug = slug or SLUGS.get(status, HTTPStatus(status).phrase.lower().replace(" ", "-"))
        self.errors = tuple(errors)
        self.headers = dict(headers or {})
        self.more = dict(more or {})


def invalid(*faults: Fault) -> Problem:
    """The input was understood and does not fit."""
    return Problem(422, DETAILS[422], errors=faults)


def not_found(what: str) -> Problem:
    """There is no such thing, or it is another workspace's."""
    return Problem(404, f"There is no such {what}.")


def too_large(detail: str) -> Problem:
    """The body is larger than can be taken in one request."""
    return Problem(413, detail)


def unsupported_media_type(detail: str, accepted: Iterable[str]) -> Problem:
    """The body is of a kind that this route does not read."""
    return Problem(415, detail, headers={"Accept-Post": ", ".join(accepted)})


def unavailable(who: str, retry_after_s: float = DATABASE_RETRY_S) -> Problem:
    """Something that the request needs is away; nothing of it was done."""
    detail = f"{who} cannot be reached now. Nothing was done; try again later."
    return Problem(503, detail, headers={"Retry-After": str(max(1, math.ceil(retry_after_s)))})


def no_room(why: str) -> Problem:
    """More cannot be accepted until some of what was accepted is done."""
    detail = f"{why} Nothing of this request was accepted; send it again later."
    return Problem(503, detail, slug="no-room", headers={"Retry-After": str(NO_ROOM_RETRY_S)})


def install(app: Flask) -> None:
    """Make every error of the app a problem document."""
    for kind, answer in (
        (Problem, document),
        (HTTPException, _of_http),
        (SQLAlchemyError, _of_database),
        (rpc.Failure, _of_rpc),
        (KeyInFlight, _of_key_in_flight),
        (KeyReused, _of_key_reused),
    ):
        app.register_error_handler(kind, answer)


def document(problem: Problem) -> Response:
    """The answer that says what went wrong."""
    members: dict[str, Any] = {
        "type": f"/problems/{problem.slug}",
        "title": HTTPStatus(problem.status).phrase,
        "status": problem.status,
        "detail": problem.detail,
        "instance": request.path,
        "trace_id": telemetry.trace_id(),
    }
    if problem.errors:
        members["errors"] = [asdict(fault) for fault in problem.errors]
    body = msgspec.json.encode(members | problem.more)
    return Response(body, problem.status, problem.headers, content_type=CONTENT_TYPE)


def _of_http(error: HTTPException) -> Response:
    status = error.code or 500
    data: Mapping[str, Any] = getattr(error, "data", None) or {}
    return document(
        Problem(
            status,
            _detail(error, status),
            errors=tuple(faults_in(data.get("messages") or {})),
            headers=_headers(error) | dict(data.get("headers") or {}),
        )
    )


def _detail(error: HTTPException, status: int) -> str:
    if status >= 500:
        return "The server failed to answer. The log says why, under this trace_id."
    return DETAILS.get(status) or error.description or HTTPStatus(status).phrase


def _headers(error: HTTPException) -> dict[str, str]:
    pairs = error.response.headers if error.response is not None else error.get_headers()
    return {name: value for name, value in pairs if name.lower() not in ("content-type", "content-length")}


def faults_in(messages: Any, pointer: str = "") -> Iterator[Fault]:
    """Marshmallow's nested messages, one fault per message."""
    if isinstance(messages, Mapping):
        for name, inner in messages.items():
            yield from faults_in(inner, _below(pointer, name))
    elif isinstance(messages, list):
        for message in messages:
            yield Fault(pointer, str(message))
    else:
        yield Fault(pointer, str(messages))


def _below(pointer: str, name: str | int) -> str:
    # webargs puts the location first, marshmallow puts a whole schema's own faults under `_schema`.
    if name == "_schema" or (not pointer and name in ("json", "query")):
        return pointer
    escaped = str(name).replace("~", "~0").replace("/", "~1")
    return f"{pointer}/{escaped}"


def _of_database(error: SQLAlchemyError) -> Response:
    if database.is_full(error):
        log.error("intake database full", error=str(error))
        return document(no_room("The disk of the intake database is full."))
    if not database.is_away(error):
        raise error
    log.warning("intake database away", error=str(error))
    return document(unavailable("The intake database"))


def _of_rpc(failure: rpc.Failure) -> Response:
    return document(_RPC[type(failure)](failure))


def _away(failure: rpc.Failure) -> Problem:
    return unavailable(f"The {failure.service} service", failure.retry_after_s)


def _missing(failure: rpc.Failure) -> Problem:
    return Problem(404, f"There is {failure.detail}." if failure.detail.startswith("no such") else failure.detail)


def _refused(failure: rpc.Failure) -> Problem:
    # A service that knows which field is at fault says so: `target: is not a mail address`.
    field, found, detail = failure.detail.partition(": ")
    place = field.partition("/")[0]
    return invalid(Fault(f"/{field}", detail) if found and place.isidentifier() else Fault("", failure.detail))


def _stale(_: rpc.Failure) -> Problem:
    return Problem(412, "It is not as it was when this ETag was given; read it again.")


def _broken(failure: rpc.Failure) -> Problem:
    log.error("a service failed", service=failure.service, code=failure.code, detail=failure.detail)
    return Problem(502, f"The {failure.service} service failed to answer. The log says why, under this trace_id.")


_RPC = {
    rpc.Away: _away,
    rpc.Missing: _missing,
    rpc.Refused: _refused,
    rpc.Stale: _stale,
    rpc.Denied: _broken,
    rpc.Broken: _broken,
}


def _of_key_in_flight(_: KeyInFlight) -> Response:
    detail = "The first request with this Idempotency-Key is still being answered; wait for it, then ask again."
    return document(Problem(409, detail, slug="idempotency-key-in-flight", headers={"Retry-After": "1"}))


def _of_key_reused(_: KeyReused) -> Response:
    detail = "This Idempotency-Key was used with another payload; use a new key for a new request."
    return document(Problem(422, detail, slug="idempotency-key-reused"))
