"""Idempotency-Key: the same key and payload get the same answer, and the work is done once."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from psycopg.errors import UniqueViolation
from sqlalchemy import select, text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from tasks.intake.models import IDEMPOTENCY_KEYS, IdempotencyKey
from tasks.intake.submissions import Caller
from tasks.rows import insert_rows

HOLD = text("""
    SELECT pg_try_advisory_xact_lock(hashtextextended(:scope, 0)),
           EXISTS (SELECT FROM idempotency_keys WHERE scope = :scope)
""")


class KeyInFlight(Exception):
    """The first request with this key is still being answered. Wait for it, then ask again."""


class KeyReused(Exception):
    """This key was used with another payload. Use a new key for a new request."""


@dataclass(frozen=True)
class Answer:
    """What was answered the first time: the body as JSON, and the Location."""

    body: str
    location: str


def scope_of(caller: Caller, route: str, key: str) -> str:
    """A key belongs to the caller and the route that it was sent to."""
    parts = (str(caller.workspace_id), caller.actor, route, key)
    return hashlib.sha256("\x1f".join(parts).encode()).hexdigest()


def hold(session: Session, scope: str) -> bool:
    """Keep others with the same key away until this transaction ends, or raise `KeyInFlight`.

    Returns whether an answer to this key is remembered. Of one that is given at this very moment that is not known:
    then the transaction fails in the end, see `is_taken`.
    """
    held, known = session.execute(HOLD, {"scope": scope}).one()
    if not held:
        raise KeyInFlight
    return bool(known)


def is_taken(error: IntegrityError) -> bool:
    """Whether this says that somebody else has used the key meanwhile."""
    return isinstance(error.orig, UniqueViolation) and error.orig.diag.table_name == IDEMPOTENCY_KEYS.name


def recall(session: Session, scope: str, fingerprint: str) -> Answer:
    """The remembered answer, or `KeyReused` where the payload is another."""
    row = session.execute(
        select(IdempotencyKey.fingerprint, IdempotencyKey.answer, IdempotencyKey.location).where(
            IdempotencyKey.scope == scope
        )
    ).one()
    if row.fingerprint != fingerprint:
        raise KeyReused
    return Answer(row.answer, row.location)


def remember(session: Session, scope: str, fingerprint: str, answer: Answer) -> None:
    """Keep the answer with the work it stands for, in the same transaction."""
    known = {"scope": scope, "fingerprint": fingerprint, "answer": answer.body, "location": answer.location}
    insert_rows(session, IDEMPOTENCY_KEYS, [known])
