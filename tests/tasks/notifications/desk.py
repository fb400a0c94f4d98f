"""A notifications service at work on a real database, with senders that answer as they are told."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
from sqlalchemy import func, select, update

from config.settings import NOTIFICATIONS_KEY, Notifications
from tasks import wire
from tasks.database import Sessions
from tasks.links.messages import LinkBroke
from tasks.notifications import changes, handlers
from tasks.notifications.channels.sending import Envelope, Outcome
from tasks.notifications.messages import Deliver, RetryDeliveries, SendNotification
from tasks.notifications.models import Channel, Delivery, Outbox
from tasks.notifications.queries import DeliveryFilter, DeliveryView, list_deliveries
from tasks.vault import Vault

WORKSPACE = uuid.uuid4()
CALLER = changes.Caller("key:admin", "192.0.2.1", "curl/8")
SETTINGS = Notifications(key=bytes(32), backoff_s=(5.0, 300.0), lease_s=60.0)
FINE = Outcome(ok=True, status=204)
BAD = Outcome(ok=False, status=500, answer="out of order")


@dataclass
class Scripted:
    """A sender that gives the `outcomes` in turn, then success, and keeps what it was given."""

    outcomes: list[Outcome] = field(default_factory=list)
    sent: list[Envelope] = field(default_factory=list)

    def __call__(self, envelope: Envelope) -> Outcome:
        self.sent.append(envelope)
        return self.outcomes.pop(0) if self.outcomes else FINE


@dataclass
class Desk:
    """The service's messages as calls, and its tables as values."""

    sessions: Sessions
    sender: Scripted = field(default_factory=Scripted)
    settings: Notifications = SETTINGS
    vault: Vault = field(default_factory=lambda: Vault(bytes(32), NOTIFICATIONS_KEY))

    def channel(self, kind: str = "email", workspace_id: uuid.UUID = WORKSPACE) -> uuid.UUID:
        target = "https://example.com/hook" if kind == "webhook" else "ops@example.com"
        with self.sessions.begin() as session:
            wanted = changes.Wanted(kind, "ops", target)
            return changes.create_channel(session, workspace_id, wanted, CALLER, self.vault)[0].id

    def webhook(self, url: str) -> str:
        """A webhook to `url`; returns its secret."""
        with self.sessions.begin() as session:
            wanted = changes.Wanted("webhook", "ops", url)
            return changes.create_channel(session, WORKSPACE, wanted, CALLER, self.vault)[1]

    def delete_channel(self, channel_id: uuid.UUID) -> None:
        with self.sessions.begin() as session:
            assert changes.delete_channel(session, WORKSPACE, channel_id, CALLER)

    def tell(self, message: Any) -> None:
        handlers.tell(message, sessions=self.sessions, settings=self.settings)

    def send(self, channel_id: uuid.UUID | None = None, part_id: uuid.UUID | None = None) -> None:
        message = SendNotification(part_id or uuid.uuid4(), WORKSPACE, "Hello", "World", channel_id)
        handlers.send_notification(message, sessions=self.sessions, settings=self.settings)

    def deliver(self, delivery_id: uuid.UUID) -> None:
        handlers.deliver(
            Deliver(delivery_id),
            sessions=self.sessions,
            vault=self.vault,
            senders={"email": self.sender, "webhook": self.sender},
            settings=self.settings,
        )

    def tick(self) -> None:
        handlers.retry_deliveries(RetryDeliveries(), sessions=self.sessions, settings=self.settings)

    def work(self) -> None:
        """Make every attempt that was asked for so far."""
        for job in self.told("Deliver"):
            self.deliver(uuid.UUID(job["delivery_id"]))

    def pass_time(self, seconds: float) -> None:
        """Every delivery's times come this much nearer."""
        by = timedelta(seconds=seconds)
        with self.sessions.begin() as session:
            session.execute(
                update(Delivery).values(
                    next_attempt_at=Delivery.next_attempt_at - by, leased_until=Delivery.leased_until - by
                )
            )

    def deliveries(self, **wanted: Any) -> list[DeliveryView]:
        with self.sessions() as session:
            return list_deliveries(session, WORKSPACE, 100, "", DeliveryFilter(**wanted))[0]

    def delivery(self) -> DeliveryView:
        [only] = self.deliveries()
        return only

    def letters(self, name: str) -> Sequence[Outbox]:
        with self.sessions() as session:
            return session.scalars(select(Outbox).where(Outbox.name == name).order_by(Outbox.id)).all()

    def told(self, name: str) -> list[Any]:
        return [msgspec.json.decode(letter.body) for letter in self.letters(name)]

    def begin(self, delivery_id: uuid.UUID) -> None:
        """An attempt begins, and its worker is killed."""
        with self.sessions.begin() as session:
            session.execute(
                update(Delivery)
                .where(Delivery.id == delivery_id)
                .values(
                    state="sending",
                    attempts=Delivery.attempts + 1,
                    leased_until=func.now() + timedelta(seconds=self.settings.lease_s),
                )
            )

    def failures(self, channel_id: uuid.UUID) -> int:
        with self.sessions() as session:
            return session.get_one(Channel, channel_id).failures


def broke(**changed: Any) -> LinkBroke:
    now = datetime.now(UTC)
    facts: dict[str, Any] = {
        "event_id": wire.new_id(),
        "workspace_id": WORKSPACE,
        "link_id": uuid.uuid4(),
        "incident_id": uuid.uuid4(),
        "url": "https://example.com/page",
        "reason": "http_404",
        "started_at": now - timedelta(minutes=5),
        "broke_at": now,
        "status_code": 404,
    }
    return LinkBroke(**(facts | changed))
