"""Maintenance windows come, change and go: each change is checked, written and announced in one transaction."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from tasks import clock, outbox, wire
from tasks.links import windows
from tasks.links.callers import Caller, Stale
from tasks.links.messages import WindowChanged
from tasks.links.models import OUTBOX, Window
from tasks.links.windows import InvalidWindow, Times

# Each part of a workspace's links looks at all of them.
MOST_WINDOWS = 100


@dataclass(frozen=True)
class Wanted:
    """A window as it is asked for."""

    name: str
    host: str | None
    tag: str | None
    starts_at: datetime
    duration_s: int
    rrule: str
    timezone: str


@dataclass(frozen=True)
class WindowView:
    """A window as people see it."""

    id: uuid.UUID
    name: str
    host: str | None
    tag: str | None
    starts_at: datetime
    duration_s: int
    rrule: str
    timezone: str
    version: int
    open: bool
    created_at: datetime


def create(session: Session, workspace_id: uuid.UUID, wanted: Wanted, caller: Caller) -> WindowView:
    """Make a window. Raises `InvalidWindow`."""
    _check(wanted)
    count = session.scalar(select(func.count()).select_from(Window).where(Window.workspace_id == workspace_id)) or 0
    if count >= MOST_WINDOWS:
        raise InvalidWindow(f"a workspace has at most {MOST_WINDOWS} windows; delete one that is over")
    window = Window(id=wire.new_id(), workspace_id=workspace_id, **asdict(wanted))
    session.add(window)
    session.flush()
    _announce(session, window, "created", caller)
    return _view(window)


def replace(
    session: Session,
    workspace_id: uuid.UUID,
    window_id: uuid.UUID,
    versions: Sequence[int],
    wanted: Wanted,
    caller: Caller,
) -> WindowView | None:
    """Make a window what is wanted, if it is of one of `versions` (none: whatever it is). None where there is none."""
    _check(wanted)
    if find(session, workspace_id, window_id) is None:
        return None
    of_version = (Window.version.in_(versions),) if versions else ()
    written = session.execute(
        update(Window)
        .where(Window.id == window_id, *of_version)
        .values(**asdict(wanted), version=Window.version + 1)
        .returning(Window)
    ).scalar_one_or_none()
    if written is None:
        raise Stale
    _announce(session, written, "edited", caller)
    return _view(written)


def remove(session: Session, workspace_id: uuid.UUID, window_id: uuid.UUID, caller: Caller) -> bool:
    """Forget a window. False where there is none."""
    window = find(session, workspace_id, window_id)
    if window is None:
        return False
    session.delete(window)
    _announce(session, window, "deleted", caller)
    return True


def get(session: Session, workspace_id: uuid.UUID, window_id: uuid.UUID) -> WindowView | None:
    """The window, if it is this workspace's."""
    window = find(session, workspace_id, window_id)
    return _view(window) if window else None


def find(session: Session, workspace_id: uuid.UUID, window_id: uuid.UUID) -> Window | None:
    """The window's row, if it is this workspace's."""
    return session.scalar(select(Window).where(Window.id == window_id, Window.workspace_id == workspace_id))


def list_windows(session: Session, workspace_id: uuid.UUID, limit: int, after: str) -> tuple[list[WindowView], str]:
    """Windows, the newest first, and where the next page starts."""
    query = select(Window).where(Window.workspace_id == workspace_id)
    if after:
        query = query.where(Window.id < uuid.UUID(after))
    found = session.scalars(query.order_by(Window.id.desc()).limit(limit + 1)).all()
    return [_view(each) for each in found[:limit]], str(found[limit - 1].id) if len(found) > limit else ""


def _check(wanted: Wanted) -> None:
    windows.check(Times(wanted.starts_at, wanted.duration_s, wanted.rrule, wanted.timezone))


def _view(window: Window) -> WindowView:
    names = WindowView.__dataclass_fields__.keys() - {"open"}
    values = {name: getattr(window, name) for name in names}
    return WindowView(**values, open=windows.times_of(window).is_open(clock.now()))


def _announce(session: Session, window: Window, change: str, caller: Caller) -> None:
    told = WindowChanged(
        event_id=wire.new_id(),
        workspace_id=window.workspace_id,
        window_id=window.id,
        window_name=window.name,
        change=change,
        occurred_at=clock.now(),
        actor=caller.actor,
        ip=caller.ip,
        user_agent=caller.user_agent,
    )
    outbox.post(session, OUTBOX, [outbox.event(told)])
