"""Pure: what each event that audit hears becomes on record."""

from __future__ import annotations

import uuid
from datetime import datetime
from functools import singledispatch
from typing import Any

from tasks.accounts.messages import KeyCreated
from tasks.audit.messages import AuditEvent
from tasks.links.messages import (
    BadgeChanged,
    ChecksFrozen,
    Edit,
    HostBroke,
    HostRecovered,
    IncidentAcknowledged,
    IncidentGroupAcknowledged,
    JobFinished,
    LinkBroke,
    LinkChange,
    LinkFlapping,
    LinkRecovered,
    LinksBorn,
    LinksChanged,
    LinksEdited,
    LinksRemoved,
    LinkUnverifiable,
    PolicyChanged,
    WindowChanged,
)
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
    together = [_links_born(message, born, trace_id) for born in message.born]
    return together + [_link_changed(message, change, change.trace_id or trace_id) for change in message.changes]


@audit_events.register
def _(message: LinkBroke, trace_id: str) -> list[AuditEvent]:
    event = _found(
        message,
        message.broke_at,
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
            group_id=message.group_id,
        ),
    )
    return [event]


@audit_events.register
def _(message: LinkRecovered, trace_id: str) -> list[AuditEvent]:
    event = _found(
        message,
        message.recovered_at,
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
            group_id=message.group_id,
        ),
    )
    return [event]


@audit_events.register
def _(message: HostBroke, trace_id: str) -> list[AuditEvent]:
    details = _details(
        started_at=message.started_at.isoformat(),
        links=message.links,
        reasons=message.reasons,
        told_before=message.told_before,
    )
    return [_host(message, message.at, "host.broke", trace_id, details)]


@audit_events.register
def _(message: HostRecovered, trace_id: str) -> list[AuditEvent]:
    details = _details(started_at=message.started_at.isoformat(), links=message.links, duration_s=message.duration_s)
    return [_host(message, message.recovered_at, "host.recovered", trace_id, details)]


@audit_events.register
def _(message: LinkFlapping, trace_id: str) -> list[AuditEvent]:
    return [_link_strange(message, "link.flapping", trace_id, _details(changes=message.changes, tags=message.tags))]


@audit_events.register
def _(message: LinkUnverifiable, trace_id: str) -> list[AuditEvent]:
    details = _details(since=message.since.isoformat(), tags=message.tags)
    return [_link_strange(message, "link.unverifiable", trace_id, details)]


@audit_events.register
def _(message: ChecksFrozen, trace_id: str) -> list[AuditEvent]:
    event = _found(
        message,
        message.at,
        action="checks.frozen",
        reason="too many links failed at once",
        resource_kind="workspace",
        resource_id=str(message.workspace_id),
        trace_id=trace_id,
        details=_details(failed=message.failed, checked=message.checked, hosts=message.hosts),
    )
    return [event]


@audit_events.register
def _(message: LinksEdited, trace_id: str) -> list[AuditEvent]:
    return [_link_edited(message, edit, "link.edited", trace_id) for edit in message.edits]


@audit_events.register
def _(message: LinksRemoved, trace_id: str) -> list[AuditEvent]:
    return [_link_edited(message, edit, "link.deleted", trace_id) for edit in message.edits]


@audit_events.register
def _(message: IncidentAcknowledged, trace_id: str) -> list[AuditEvent]:
    event = _done(
        message,
        "links",
        action="incident.acknowledged",
        resource_kind="incident",
        resource_id=str(message.incident_id),
        resource_name=message.url,
        trace_id=trace_id,
        # By this a search for the link finds who was on it.
        details=_details(link_id=message.link_id),
    )
    return [event]


@audit_events.register
def _(message: IncidentGroupAcknowledged, trace_id: str) -> list[AuditEvent]:
    event = _done(
        message,
        "links",
        action="incident_group.acknowledged",
        resource_kind="incident_group",
        resource_id=str(message.group_id),
        resource_name=message.host,
        trace_id=trace_id,
        details=_details(incidents=message.incidents),
    )
    return [event]


