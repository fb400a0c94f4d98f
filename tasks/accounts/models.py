"""The accounts database: workspaces, and the keys that act in them."""

from __future__ import annotations

import uuid
from datetime import datetime

from sqlalchemy import ARRAY, CheckConstraint, DateTime, ForeignKey, Index, Table, Text, func
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from tasks.copies import SentMixin
from tasks.outbox import OutboxMixin, addressed


class Base(DeclarativeBase):
    """Everything in the accounts database. Text is `text`, times are `timestamptz`."""

    type_annotation_map = {str: Text, datetime: DateTime(timezone=True)}  # noqa: RUF012  # SQLAlchemy's own hook


class Outbox(OutboxMixin, Base):
    """What accounts has decided to say."""

    __table_args__ = (addressed(),)


class Sent(SentMixin, Base):
    """What accounts has said lately."""


class Workspace(Base):
    """What everything else belongs to."""

    __tablename__ = "workspaces"
    __table_args__ = (CheckConstraint("name <> ''", name="workspace_named"),)

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(unique=True)
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())


class ApiKey(Base):
    """A key, known by its hash only; `prefix` and `last4` are what people recognise it by."""

    __tablename__ = "api_keys"
    __table_args__ = (
        CheckConstraint("hash ~ '^[0-9a-f]{64}$'", name="hash_is_sha256"),
        CheckConstraint("cardinality(scopes) > 0", name="some_scope"),
        CheckConstraint("prefix <> '' AND length(last4) = 4", name="key_shown"),
        Index("api_keys_by_workspace", "workspace_id", "id"),
    )

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    workspace_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("workspaces.id", ondelete="CASCADE"))
    name: Mapped[str]
    prefix: Mapped[str]
    last4: Mapped[str]
    hash: Mapped[str] = mapped_column(unique=True)
    scopes: Mapped[list[str]] = mapped_column(ARRAY(Text))
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    expires_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]
    # To the hour: a row that every request wrote would be a row that every request waits for.
    last_used_at: Mapped[datetime | None]


OUTBOX: Table = Outbox.__table__  # type: ignore[assignment]  # declared as a FromClause, always a Table
