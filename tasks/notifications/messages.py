"""What notifications can be asked, and what it announces."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime

from tasks.wire import Event, Message


@dataclass(frozen=True)
class SendNotification(Message):
    """Tell one channel, or every channel of the default rule where `channel_id` is missing.

    `part_id` is the natural key: asked twice, each channel is told once.
    """

    part_id: uuid.UUID
    workspace_id: uuid.UUID
    title: str
    body: str
    channel_id: uuid.UUID | None = None


@dataclass(frozen=True)
class Deliver(Message):
    """Make the next attempt of a delivery, if it is due and nobody else is making it."""

    delivery_id: uuid.UUID


@dataclass(frozen=True)
class RetryDeliveries(Message):
    """Time has passed: make the attempts that are due."""


@dataclass(frozen=True)
class NotificationQueued(Event):
    """A notification job became deliveries: from here on they are kept and retried by notifications."""

    event_id: uuid.UUID
    part_id: uuid.UUID


@dataclass(frozen=True)
class DeliverySucceeded(Event):
    """A channel was told."""

    event_id: uuid.UUID
    workspace_id: uuid.UUID
    delivery_id: uuid.UUID
    channel_id: uuid.UUID
    channel_kind: str
    subject: str
    title: str
    attempts: int
    occurred_at: datetime
    # What the message was about: a link's id, or nothing for a message of a person's own.
    link_id: uuid.UUID | None = None


@dataclass(frozen=True)
class DeliveryFailed(Event):
    """A channel could not be told and no attempt is left, or there is no such channel, or none at all."""

    event_id: uuid.UUID
    workspace_id: uuid.UUID
    delivery_id: uuid.UUID
    channel_id: uuid.UUID | None
    channel_kind: str
    subject: str
    title: str
    attempts: int
    occurred_at: datetime
    error: str
    link_id: uuid.UUID | None = None


@dataclass(frozen=True)
class ChannelChanged(Event):
    """A channel was created or deleted, by whom and from where."""

    event_id: uuid.UUID
    workspace_id: uuid.UUID
    channel_id: uuid.UUID
    channel_kind: str
    channel_name: str
    change: str
    occurred_at: datetime
    actor: str
    ip: str = ""
    user_agent: str = ""
