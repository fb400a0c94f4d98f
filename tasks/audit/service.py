"""Which message goes to which handler of audit, with real adapters."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

from config.settings import Database, load
from tasks import database
from tasks.accounts.messages import KeyCreated
from tasks.audit import handlers
from tasks.audit.messages import RecordEvents
from tasks.audit.models import OUTBOX
from tasks.links.messages import (
    BadgeChanged,
    ChecksFrozen,
    HostBroke,
    HostRecovered,
    IncidentAcknowledged,
    IncidentGroupAcknowledged,
    JobFinished,
    LinkBroke,
    LinkFlapping,
    LinkRecovered,
    LinksChanged,
    LinksEdited,
    LinksRemoved,
    LinkUnverifiable,
    PolicyChanged,
    WindowChanged,
)
from tasks.notifications.messages import ChannelChanged, DeliveryFailed, DeliverySucceeded
from tasks.service import Service


def build(environ: Mapping[str, str]) -> Service:
    """Audit, ready to be run by a worker."""
    sessions = database.connect(load(Database, environ, "audit").url, "pranala audit")
    hear = partial(handlers.hear, sessions=sessions)
    return Service(
        name="audit",
        sessions=sessions,
        outbox=OUTBOX,
        handlers={
            RecordEvents: partial(handlers.record_events, sessions=sessions),
            LinksChanged: hear,
            LinkBroke: hear,
            LinkRecovered: hear,
            HostBroke: hear,
            HostRecovered: hear,
            LinkFlapping: hear,
            LinkUnverifiable: hear,
            ChecksFrozen: hear,
            LinksEdited: hear,
            LinksRemoved: hear,
            IncidentAcknowledged: hear,
            IncidentGroupAcknowledged: hear,
            WindowChanged: hear,
            BadgeChanged: hear,
            PolicyChanged: hear,
            JobFinished: hear,
            DeliverySucceeded: hear,
            DeliveryFailed: hear,
            ChannelChanged: hear,
            KeyCreated: hear,
        },
        bulk={
            RecordEvents: partial(handlers.record_many, sessions=sessions),
            LinksChanged: partial(handlers.hear_many, sessions=sessions),
            JobFinished: partial(handlers.hear_many, sessions=sessions),
        },
    )
