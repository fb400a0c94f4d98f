"""Reads of accounts for outsiders: frozen values whose fields are those of contracts/accounts.proto."""

from __future__ import annotations

import uuid
from dataclasses import dataclass

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from tasks.accounts.models import ApiKey


@dataclass(frozen=True)
class Principal:
    """Who shows a key, and what the key allows."""

    workspace_id: uuid.UUID
    key_id: uuid.UUID
    name: str
    scopes: tuple[str, ...]


def authenticate(session: Session, key_hash: str) -> Principal | None:
    """Whose key this is, unless it is unknown, expired or revoked."""
    key = session.execute(
        select(ApiKey.id, ApiKey.workspace_id, ApiKey.name, ApiKey.scopes).where(
            ApiKey.hash == key_hash,
            ApiKey.revoked_at.is_(None),
            or_(ApiKey.expires_at.is_(None), ApiKey.expires_at > func.now()),
        )
    ).one_or_none()
    return Principal(key.workspace_id, key.id, key.name, tuple(key.scopes)) if key else None
