"""The outbox: what a service has decided to say, written in the transaction that decided it.

The relay sends the rows and deletes each when the broker has confirmed it, so that nothing is said that was not
committed, and nothing committed goes unsaid.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import CheckConstraint, DateTime, Table, Text, func, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from config import telemetry
from config.broker import EVENTS, JOBS
from tasks import clock, wire
from tasks.rows import insert_rows, notify

CHANNEL = "outbox"
# Before all ids.
FIRST = uuid.UUID(int=0)
# A table's `info` may hold an expression under this name: what a letter says, where its row only refers to it.
BODY = "body"


class OutboxMixin:
    """The columns of a service's `outbox` table."""

    __tablename__ = "outbox"

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(Text)
    exchange: Mapped[str] = mapped_column(Text)
    routing_key: Mapped[str] = mapped_column(Text)
    body: Mapped[str] = mapped_column(Text)
    traceparent: Mapped[str] = mapped_column(Text, default="")
    request_id: Mapped[str] = mapped_column(Text, default="")
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=func.now())


def addressed(may_refer: bool = False) -> CheckConstraint:
    """Whoever sends a row must know where to; what it says may stand elsewhere, if it `may_refer` to that."""
    said = "" if may_refer else " AND body <> ''"
    return CheckConstraint(f"name <> '' AND exchange <> '' AND routing_key <> ''{said}", name="addressed")


@dataclass(frozen=True)
class Letter:
    """One row of the outbox, ready to be sent; without a body it has become needless."""

    id: uuid.UUID
    name: str
    exchange: str
    routing_key: str
    body: str | None
    traceparent: str
    request_id: str


@dataclass(frozen=True)
class Draft:
    """A letter before it is written: what is said (already JSON), and to whom."""

    name: str
    exchange: str
    routing_key: str
    body: str
    # Empty: the running trace.
    traceparent: str = ""


def event(message: wire.Event, traceparent: str = "") -> Draft:
    """Something to tell whoever listens."""
    return Draft(message.name(), EVENTS.name, message.name(), wire.encode(message), traceparent)


def job(queue: str, message: wire.Message, traceparent: str = "") -> Draft:
    """Something to ask of the service that owns `queue`."""
    return Draft(message.name(), JOBS.name, queue, wire.encode(message), traceparent)


def post(session: Session, table: Table, drafts: Sequence[Draft]) -> None:
    """Say all this, once this transaction commits."""
    if not drafts:
        return
    carrier, now = telemetry.carrier(), clock.now()
    rows = [
        {
            "id": wire.new_id(),
            "name": draft.name,
            "exchange": draft.exchange,
            "routing_key": draft.routing_key,
            "body": draft.body,
            "traceparent": draft.traceparent or carrier.get("traceparent", ""),
            "request_id": carrier.get("request_id", ""),
            "created_at": now,
        }
        for draft in drafts
    ]
    insert_rows(session, table, rows)
    notify(session, CHANNEL)


def claim(session: Session, table: Table, limit: int, after: uuid.UUID = FIRST) -> list[Letter]:
    """The oldest unsent rows, locked until this transaction ends; rows another relay holds are passed over."""
    columns = [table.info.get(name, table.c[name]) for name in Letter.__dataclass_fields__]
    oldest = select(*columns).where(table.c.id > after).order_by(table.c.id).limit(limit)
    rows = session.execute(oldest.with_for_update(skip_locked=True, of=table))
    return [Letter(*row) for row in rows]


def depth(session: Session, table: Table) -> tuple[int, float]:
    """How many rows wait, and the age of the oldest in seconds."""
    age = func.coalesce(func.extract("epoch", func.now() - func.min(table.c.created_at)), 0)
    count, seconds = session.execute(select(func.count(), age).select_from(table)).one()
    return int(count), float(seconds)
