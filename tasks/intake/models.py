"""The intake database: what was accepted, what of it is not finished, and what is still to be sent."""

from __future__ import annotations

import uuid
from datetime import datetime

from sqlalchemy import (
    CheckConstraint,
    DateTime,
    ForeignKey,
    Index,
    LargeBinary,
    Table,
    Text,
    Uuid,
    case,
    cast,
    func,
    select,
)
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from tasks.copies import KEPT, SentMixin
from tasks.outbox import BODY, OutboxMixin, addressed


class Base(DeclarativeBase):
    """Everything in the intake database."""


class Outbox(OutboxMixin, Base):
    """What is accepted and not yet handed to the broker. A row without a body sends the part of its id."""

    __table_args__ = (addressed(may_refer=True),)


class Sent(SentMixin, Base):
    """What intake has said lately."""


class Submission(Base):
    """One accepted request; its id is the job's id."""

    __tablename__ = "submissions"
    # That it is finished only once no part is left, and for good, is a trigger (see the migration).
    __table_args__ = (
        CheckConstraint("kind IN ('links', 'notification', 'audit')", name="kind_known"),
        CheckConstraint("total >= 0", name="total_counted"),
        CheckConstraint("finished_at >= created_at", name="finished_after_start"),
        CheckConstraint("cancelled_at >= created_at", name="cancelled_after_start"),
        CheckConstraint("cancelled_at IS NULL OR kind = 'links'", name="only_links_cancelled"),
    )

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    workspace_id: Mapped[uuid.UUID]
    kind: Mapped[str] = mapped_column(Text)
    total: Mapped[int]
    actor: Mapped[str] = mapped_column(Text)
    traceparent: Mapped[str] = mapped_column(Text)
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=func.now())
    finished_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    cancelled_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))


class Part(Base):
    """Work that is accepted and not finished. Finishing it deletes the row; the sweeper sends it again until then."""

    __tablename__ = "parts"
    __table_args__ = (
        CheckConstraint("attempts >= 1", name="attempts_counted"),
        CheckConstraint("name <> '' AND queue <> '' AND body <> ''", name="addressed"),
        CheckConstraint("octet_length(link_marks) % 4 = 0", name="marks_whole"),
        Index("parts_by_lease", "leased_until"),
        Index("parts_by_submission", "submission_id"),
        Index("parts_by_workspace", "workspace_id"),
    )

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    submission_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("submissions.id", ondelete="CASCADE"))
    workspace_id: Mapped[uuid.UUID]
    name: Mapped[str] = mapped_column(Text)
    queue: Mapped[str] = mapped_column(Text)
    body: Mapped[str] = mapped_column(Text)
    # So that a link is readable from the moment it was accepted: the beginnings of its links' ids, one after the other.
    link_marks: Mapped[bytes] = mapped_column(LargeBinary, server_default="")
    # What versions before wrote instead.
    link_ids: Mapped[list[uuid.UUID]] = mapped_column(ARRAY(Uuid), server_default="{}")
    attempts: Mapped[int] = mapped_column(server_default="1")
    leased_until: Mapped[datetime] = mapped_column(DateTime(timezone=True))


class PartFinished(Base):
    """Work that a service has done, kept for a while: restored from a backup, the service may not know of it."""

    __tablename__ = "parts_finished"
    __table_args__ = (Index("parts_finished_by_time", "finished_at"),)

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    submission_id: Mapped[uuid.UUID]
    workspace_id: Mapped[uuid.UUID]
    name: Mapped[str] = mapped_column(Text)
    queue: Mapped[str] = mapped_column(Text)
    body: Mapped[str] = mapped_column(Text)
    link_marks: Mapped[bytes] = mapped_column(LargeBinary)
    finished_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=func.now())


class IdempotencyKey(Base):
    """What was answered to a key, so that asking again is not doing again."""

    __tablename__ = "idempotency_keys"
    __table_args__ = (
        CheckConstraint("scope ~ '^[0-9a-f]{64}$'", name="scope_is_sha256"),
        CheckConstraint("fingerprint <> '' AND answer <> ''", name="answer_kept"),
        Index("idempotency_keys_by_age", "created_at"),
    )

    # Workspace, caller, route and the client's key, hashed together.
    scope: Mapped[str] = mapped_column(Text, primary_key=True)
    fingerprint: Mapped[str] = mapped_column(Text)
    answer: Mapped[str] = mapped_column(Text)
    location: Mapped[str] = mapped_column(Text)
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=func.now())


OUTBOX: Table = Outbox.__table__  # type: ignore[assignment]  # declared as a FromClause, always a Table
PARTS: Table = Part.__table__  # type: ignore[assignment]
SUBMISSION: Table = Submission.__table__  # type: ignore[assignment]
IDEMPOTENCY_KEYS: Table = IdempotencyKey.__table__  # type: ignore[assignment]

_WITH_TOTAL = func.left(Part.body, -1).concat(',"job_total":').concat(cast(Submission.total, Text)).concat("}")
_PART_BODY = (
    select(case((Submission.kind == "links", _WITH_TOTAL), else_=Part.body))
    .join(Submission, Submission.id == Part.submission_id)
    .where(Part.id == OUTBOX.c.id)
    .scalar_subquery()
)
# Null where the part is done or cancelled: there is nothing to send any more.
OUTBOX.info[BODY] = case((OUTBOX.c.body == "", _PART_BODY), else_=OUTBOX.c.body)
# Parts are swept.
OUTBOX.info[KEPT] = "body <> ''"
