"""Rows that are over for long are forgotten, a few at each tick, by their ids, which are sorted by time."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, Table, delete, select
from sqlalchemy.orm import Session

from tasks import wire

# So many go in the time of a short transaction, and more of them in a day than are made.
AT_ONCE = 1000


def forget(session: Session, table: Table, over: ColumnElement[bool], days: int, now: datetime) -> None:
    """Forget some of the rows that are `over` and were made more than `days` ago; 0 keeps them for ever."""
    if not days:
        return
    oldest = wire.first_id(now - timedelta(days=days))
    gone = select(table.c.id).where(table.c.id < oldest, over).order_by(table.c.id).limit(AT_ONCE)
    session.execute(delete(table).where(table.c.id.in_(gone.with_for_update(skip_locked=True))))
