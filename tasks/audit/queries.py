"""Reads of the record for outsiders: frozen values whose fields are those of contracts/audit.proto."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, or_, select, text
from sqlalchemy.orm import Session

from tasks.audit.models import Event


@dataclass(frozen=True)
class EventView:
    """An event as people see it."""

    id: uuid.UUID
    occurred_at: datetime
    recorded_at: datetime
    service: str
    actor: str
    action: str
    outcome: str
    reason: str
    resource_kind: str
    resource_id: str
    resource_name: str
    ip: str
    user_agent: str
    request_id: str
    trace_id: str
    details: dict[str, Any]


@dataclass(frozen=True)
class EventFilter:
    """Which events; an empty value is any. `since` is included, `until` is not.

    `resource` finds what was done to a thing and, of a link, what was submitted and told of it. `q` is a part of the
    resource's name, the reason or the action, in any case.
    """

    actor: str = ""
    action: str = ""
    resource: str = ""
    outcome: str = ""
    since: datetime | None = None
    until: datetime | None = None
    q: str = ""
    trace_id: str = ""

    def clauses(self) -> list[ColumnElement[bool]]:
        """The filter as conditions on the events table."""
        exact = {
            Event.actor: self.actor,
            Event.action: self.action,
            Event.outcome: self.outcome,
            Event.trace_id: self.trace_id,
        }
        found: list[ColumnElement[bool]] = [column == value for column, value in exact.items() if value]
        if self.resource:
            found.append(_about(self.resource))
        if self.since:
            found.append(Event.occurred_at >= self.since)
        if self.until:
            found.append(Event.occurred_at < self.until)
        if self.q:
            found.append(_mentions(self.q))
        return found


def search(
    session: Session, workspace_id: uuid.UUID | None, limit: int, after: str, wanted: EventFilter
) -> tuple[list[EventView], str]:
    """Events of a workspace (or of none: what was refused before anybody knew whose it was), newest first."""
    query = select(Event).where(Event.workspace_id == workspace_id, *wanted.clauses())
    if after:
        query = query.where(Event.seq < int(after))
    events = session.scalars(query.order_by(Event.seq.desc()).limit(limit + 1)).all()
    following = str(events[limit - 1].seq) if len(events) > limit else ""
    return [_view(event) for event in events[:limit]], following


def _about(resource: str) -> ColumnElement[bool]:
    # Written as the partial indexes are, so that they serve it.
    by_id = text("(resource_id <> '' AND resource_id = :resource)").bindparams(resource=resource)
    by_link = text("(details ? 'link_id' AND details->>'link_id' = :link)").bindparams(link=resource)
    by_links = text("(details ? 'link_ids' AND details->'link_ids' ? :among)").bindparams(among=resource)
    return or_(by_id, by_link, by_links)


def _mentions(q: str) -> ColumnElement[bool]:
    return or_(*(column.icontains(q, autoescape=True) for column in (Event.resource_name, Event.reason, Event.action)))


def _view(event: Event) -> EventView:
    values = {name: getattr(event, name) for name in EventView.__dataclass_fields__ if name != "id"}
    return EventView(id=event.event_id, **values)
