"""Accepted work: one transaction of the intake database, and 202 only after its commit."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import msgspec
from flask import Response, request
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from config.failpoints import reach
from tasks import database
from tasks.intake import idempotency
from tasks.intake.idempotency import Answer, KeyInFlight
from web import answers
from web.access import caller
from web.front import front
from web.limits import IDEMPOTENCY_KEY
from web.problems import Fault, Problem, no_room

HEADER = "Idempotency-Key"


@dataclass(frozen=True)
class Work:
    """What was accepted: the answer's body, where to watch it, and how much of what kind it is."""

    body: dict[str, Any]
    location: str
    kind: str
    count: int = 1


def accept(fingerprint: Callable[[], str], write: Callable[[Session], Work]) -> Response:
    """Write the work, or recall what was answered the first time that this key was used.

    `fingerprint` reads whatever is left of the payload; `write` raises a `Problem` to accept nothing. Both are called
    again where the transaction had to give way to another.
    """
    key = _key()
    reach("front.accepting")
    accepted = partial(_accept, key=key, fingerprint=fingerprint, write=write)
    try:
        done = database.transact(front().intake, accepted, "front")
    except IntegrityError as error:
        if idempotency.is_taken(error):
            raise KeyInFlight from error
        raise
    if isinstance(done, Answer):
        return _answer(done, replayed=True)
    front().metrics.accepted(done.kind, done.count)
    return _answer(_remembered(done), replayed=False)


def job_location(job_id: object) -> str:
    """Where a job is watched."""
    return f"/api/v1/jobs/{job_id}"


def _accept(
    session: Session, key: str, fingerprint: Callable[[], str], write: Callable[[Session], Work]
) -> Work | Answer:
    scope = idempotency.scope_of(caller(), f"{request.method} {request.url_rule}", key) if key else ""
    if scope and idempotency.hold(session, scope):
        return idempotency.recall(session, scope, _payload(fingerprint))
    if lack := front().room.lack(session):
        raise no_room(lack)
    work = write(session)
    if scope:
        idempotency.remember(session, scope, _payload(fingerprint), _remembered(work))
    return work


def _key() -> str:
    """The client's key, bare or as the quoted string of the IETF draft."""
    if HEADER not in request.headers:
        return ""
    key = request.headers[HEADER].strip()
    if len(key) > 2 and key[0] == key[-1] == '"':
        key = key[1:-1]
    if not re.fullmatch(IDEMPOTENCY_KEY, key):
        detail = f"{HEADER} must be 1 to 255 visible ASCII characters."
        raise Problem(400, detail, errors=[Fault("", detail)])
    return key


def _payload(fingerprint: Callable[[], str]) -> str:
    # The same bytes mean other lines as text than as CSV.
    return f"{request.mimetype} {fingerprint()}"


def _remembered(work: Work) -> Answer:
    return Answer(msgspec.json.encode(work.body).decode(), work.location)


def _answer(answer: Answer, replayed: bool) -> Response:
    headers = {"Location": answer.location} | ({"Idempotent-Replayed": "true"} if replayed else {})
    return answers.raw(answer.body, 202, headers)
