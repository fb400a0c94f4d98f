"""The audit database: what happened, in the order in which it was recorded, and nothing of it ever changed."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, DateTime, Identity, Index, Table, Text, func, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from tasks.copies import SentMixin
from tasks.outbox import OutboxMixin, addressed


class Base(DeclarativeBase):
    """Everything in the audit database. Text is `text`, times are `timestamptz`."""

    type_annotation_map = {str: Text, datetime: DateTime(timezone=True)}  # noqa: RUF012  # SQLAlchemy's own hook


class Outbox(OutboxMixin, Base):
    """What audit has decided to say."""

    __table_args__ = (addressed(),)


class Sent(SentMixin, Base):
    """What audit has said lately."""


class Event(Base):
    """One event, for ever as it was: the database itself refuses to change or remove it (see the migration)."""

    __tablename__ = "events"
    __table_args__ = (
        CheckConstraint("outcome IN ('success', 'denied', 'failure')", name="outcome_known"),
        Index("events_by_workspace", "workspace_id", "seq"),
        Index("events_by_action", "workspace_id", "action", "seq"),
        Index("events_by_resource", "resource_id", postgresql_where=text("resource_id <> ''")),
        Index("events_by_link", text("(details->>'link_id')"), postgresql_where=text("details ? 'link_id'")),
        Index(
            "events_by_links",
            text("(details->'link_ids')"),
            postgresql_using="gin",
            postgresql_where=text("details ? 'link_ids'"),
        ),
        Index("events_by_trace", "trace_id", postgresql_where=text("trace_id <> ''")),
        Index("events_by_time", "occurred_at", postgresql_using="brin"),
    )

    seq: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    event_id: Mapped[uuid.UUID] = mapped_column(unique=True)
    workspace_id: Mapped[uuid.UUID | None]
    occurred_at: Mapped[datetime]
    recorded_at: Mapped[datetime] = mapped_column(server_default=func.now())
    service: Mapped[str]
    actor: Mapped[str]
    action: Mapped[str]
    outcome: Mapped[str]
    reason: Mapped[str]
    resource_kind: Mapped[str]
    resource_id: Mapped[str]
    resource_name: Mapped[str]
    ip: Mapped[str]
    user_agent: Mapped[str]
    request_id: Mapped[str]
    trace_id: Mapped[str]
    details: Mapped[dict[str, Any]] = mapped_column(JSONB)


EVENTS: Table = Event.__table__  # type: ignore[assignment]  # declared as a FromClause, always a Table
OUTBOX: Table = Outbox.__table__  # type: ignore[assignment]
