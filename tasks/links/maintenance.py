"""When windows were open, on record, so that editing or deleting one does not change what was."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import delete, func, select, tuple_, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from tasks.database import Sessions
from tasks.links.models import Maintained, RolledUp, Window
from tasks.links.windows import LONGEST, times_of

NAME = "maintained"
EVERY = timedelta(minutes=1)
# Longer than anything that is reckoned with them is kept by default.
KEPT = timedelta(days=800)


def note(sessions: Sessions, now: datetime) -> None:
    """Once a minute: what opened since the last time, and what is not open any more before its time."""
    with sessions.begin() as session:
        session.execute(insert(RolledUp).values(name=NAME, until=now - EVERY).on_conflict_do_nothing())
        mark = select(RolledUp).where(RolledUp.name == NAME).with_for_update(skip_locked=True)
        rolled = session.scalar(mark)
        if rolled is None or rolled.until + EVERY > now:
            return
        _note(session, rolled.until, now)
        rolled.until = now


def _note(session: Session, since: datetime, now: datetime) -> None:
    windows = session.scalars(select(Window).where(Window.starts_at <= now)).all()
    opened = [
        {
            "window_id": window.id,
            "started_at": start,
            "ended_at": start + timedelta(seconds=window.duration_s),
            "workspace_id": window.workspace_id,
            "host": window.host,
            "tag": window.tag,
        }
        for window in windows
        for start in times_of(window).starts(since, now)
    ]
    if opened:
        noted = insert(Maintained)
        changed = {"ended_at": noted.excluded.ended_at}
        session.execute(noted.on_conflict_do_update(index_elements=["window_id", "started_at"], set_=changed), opened)
    still = [(each["window_id"], each["started_at"]) for each in opened]
    ahead = update(Maintained).where(Maintained.ended_at > now, Maintained.started_at > now - LONGEST)
    if still:
        ahead = ahead.where(tuple_(Maintained.window_id, Maintained.started_at).not_in(still))
    session.execute(ahead.values(ended_at=func.greatest(now, Maintained.started_at)))
    session.execute(delete(Maintained).where(Maintained.ended_at < now - KEPT))
