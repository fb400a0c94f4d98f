"""Which message goes to which handler of notifications, with real adapters."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

from config.settings import NOTIFICATIONS_KEY, Database, Notifications, SettingsError, load
from tasks import database
from tasks.guard import AddressPolicy
from tasks.links.messages import (
    ChecksFrozen,
    HostBroke,
    HostRecovered,
    LinkBroke,
    LinkFlapping,
    LinkRecovered,
    LinkUnverifiable,
)
from tasks.notifications import handlers
from tasks.notifications.channels.email import EmailSender, SmtpServer, smtp_server
from tasks.notifications.channels.sending import Sender
from tasks.notifications.channels.webhook import WebhookSender
from tasks.notifications.messages import Deliver, RetryDeliveries, SendNotification
from tasks.notifications.models import OUTBOX
from tasks.service import Service
from tasks.vault import Vault


def build(environ: Mapping[str, str]) -> Service:
    """Notifications, ready to be run by a worker."""
    settings = load(Notifications, environ)
    sessions = database.connect(load(Database, environ, "notifications").url, "pranala notifications")
    tell = partial(handlers.tell, sessions=sessions, settings=settings)
    vault = Vault(settings.key, NOTIFICATIONS_KEY)
    deliver = partial(
        handlers.deliver, sessions=sessions, vault=vault, senders=make_senders(settings), settings=settings
    )
    return Service(
        name="notifications",
        sessions=sessions,
        outbox=OUTBOX,
        handlers={
            LinkBroke: tell,
            LinkRecovered: tell,
            HostBroke: tell,
            HostRecovered: tell,
            LinkFlapping: tell,
            LinkUnverifiable: tell,
            ChecksFrozen: tell,
            SendNotification: partial(handlers.send_notification, sessions=sessions, settings=settings),
            Deliver: deliver,
            RetryDeliveries: partial(handlers.retry_deliveries, sessions=sessions, settings=settings),
        },
    )


def make_senders(settings: Notifications) -> dict[str, Sender]:
    """How each kind of channel is sent to."""
    policy = AddressPolicy(settings.allow_networks)
    return {
        "webhook": WebhookSender(policy, settings.timeout_s, settings.ca_file),
        "email": EmailSender(_smtp(settings.smtp_url), settings.smtp_from, settings.timeout_s, settings.ca_file),
    }


def _smtp(url: str) -> SmtpServer | None:
    try:
        return smtp_server(url) if url else None
    except ValueError as error:
        raise SettingsError(f"PRANALA_SMTP_URL is malformed: {error}") from error
