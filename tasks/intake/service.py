"""Which message goes to which handler of intake, with real adapters."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

from config.settings import Database, Intake, Relaying, load
from tasks import database
from tasks.audit.messages import EventsRecorded
from tasks.intake import handlers
from tasks.intake.messages import SweepSubmissions
from tasks.intake.models import OUTBOX
from tasks.links.messages import PartChecked
from tasks.notifications.messages import NotificationQueued
from tasks.service import Service


def build(environ: Mapping[str, str]) -> Service:
    """Intake, ready to be run by a worker."""
    settings, kept_s = load(Intake, environ), load(Relaying, environ).kept_s
    sessions = database.connect(load(Database, environ, "intake").url, "pranala intake")
    finish = partial(handlers.finish_part, sessions=sessions)
    finish_many = partial(handlers.finish_parts, sessions=sessions)
    return Service(
        name="intake",
        sessions=sessions,
        outbox=OUTBOX,
        handlers={
            PartChecked: finish,
            NotificationQueued: finish,
            EventsRecorded: finish,
            SweepSubmissions: partial(handlers.sweep, sessions=sessions, settings=settings, kept_s=kept_s),
        },
        bulk={PartChecked: finish_many, NotificationQueued: finish_many, EventsRecorded: finish_many},
    )
