"""Idempotency-Key: the same key and payload get the same answer, and the work is done once."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from sqlalchemy import insert, select, text
from sqlalchemy.orm import Session

from tasks.intake.models import IdempotencyKey
from tasks.intake.submissions import Caller


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


def hold(session: Session, scope: str) -> None:
    """Keep others with the same key away until this transaction ends, or raise `KeyInFlight`."""
    held = session.scalar(text("SELECT pg_try_advisory_xact_lock(hashtextextended(:scope, 0))"), {"scope": scope})
    if not held:
        raise KeyInFlight


def is_known(session: Session, scope: str) -> bool:
    """Whether an answer to this key is remembered."""
    return session.scalar(select(IdempotencyKey.scope).where(IdempotencyKey.scope == scope)) is not None


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
    session.execute(
        insert(IdempotencyKey).values(
            scope=scope, fingerprint=fingerprint, answer=answer.body, location=answer.location
        )
    )
