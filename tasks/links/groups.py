"""Groups of incidents as people see them, and that somebody has seen one."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, func, select, text, true, update
from sqlalchemy.orm import Session

from tasks import clock, outbox, wire
from tasks.links.callers import Caller
from tasks.links.messages import IncidentGroupAcknowledged
from tasks.links.models import GROUPS, INCIDENTS, OUTBOX, IncidentGroup
from tasks.links.state import Moment

# With a line in each timeline, as if each had been acknowledged by itself.
ACKNOWLEDGE = text(f"""
    WITH seen AS (
        UPDATE incidents SET acknowledged_at = :at, acknowledged_by = :actor
        WHERE group_id = :group AND resolved_at IS NULL AND acknowledged_at IS NULL RETURNING id),
    noted AS (
        INSERT INTO incident_moments (id, incident_id, at, kind, reason, status_code, detail, actor)
        SELECT gen_random_uuid(), id, :at, '{Moment.ACKNOWLEDGED}', NULL, NULL, '', :actor FROM seen RETURNING id)
    SELECT count(*) FROM noted
""")  # noqa: S608  # our own words


@dataclass(frozen=True)
class GroupView:
    """A group as people see it. `links` are all that were ever part of it, `open` those that are broken yet."""

    id: uuid.UUID
    host: str
    state: str
    reason: str
    links: int
    open: int
    started_at: datetime
    opened_at: datetime
    acknowledged_at: datetime | None
    acknowledged_by: str | None
    resolved_at: datetime | None
    duration_s: float | None


@dataclass(frozen=True)
class GroupFilter:
    """Which groups; nothing is any."""

    state: str = ""
    host: str = ""

    def clauses(self) -> list[ColumnElement[bool]]:
        """The filter as conditions on groups."""
        found: list[ColumnElement[bool]] = []
        if self.state:
            is_open = GROUPS.c.resolved_at.is_(None)
            found.append(is_open if self.state == "open" else ~is_open)
        if self.host:
            found.append(GROUPS.c.host == self.host)
        return found


def list_groups(
    session: Session, workspace_id: uuid.UUID, limit: int, after: str, wanted: GroupFilter
) -> tuple[list[GroupView], str]:
    """Groups, the latest first, and where the next page starts."""
    query = _groups(workspace_id).where(*wanted.clauses())
    if after:
        query = query.where(GROUPS.c.id < uuid.UUID(after))
    rows = session.execute(query.order_by(GROUPS.c.id.desc()).limit(limit + 1)).all()
    return [_view(row) for row in rows[:limit]], str(rows[limit - 1].id) if len(rows) > limit else ""


def get_group(session: Session, workspace_id: uuid.UUID, group_id: uuid.UUID) -> GroupView | None:
    """The group, if it is this workspace's."""
    row = session.execute(_groups(workspace_id).where(GROUPS.c.id == group_id)).first()
    return _view(row) if row else None


def acknowledge(session: Session, workspace_id: uuid.UUID, group_id: uuid.UUID, caller: Caller) -> GroupView | None:
    """Note who has seen a group, and with it all of its incidents that are open. The first one stays; doing it again
    only takes in the incidents that came since. None where there is no such group."""
    group = session.scalar(
        select(IncidentGroup)
        .where(IncidentGroup.id == group_id, IncidentGroup.workspace_id == workspace_id)
        .with_for_update()
    )
    if group is None:
        return None
    now = clock.now()
    seen = session.scalar(ACKNOWLEDGE, {"group": group_id, "at": now, "actor": caller.actor}) or 0
    if seen or group.acknowledged_at is None:
        _announce(session, group, seen, now, caller)
    session.execute(
        update(GROUPS)
        .where(GROUPS.c.id == group_id, GROUPS.c.acknowledged_at.is_(None))
        .values(acknowledged_at=now, acknowledged_by=caller.actor)
    )
    return get_group(session, workspace_id, group_id)


def _announce(session: Session, group: IncidentGroup, seen: int, at: datetime, caller: Caller) -> None:
    told = IncidentGroupAcknowledged(
        event_id=wire.new_id(),
        workspace_id=group.workspace_id,
        group_id=group.id,
        host=group.host,
        incidents=seen,
        occurred_at=at,
        actor=caller.actor,
        ip=caller.ip,
        user_agent=caller.user_agent,
    )
    outbox.post(session, OUTBOX, [outbox.event(told)])


def _groups(workspace_id: uuid.UUID) -> Select[Any]:
    counted = (
        select(
            func.count(INCIDENTS.c.link_id.distinct()).label("links"),
            func.count().filter(INCIDENTS.c.resolved_at.is_(None)).label("open"),
        )
        .where(INCIDENTS.c.group_id == GROUPS.c.id)
        .lateral("counted")
    )
    query = select(*GROUPS.c, counted.c.links, counted.c.open).join(counted, true())
    return query.where(GROUPS.c.workspace_id == workspace_id)


def _view(row: Any) -> GroupView:
    names = GroupView.__dataclass_fields__.keys() - {"state", "duration_s"}
    return GroupView(
        **{name: getattr(row, name) for name in names},
        state="resolved" if row.resolved_at else "open",
        duration_s=(row.resolved_at - row.started_at).total_seconds() if row.resolved_at else None,
    )
