"""What audit can be asked, and what it announces."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from tasks.wire import Event, Message


@dataclass(frozen=True)
class AuditEvent:
    """Who did what to which thing, when, from where, and how it ended.

    `event_id` is the natural key. `outcome` is success, denied or failure.
    """

    event_id: uuid.UUID
    workspace_id: uuid.UUID | None
    occurred_at: datetime
    service: str
    actor: str
    action: str
    outcome: str = "success"
    reason: str = ""
    resource_kind: str = ""
    resource_id: str = ""
    resource_name: str = ""
    ip: str = ""
    user_agent: str = ""
    request_id: str = ""
    trace_id: str = ""
    details: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class RecordEvents(Message):
    """Remember these events. An audit-logging job holds `part_id`; what a service tells of itself does not."""

    events: tuple[AuditEvent, ...]
    part_id: uuid.UUID | None = None


@dataclass(frozen=True)
class EventsRecorded(Event):
    """The events of an audit-logging job are on record."""

    event_id: uuid.UUID
    part_id: uuid.UUID
