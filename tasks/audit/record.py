"""Pure: what each event that audit hears becomes on record."""

from __future__ import annotations

import uuid
from functools import singledispatch
from typing import Any

from tasks.accounts.messages import KeyCreated
from tasks.audit.messages import AuditEvent
from tasks.links.messages import JobFinished, LinkBroke, LinkChange, LinkRecovered, LinksChanged
from tasks.notifications.messages import ChannelChanged, DeliveryFailed, DeliverySucceeded
from tasks.wire import Event

LINKS = "service:links"
NOTIFICATIONS = "service:notifications"


@singledispatch
def audit_events(message: Event, trace_id: str) -> list[AuditEvent]:
    """The audit events of `message`, heard in the trace `trace_id`."""
    raise TypeError(f"nothing is on record of a {type(message).__name__}")


@audit_events.register
def _(message: LinksChanged, trace_id: str) -> list[AuditEvent]:
    return [_link_changed(message, change, change.trace_id or trace_id) for change in message.changes]


@audit_events.register
def _(message: LinkBroke, trace_id: str) -> list[AuditEvent]:
    event = AuditEvent(
        event_id=message.event_id,
        workspace_id=message.workspace_id,
        occurred_at=message.broke_at,
        service="links",
        actor=LINKS,
        action="link.broke",
        reason=message.reason,
        resource_kind="link",
        resource_id=str(message.link_id),
        resource_name=message.url,
        trace_id=trace_id,
        details=_details(
            incident_id=message.incident_id,
            started_at=message.started_at.isoformat(),
            status_code=message.status_code,
            detail=message.detail,
            tags=message.tags,
        ),
    )
    return [event]


@audit_events.register
def _(message: LinkRecovered, trace_id: str) -> list[AuditEvent]:
    event = AuditEvent(
        event_id=message.event_id,
        workspace_id=message.workspace_id,
        occurred_at=message.recovered_at,
        service="links",
        actor=LINKS,
        action="link.recovered",
        reason=message.reason,
        resource_kind="link",
        resource_id=str(message.link_id),
        resource_name=message.url,
        trace_id=trace_id,
        details=_details(
            incident_id=message.incident_id,
            started_at=message.started_at.isoformat(),
            duration_s=message.duration_s,
            tags=message.tags,
        ),
    )
    return [event]


@audit_events.register
def _(message: JobFinished, trace_id: str) -> list[AuditEvent]:
    event = AuditEvent(
        event_id=message.event_id,
        workspace_id=message.workspace_id,
        occurred_at=message.finished_at,
        service="links",
        actor=LINKS,
        action="job.finished",
        resource_kind="job",
        resource_id=str(message.job_id),
        trace_id=trace_id,
        details=_details(total=message.total, verdicts=message.verdicts),
    )
    return [event]


@audit_events.register
def _(message: DeliverySucceeded, trace_id: str) -> list[AuditEvent]:
    return [_delivery(message, "delivery.succeeded", "success", "", trace_id)]


@audit_events.register
def _(message: DeliveryFailed, trace_id: str) -> list[AuditEvent]:
    return [_delivery(message, "delivery.failed", "failure", message.error, trace_id)]


@audit_events.register
def _(message: ChannelChanged, trace_id: str) -> list[AuditEvent]:
    event = AuditEvent(
        event_id=message.event_id,
        workspace_id=message.workspace_id,
        occurred_at=message.occurred_at,
        service="notifications",
        actor=message.actor,
        action=f"channel.{message.change}",
        resource_kind="channel",
        resource_id=str(message.channel_id),
        resource_name=message.channel_name,
        ip=message.ip,
        user_agent=message.user_agent,
        trace_id=trace_id,
        details=_details(channel_kind=message.channel_kind),
    )
    return [event]


@audit_events.register
def _(message: KeyCreated, trace_id: str) -> list[AuditEvent]:
    event = AuditEvent(
        event_id=message.event_id,
        workspace_id=message.workspace_id,
        occurred_at=message.occurred_at,
        service="accounts",
        actor=message.actor,
        action="key.created",
        resource_kind="key",
        resource_id=str(message.key_id),
        resource_name=message.key_name,
        trace_id=trace_id,
        details=_details(scopes=message.scopes),
    )
    return [event]


def _link_changed(message: LinksChanged, change: LinkChange, trace_id: str) -> AuditEvent:
    return AuditEvent(
        event_id=change.event_id,
        workspace_id=message.workspace_id,
        occurred_at=message.occurred_at,
        service="links",
        actor=LINKS,
        action="link.state_changed",
        reason=change.reason,
        resource_kind="link",
        resource_id=str(change.link_id),
        resource_name=change.url,
        trace_id=trace_id,
        details=_details(before=change.before, after=change.after, verdict=change.verdict, job_id=message.job_id),
    )


def _delivery(
    message: DeliverySucceeded | DeliveryFailed, action: str, outcome: str, reason: str, trace_id: str
) -> AuditEvent:
    return AuditEvent(
        event_id=message.event_id,
        workspace_id=message.workspace_id,
        occurred_at=message.occurred_at,
        service="notifications",
        actor=NOTIFICATIONS,
        action=action,
        outcome=outcome,
        reason=reason,
        resource_kind="delivery",
        resource_id=str(message.delivery_id),
        resource_name=message.title,
        trace_id=trace_id,
        details=_details(
            channel_id=message.channel_id,
            channel_kind=message.channel_kind,
            subject=message.subject,
            attempts=message.attempts,
            # By this a search for the link finds what people were told of it.
            link_id=message.link_id,
        ),
    )


def _details(**values: Any) -> dict[str, Any]:
    """What is known, with ids as text."""
    known = {name: value for name, value in values.items() if value not in (None, "", ())}
    return {name: str(value) if isinstance(value, uuid.UUID) else value for name, value in known.items()}
