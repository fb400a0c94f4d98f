"""Copies of what was sent, kept for a while: a broker that loses its disk has lost what nobody had received yet.

The relay keeps a copy of each batch that the broker has confirmed, in the transaction that deletes the rows, and puts
all copies back into the outbox when it meets a broker that does not remember it. What its sender sends again by itself,
until its effect is known, needs none: a table says in its `info` which rows are `KEPT`.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import JSON, DateTime, Index, Table, func, select, text
from sqlalchemy.orm import Mapped, Session, declared_attr, mapped_column

from tasks import wire
from tasks.outbox import Letter

# SQL, over the columns of an outbox.
KEPT = "kept"


class SentMixin:
    """The columns of a service's `sent` table: a batch of its outbox's rows, as JSON, each."""

    __tablename__ = "sent"

    @declared_attr.directive
    @classmethod
    def __table_args__(cls) -> tuple[Index]:
        """An index of each table's own."""
        return (Index("sent_by_age", "sent_at"),)

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    sent_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=func.now())
    # When the relay had connected to the broker that confirmed them.
    connected_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    # Nothing: at this time all that had been sent was put back.
    letters: Mapped[list[dict[str, object]] | None] = mapped_column(JSON(none_as_null=True))


def settle(
    session: Session, table: Table, letters: Sequence[Letter], connected_at: datetime | None, held: bool = True
) -> None:
    """Delete what the broker has confirmed, and keep copies where it is said since when it was connected.

    Rows that are not held any more may be another relay's by now; those are left to it.
    """
    mine = ":ids" if held else "ARRAY(SELECT id FROM outbox WHERE id = ANY(:ids) FOR UPDATE SKIP LOCKED)"
    delete = f"DELETE FROM outbox WHERE id = ANY({mine})"  # noqa: S608  # both are literals
    values: dict[str, object] = {"ids": [letter.id for letter in letters]}
    if connected_at is None:
        session.execute(text(delete), values)
        return
    statement = f"""
        WITH gone AS ({delete} RETURNING *)
        INSERT INTO sent (id, connected_at, letters)
        SELECT :id, :connected_at, json_agg(gone ORDER BY id) FROM gone WHERE {table.info.get(KEPT, "true")}
        HAVING count(*) > 0
    """  # noqa: S608  # of our own models
    session.execute(text(statement), values | {"id": wire.new_id(), "connected_at": connected_at})


def put_back(session: Session, is_new: bool) -> int:
    """Have sent again what a broker forgot, in the order in which it was said; returns how many batches that is.

    All there is where the broker `is_new`; otherwise what was settled since by relays that had not yet noticed.
    """
    # What is undone here must not be undone by a crash: the broker is told right after.
    session.execute(text("SET LOCAL synchronous_commit = on"))
    if is_new:
        session.execute(_NOTE, {"id": wire.new_id()})
    return int(session.scalar(_PUT_BACK) or 0)


def forget(session: Session, kept_s: float) -> None:
    """Drop copies older than this."""
    session.execute(text("DELETE FROM sent WHERE sent_at < now() - make_interval(secs => :kept_s)"), {"kept_s": kept_s})


def now(session: Session) -> datetime:
    """The database's clock, by which copies are told apart."""
    found: datetime = session.execute(select(func.clock_timestamp())).scalar_one()
    return found


_NOTE = text("INSERT INTO sent (id, connected_at) VALUES (:id, now())")
_PUT_BACK = text("""
    WITH lost AS (
        DELETE FROM sent
        WHERE letters IS NOT NULL AND connected_at <= (SELECT max(sent_at) FROM sent WHERE letters IS NULL)
        RETURNING letters
    ), again AS (
        INSERT INTO outbox
        SELECT each.* FROM lost CROSS JOIN json_populate_recordset(NULL::outbox, lost.letters) AS each
        ON CONFLICT DO NOTHING
    )
    SELECT count(*) FROM lost
""")