@audit_events.register
def _(message: WindowChanged, trace_id: str) -> list[AuditEvent]:
    event = _done(
        message,
        "links",
        action=f"window.{message.change}",
        resource_kind="window",
        resource_id=str(message.window_id),
        resource_name=message.window_name,
        trace_id=trace_id,
    )
    return [event]


@audit_events.register
def _(message: BadgeChanged, trace_id: str) -> list[AuditEvent]:
    event = _done(
        message,
        "links",
        action=f"badge.{message.change}",
        resource_kind="badge",
        resource_id=str(message.badge_id),
        resource_name=message.tag,
        trace_id=trace_id,
    )
    return [event]


@audit_events.register
def _(message: PolicyChanged, trace_id: str) -> list[AuditEvent]:
    event = _done(
        message,
        "links",
        action=f"policy.{message.change}",
        resource_kind="policy",
        resource_id=str(message.policy_id),
        resource_name=message.host,
        trace_id=trace_id,
        details=_details(changes=message.changes),
    )
    return [event]


@audit_events.register
def _(message: JobFinished, trace_id: str) -> list[AuditEvent]:
    event = _found(
        message,
        message.finished_at,
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
    event = _done(
        message,
        "notifications",
        action=f"channel.{message.change}",
        resource_kind="channel",
        resource_id=str(message.channel_id),
        resource_name=message.channel_name,
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


def _found(message: Any, occurred_at: datetime, **words: Any) -> AuditEvent:
    """What the links service found out by itself."""
    common = {"event_id": message.event_id, "workspace_id": message.workspace_id, "occurred_at": occurred_at}
    return AuditEvent(service="links", actor=LINKS, **{**common, **words})


def _done(message: Any, service: str, **words: Any) -> AuditEvent:
    """What a person did: the message says who, and from where."""
    common = {"event_id": message.event_id, "workspace_id": message.workspace_id, "occurred_at": message.occurred_at}
    who = {"actor": message.actor, "ip": message.ip, "user_agent": message.user_agent}
    return AuditEvent(service=service, **{**common, **who, **words})


def _links_born(message: LinksChanged, born: LinksBorn, trace_id: str) -> AuditEvent:
    """One event that names every link of the group, so that a search for any of them finds it."""
    return AuditEvent(
        event_id=born.event_id,
        workspace_id=message.workspace_id,
        occurred_at=message.occurred_at,
        service="links",
        actor=LINKS,
        action="link.state_changed",
        reason=born.reason,
        resource_kind="links",
        resource_name=f"{len(born.link_ids)} links",
        trace_id=born.trace_id or trace_id,
        details=_details(
            before="pending",
            after=born.after,
            verdict=born.verdict,
            job_id=message.job_id,
            link_ids=[str(each) for each in born.link_ids],
        ),
    )


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


def _link_strange(
    message: LinkFlapping | LinkUnverifiable, action: str, trace_id: str, details: dict[str, Any]
) -> AuditEvent:
    return _found(
        message,
        message.at,
        action=action,
        reason=message.reason,
        resource_kind="link",
        resource_id=str(message.link_id),
        resource_name=message.url,
        trace_id=trace_id,
        details=details,
    )


def _host(
    message: HostBroke | HostRecovered, occurred_at: datetime, action: str, trace_id: str, details: dict[str, Any]
) -> AuditEvent:
    return _found(
        message,
        occurred_at,
        action=action,
        reason=message.reason,
        resource_kind="incident_group",
        resource_id=str(message.group_id),
        resource_name=message.host,
        trace_id=trace_id,
        details=details,
    )


def _link_edited(message: LinksEdited | LinksRemoved, edit: Edit, action: str, trace_id: str) -> AuditEvent:
    return _done(
        message,
        "links",
        event_id=edit.event_id,
        action=action,
        resource_kind="link",
        resource_id=str(edit.link_id),
        resource_name=edit.url,
        trace_id=trace_id,
        details={name: {"before": before, "after": after} for name, (before, after) in edit.changes.items()},
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
