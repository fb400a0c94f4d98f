"""Incidents as people see them, and that somebody has seen them."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, select, update
from sqlalchemy.orm import Session

from tasks import clock, outbox, wire
from tasks.links.callers import Caller
from tasks.links.messages import IncidentAcknowledged
from tasks.links.models import INCIDENTS, LINKS, MOMENTS, OUTBOX, Incident, IncidentMoment
from tasks.links.record import Row
from tasks.links.state import Moment
from tasks.links.suggestion import Suggestion, suggest
from tasks.links.verdict import JUDGEMENTS, Reason
from tasks.rows import insert_rows

KINDS = tuple(Moment)


@dataclass(frozen=True)
class IncidentView:
    """An incident as people see it."""

    id: uuid.UUID
    link_id: uuid.UUID
    url: str
    host: str
    state: str
    reason: str
    status_code: int | None
    detail: str
    suggestion: Suggestion | None
    started_at: datetime
    opened_at: datetime
    acknowledged_at: datetime | None
    acknowledged_by: str | None
    resolved_at: datetime | None
    duration_s: float | None
    group: uuid.UUID | None


@dataclass(frozen=True)
class MomentView:
    """One line of a timeline."""

    at: datetime
    kind: str
    reason: str | None
    status_code: int | None
    detail: str
    actor: str | None


@dataclass(frozen=True)
class Story:
    """An incident with its timeline."""

    incident: IncidentView
    timeline: list[MomentView]


@dataclass(frozen=True)
class IncidentFilter:
    """Which incidents; nothing is any."""

    state: str = ""
    link_id: uuid.UUID | None = None
    host: str = ""
    group: uuid.UUID | None = None

    def clauses(self) -> list[ColumnElement[bool]]:
        """The filter as conditions on incidents joined with their links."""
        found: list[ColumnElement[bool]] = []
        if self.state:
            is_open = INCIDENTS.c.resolved_at.is_(None)
            found.append(is_open if self.state == "open" else ~is_open)
        if self.link_id:
            found.append(INCIDENTS.c.link_id == self.link_id)
        if self.host:
            found.append(LINKS.c.host == self.host)
        if self.group:
            found.append(INCIDENTS.c.group_id == self.group)
        return found


def list_incidents(
    session: Session, workspace_id: uuid.UUID, limit: int, after: str, wanted: IncidentFilter
) -> tuple[list[IncidentView], str]:
    """Incidents, the latest first, and where the next page starts."""
    query = _incidents(workspace_id).where(*wanted.clauses())
    if after:
        query = query.where(INCIDENTS.c.id < uuid.UUID(after))
    rows = session.execute(query.order_by(INCIDENTS.c.id.desc()).limit(limit + 1)).all()
    return [_view(row) for row in rows[:limit]], str(rows[limit - 1].id) if len(rows) > limit else ""


def get_story(session: Session, workspace_id: uuid.UUID, incident_id: uuid.UUID) -> Story | None:
    """The incident, if it is this workspace's."""
    row = session.execute(_incidents(workspace_id).where(INCIDENTS.c.id == incident_id)).first()
    if row is None:
        return None
    moments = session.scalars(select(IncidentMoment).where(IncidentMoment.incident_id == incident_id))
    # One check may be a confirmation and the one that opens the incident.
    timeline = sorted(moments, key=lambda each: (each.at, KINDS.index(each.kind), each.id))
    names = MomentView.__dataclass_fields__
    return Story(_view(row), [MomentView(**{name: getattr(each, name) for name in names}) for each in timeline])


def acknowledge(session: Session, workspace_id: uuid.UUID, incident_id: uuid.UUID, caller: Caller) -> Story | None:
    """Note who has seen an incident. The first one stays; None where there is no such incident."""
    now = clock.now()
    first = session.scalar(
        update(Incident)
        .where(Incident.id == incident_id, Incident.workspace_id == workspace_id, Incident.acknowledged_at.is_(None))
        .values(acknowledged_at=now, acknowledged_by=caller.actor)
        .returning(Incident.id)
    )
    if first:
        insert_rows(session, MOMENTS, [_acknowledged(incident_id, now, caller)])
    story = get_story(session, workspace_id, incident_id)
    if first and story:
        _announce(session, workspace_id, story.incident, now, caller)
    return story


def _acknowledged(incident_id: uuid.UUID, at: datetime, caller: Caller) -> Row:
    return {
        "id": wire.new_id(),
        "incident_id": incident_id,
        "at": at,
        "kind": Moment.ACKNOWLEDGED,
        "reason": None,
        "status_code": None,
        "detail": "",
        "actor": caller.actor,
    }


def _announce(session: Session, workspace_id: uuid.UUID, incident: IncidentView, at: datetime, caller: Caller) -> None:
    told = IncidentAcknowledged(
        event_id=wire.new_id(),
        workspace_id=workspace_id,
        incident_id=incident.id,
        link_id=incident.link_id,
        url=incident.url,
        occurred_at=at,
        actor=caller.actor,
        ip=caller.ip,
        user_agent=caller.user_agent,
    )
    outbox.post(session, OUTBOX, [outbox.event(told)])


def _incidents(workspace_id: uuid.UUID) -> Select[Any]:
    query = select(*INCIDENTS.c, LINKS.c.url, LINKS.c.host, LINKS.c.archived_url).join(
        LINKS, LINKS.c.id == INCIDENTS.c.link_id
    )
    return query.where(INCIDENTS.c.workspace_id == workspace_id)


def _permanence(reason: str) -> str | None:
    return JUDGEMENTS[Reason(reason)].permanence


def _view(row: Any) -> IncidentView:
    names = IncidentView.__dataclass_fields__.keys() - {"state", "duration_s", "group", "suggestion"}
    return IncidentView(
        **{name: getattr(row, name) for name in names},
        suggestion=None if row.resolved_at else suggest(row.reason, _permanence(row.reason), None, row.archived_url),
        state="resolved" if row.resolved_at else "open",
        duration_s=(row.resolved_at - row.started_at).total_seconds() if row.resolved_at else None,
        group=row.group_id,
    )
