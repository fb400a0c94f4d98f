"""The notifications database: channels, and every delivery to them with its attempts."""

from __future__ import annotations

import uuid
from datetime import datetime

from sqlalchemy import CheckConstraint, DateTime, ForeignKey, Index, Table, Text, UniqueConstraint, func, text
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from tasks.copies import KEPT, SentMixin
from tasks.outbox import OutboxMixin, addressed


class Base(DeclarativeBase):
    """Everything in the notifications database. Text is `text`, times are `timestamptz`."""

    type_annotation_map = {str: Text, datetime: DateTime(timezone=True)}  # noqa: RUF012  # SQLAlchemy's own hook


class Outbox(OutboxMixin, Base):
    """What notifications has decided to say."""

    __table_args__ = (addressed(),)


class Sent(SentMixin, Base):
    """What notifications has said lately."""


class Channel(Base):
    """Where people of a workspace are told. A deleted one stays for its deliveries' sake, without its secret."""

    __tablename__ = "channels"
    __table_args__ = (
        CheckConstraint("kind IN ('webhook', 'email')", name="kind_known"),
        CheckConstraint("(secret IS NOT NULL) = (kind = 'webhook' AND deleted_at IS NULL)", name="webhooks_sign"),
        CheckConstraint("name <> '' AND target <> ''", name="target_named"),
        CheckConstraint("failures >= 0", name="failures_counted"),
        CheckConstraint("deleted_at >= created_at", name="deleted_after_start"),
        Index("channels_by_workspace", "workspace_id", "id", postgresql_where=text("deleted_at IS NULL")),
    )

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    workspace_id: Mapped[uuid.UUID]
    kind: Mapped[str]
    name: Mapped[str]
    target: Mapped[str]
    # Sealed by `vault.Vault`.
    secret: Mapped[bytes | None]
    # Failed attempts in a row, of all its deliveries.
    failures: Mapped[int] = mapped_column(server_default="0")
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    deleted_at: Mapped[datetime | None]


class Delivery(Base):
    """One message to one channel. What it says is a copy, so that it is told as it was."""

    __tablename__ = "deliveries"
    __table_args__ = (
        UniqueConstraint("event_id", "channel_id", name="each_channel_once", postgresql_nulls_not_distinct=True),
        CheckConstraint("state IN ('pending', 'sending', 'succeeded', 'failed')", name="state_known"),
        CheckConstraint("(finished_at IS NOT NULL) = (state IN ('succeeded', 'failed'))", name="finished_ends"),
        # And for good: see the trigger in the migration.
        CheckConstraint("finished_at >= created_at", name="finished_after_start"),
        CheckConstraint("attempts >= 0", name="attempts_counted"),
        CheckConstraint("attempts > 0 OR state IN ('pending', 'failed')", name="begun_by_attempt"),
        CheckConstraint("error <> '' OR state <> 'failed'", name="failure_explained"),
        CheckConstraint("error = '' OR state <> 'succeeded'", name="success_without_error"),
        Index("deliveries_unfinished", "leased_until", postgresql_where=text("finished_at IS NULL")),
        Index("deliveries_sending", "channel_id", postgresql_where=text("state = 'sending'")),
        Index("deliveries_by_workspace", "workspace_id", "id"),
        Index("deliveries_by_channel", "channel_id", "id"),
        Index("deliveries_by_link", "link_id", "id", postgresql_where=text("link_id IS NOT NULL")),
    )

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    workspace_id: Mapped[uuid.UUID]
    # What caused it: the event's id, or the part of the notification job.
    event_id: Mapped[uuid.UUID]
    # No foreign key: one may ask for a channel that does not exist, and is told so by a failed delivery.
    channel_id: Mapped[uuid.UUID | None]
    channel_kind: Mapped[str]
    subject: Mapped[str]
    title: Mapped[str]
    body: Mapped[str]
    # The exact text that webhooks are sent and that is signed.
    payload: Mapped[str]
    link_id: Mapped[uuid.UUID | None]
    state: Mapped[str]
    # Attempts begun.
    attempts: Mapped[int] = mapped_column(server_default="0")
    error: Mapped[str] = mapped_column(server_default="")
    next_attempt_at: Mapped[datetime] = mapped_column(server_default=func.now())
    # Until then somebody has it in hand, or nothing is to be done; the tick looks at it only afterwards.
    leased_until: Mapped[datetime]
    traceparent: Mapped[str]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    finished_at: Mapped[datetime | None]


class Attempt(Base):
    """One attempt that came to an end, and what was answered."""

    __tablename__ = "attempts"
    __table_args__ = (CheckConstraint("number >= 1 AND latency_ms >= 0", name="number_counted"),)

    delivery_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("deliveries.id", ondelete="CASCADE"), primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True)
    at: Mapped[datetime]
    ok: Mapped[bool]
    status: Mapped[int | None]
    latency_ms: Mapped[float]
    answer: Mapped[str]


class Heard(Base):
    """The inbox: what was told already. A channel that was made later does not hear of it when it is told again."""

    __tablename__ = "heard"
    __table_args__ = (Index("heard_by_age", "heard_at"),)

    event_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    heard_at: Mapped[datetime] = mapped_column(server_default=func.now())


DELIVERIES: Table = Delivery.__table__  # type: ignore[assignment]
OUTBOX: Table = Outbox.__table__  # type: ignore[assignment]  # declared as a FromClause, always a Table
# What is due is handed out again.
OUTBOX.info[KEPT] = "name <> 'Deliver'"
