"""The keyring: giving out keys, and noting that they are used."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import func, or_, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from tasks import clock, outbox, wire
from tasks.accounts import keys, scopes
from tasks.accounts.messages import KeyCreated
from tasks.accounts.models import OUTBOX, ApiKey, Workspace

SHOWN_OF_PREFIX = 8
USE_NOTED_EVERY = timedelta(hours=1)


def workspace_id_of(session: Session, name: str) -> uuid.UUID:
    """The workspace of this name, made where there is none."""
    session.execute(insert(Workspace).values(id=wire.new_id(), name=name).on_conflict_do_nothing())
    return session.scalars(select(Workspace.id).where(Workspace.name == name)).one()


def create_key(
    session: Session,
    workspace_id: uuid.UUID,
    name: str,
    wanted: Sequence[str],
    expires_at: datetime | None = None,
) -> str:
    """Give out a key and announce it. The key is returned this once and kept nowhere. Raises UnknownScope."""
    allowed = scopes.validated(wanted)
    key = keys.new_key()
    row = ApiKey(
        id=wire.new_id(),
        workspace_id=workspace_id,
        name=name,
        prefix=key[:SHOWN_OF_PREFIX],
        last4=key[-4:],
        hash=keys.hash_of(key),
        scopes=list(allowed),
        expires_at=expires_at,
    )
    session.add(row)
    session.flush()
    created = KeyCreated(wire.new_id(), workspace_id, row.id, name, allowed, clock.now())
    outbox.post(session, OUTBOX, [outbox.event(created)])
    return key


def note_use(session: Session, key_id: uuid.UUID) -> None:
    """Remember that the key is in use."""
    stale = or_(ApiKey.last_used_at.is_(None), ApiKey.last_used_at < func.now() - USE_NOTED_EVERY)
    session.execute(update(ApiKey).where(ApiKey.id == key_id, stale).values(last_used_at=func.now()))
