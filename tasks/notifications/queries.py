"""Reads of channels and deliveries for outsiders: frozen values with the fields of contracts/notifications.proto."""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session

from config import telemetry
from tasks.notifications.models import Attempt, Channel, Delivery


@dataclass(frozen=True)
class ChannelView:
    """A channel as people see it."""

    id: uuid.UUID
    kind: str
    name: str
    target: str
    created_at: datetime


@dataclass(frozen=True)
class AttemptView:
    """An attempt as people see it."""

    number: int
    at: datetime
    ok: bool
    status: int | None
    latency_ms: float
    answer: str


@dataclass(frozen=True)
class DeliveryView:
    """A delivery as people see it. `next_attempt_at` is there while there will be one."""

    id: uuid.UUID
    channel_id: uuid.UUID | None
    subject: str
    title: str
    state: str
    attempts: tuple[AttemptView, ...]
    created_at: datetime
    next_attempt_at: datetime | None
    finished_at: datetime | None
    link_id: uuid.UUID | None
    trace_id: str
    error: str


@dataclass(frozen=True)
class DeliveryFilter:
    """Which deliveries; nothing is any."""

    channel_id: uuid.UUID | None = None
    state: str = ""
    link_id: uuid.UUID | None = None

    def clauses(self) -> list[ColumnElement[bool]]:
        """The filter as conditions on the deliveries table."""
        exact = {Delivery.channel_id: self.channel_id, Delivery.state: self.state, Delivery.link_id: self.link_id}
        return [column == value for column, value in exact.items() if value]


def get_channel(session: Session, workspace_id: uuid.UUID, channel_id: uuid.UUID) -> ChannelView | None:
    """The channel, if it is this workspace's."""
    channel = session.scalar(select(Channel).where(Channel.id == channel_id, *_living(workspace_id)))
    return channel_view(channel) if channel else None


def list_channels(session: Session, workspace_id: uuid.UUID, limit: int, after: str) -> tuple[list[ChannelView], str]:
    """Channels, newest first, and where the next page starts."""
    query = select(Channel).where(*_living(workspace_id))
    if after:
        query = query.where(Channel.id < uuid.UUID(after))
    channels = session.scalars(query.order_by(Channel.id.desc()).limit(limit + 1)).all()
    following = str(channels[limit - 1].id) if len(channels) > limit else ""
    return [channel_view(channel) for channel in channels[:limit]], following


def list_deliveries(
    session: Session, workspace_id: uuid.UUID, limit: int, after: str, wanted: DeliveryFilter
) -> tuple[list[DeliveryView], str]:
    """Deliveries with all their attempts, newest first, and where the next page starts."""
    query = select(Delivery).where(Delivery.workspace_id == workspace_id, *wanted.clauses())
    if after:
        query = query.where(Delivery.id < uuid.UUID(after))
    deliveries = session.scalars(query.order_by(Delivery.id.desc()).limit(limit + 1)).all()
    following = str(deliveries[limit - 1].id) if len(deliveries) > limit else ""
    attempts = _attempts(session, [delivery.id for delivery in deliveries[:limit]])
    return [_delivery(delivery, attempts[delivery.id]) for delivery in deliveries[:limit]], following


def channel_view(channel: Channel) -> ChannelView:
    """A channel's row as people see it: without its secret."""
    return ChannelView(**{name: getattr(channel, name) for name in ChannelView.__dataclass_fields__})


def _living(workspace_id: uuid.UUID) -> tuple[ColumnElement[bool], ...]:
    return Channel.workspace_id == workspace_id, Channel.deleted_at.is_(None)


def _attempts(session: Session, deliveries: Sequence[uuid.UUID]) -> Mapping[uuid.UUID, list[AttemptView]]:
    query = select(Attempt).where(Attempt.delivery_id.in_(deliveries)).order_by(Attempt.number)
    found: defaultdict[uuid.UUID, list[AttemptView]] = defaultdict(list)
    for attempt in session.scalars(query):
        view = AttemptView(**{name: getattr(attempt, name) for name in AttemptView.__dataclass_fields__})
        found[attempt.delivery_id].append(view)
    return found


def _delivery(delivery: Delivery, attempts: Sequence[AttemptView]) -> DeliveryView:
    return DeliveryView(
        id=delivery.id,
        channel_id=delivery.channel_id,
        subject=delivery.subject,
        title=delivery.title,
        state=delivery.state,
        attempts=tuple(attempts),
        created_at=delivery.created_at,
        next_attempt_at=delivery.next_attempt_at if delivery.state == "pending" else None,
        finished_at=delivery.finished_at,
        link_id=delivery.link_id,
        trace_id=telemetry.trace_id_of(delivery.traceparent),
        error=delivery.error,
    )
