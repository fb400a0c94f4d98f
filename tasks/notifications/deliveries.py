"""Deliveries: one message to one channel, from its creation until the channel is told or given up."""

from __future__ import annotations

import random
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from config import telemetry
from config.settings import Notifications
from tasks import clock, counted, outbox, wire
from tasks.notifications import backoff
from tasks.notifications.channels.sending import Outcome
from tasks.notifications.messages import Deliver, DeliveryFailed, DeliverySucceeded
from tasks.notifications.models import OUTBOX, Attempt, Channel, Delivery
from tasks.notifications.wording import Notice

QUEUE = "notifications"
TICK_LIMIT = 500
NOBODY = uuid.UUID(int=0)


@dataclass(frozen=True)
class Cause:
    """Why a delivery exists. `event_id` is the natural key: an event heard twice is told once."""

    event_id: uuid.UUID
    workspace_id: uuid.UUID


@dataclass(frozen=True)
class Claim:
    """An attempt that is ours to make."""

    delivery_id: uuid.UUID
    workspace_id: uuid.UUID
    channel_id: uuid.UUID
    channel_kind: str
    target: str
    secret: bytes | None
    title: str
    body: str
    payload: str
    number: int


@dataclass(frozen=True)
class Ended:
    """An attempt that was made."""

    outcome: Outcome
    at: datetime
    latency_ms: float


def create(
    session: Session, cause: Cause, notice: Notice, channels: Sequence[Channel], settings: Notifications
) -> None:
    """A delivery to each channel that has none of this cause yet, and the job to make its first attempt."""
    if not channels:
        return
    rows = [_row(cause, notice, channel.id, channel.kind) | _pending(settings) for channel in channels]
    created = insert(Delivery).values(rows).on_conflict_do_nothing(constraint="each_channel_once")
    ids = session.scalars(created.returning(Delivery.id)).all()
    counted.ABSORBED.labels("notifications").inc(len(rows) - len(ids))
    outbox.post(session, OUTBOX, [outbox.job(QUEUE, Deliver(each)) for each in ids])


def refuse(session: Session, cause: Cause, notice: Notice, channel_id: uuid.UUID | None, error: str) -> None:
    """Record that nobody can be told, as a delivery that failed before its first attempt."""
    row = _row(cause, notice, channel_id, "") | {"state": "pending", "leased_until": func.now()}
    created = insert(Delivery).values(row).on_conflict_do_nothing(constraint="each_channel_once")
    delivery = session.scalars(created.returning(Delivery)).one_or_none()
    if delivery:
        _fail(session, delivery, error)


def claim(session: Session, delivery_id: uuid.UUID, settings: Notifications) -> Claim | None:
    """The next attempt, if the delivery is due, nobody has it in hand, and its channel can be tried now."""
    delivery = _due(session, delivery_id)
    if delivery is None:
        return None
    channel = session.get(Channel, delivery.channel_id)
    if channel is None or channel.deleted_at:
        _fail(session, delivery, "the channel was deleted")
        return None
    if backoff.is_spent(delivery.attempts, settings.backoff_s):
        _fail(session, delivery, delivery.error or "no attempt came to an end")
        return None
    if backoff.is_crowded(channel.failures, _sending(session, channel)):
        _postpone(delivery)
        return None
    delivery.state = "sending"
    delivery.attempts += 1
    delivery.leased_until = _in(settings.lease_s)
    return _claim(delivery, channel)


def settle(session: Session, claim: Claim, ended: Ended, settings: Notifications) -> None:
    """Write down how an attempt ended, and what follows.

    An attempt that outlived its lease may meet a later one here: success is success whoever has it, while failure
    moves only what nobody else has in hand.
    """
    delivery = session.get_one(Delivery, claim.delivery_id, with_for_update=True)
    outcome = ended.outcome
    session.add(_attempt(claim, ended))
    _note(session, claim.channel_id, outcome.ok)
    if delivery.finished_at:
        return
    if outcome.ok:
        _succeed(session, delivery)
    elif delivery.state == "sending" and delivery.attempts == claim.number:
        _try_again(session, delivery, outcome, settings)


def hand_out(session: Session, settings: Notifications) -> int:
    """Send jobs for what is due and for what was begun and never ended, and lease it meanwhile; returns how many."""
    due = (
        select(Delivery.id)
        .where(Delivery.finished_at.is_(None), Delivery.leased_until <= func.now())
        .order_by(Delivery.leased_until)
        .limit(TICK_LIMIT)
        .with_for_update(skip_locked=True)
        .cte("due")
    )
    leased = (
        update(Delivery)
        .where(Delivery.id == due.c.id)
        .values(state="pending", leased_until=_in(settings.lease_s))
        .returning(Delivery.id, Delivery.traceparent)
    )
    jobs = [outbox.job(QUEUE, Deliver(row.id), row.traceparent) for row in session.execute(leased)]
    outbox.post(session, OUTBOX, jobs)
    return len(jobs)


def delivery_id(event_id: uuid.UUID, channel_id: uuid.UUID | None) -> uuid.UUID:
    """The same each time that this channel is told of this event, also by a database that has forgotten the first."""
    return wire.derived_id(event_id, channel_id or NOBODY)


def _row(cause: Cause, notice: Notice, channel_id: uuid.UUID | None, channel_kind: str) -> dict[str, Any]:
    return {
        "id": delivery_id(cause.event_id, channel_id),
        "workspace_id": cause.workspace_id,
        "event_id": cause.event_id,
        "channel_id": channel_id,
        "channel_kind": channel_kind,
        "subject": notice.subject,
        "title": notice.title,
        "body": notice.body,
        "payload": notice.payload,
        "link_id": notice.link_id,
        "traceparent": telemetry.carrier().get("traceparent", ""),
    }


def _pending(settings: Notifications) -> dict[str, Any]:
    return {"state": "pending", "leased_until": _in(settings.lease_s)}


def _in(seconds: float) -> Any:
    """The database's clock, because several machines' clocks are several clocks."""
    return func.now() + timedelta(seconds=seconds)


def _due(session: Session, delivery_id: uuid.UUID) -> Delivery | None:
    query = select(Delivery).where(
        Delivery.id == delivery_id, Delivery.state == "pending", Delivery.next_attempt_at <= func.now()
    )
    return session.scalars(query.with_for_update(skip_locked=True)).one_or_none()


def _sending(session: Session, channel: Channel) -> int:
    query = (
        select(func.count())
        .select_from(Delivery)
        .where(Delivery.channel_id == channel.id, Delivery.state == "sending", Delivery.leased_until > func.now())
    )
    return session.scalar(query) or 0


def _postpone(delivery: Delivery) -> None:
    seconds = backoff.crowd_wait_s(random.random())  # noqa: S311  # spreads load, hides nothing
    delivery.next_attempt_at = delivery.leased_until = _in(seconds)


def _claim(delivery: Delivery, channel: Channel) -> Claim:
    return Claim(
        delivery_id=delivery.id,
        workspace_id=delivery.workspace_id,
        channel_id=channel.id,
        channel_kind=channel.kind,
        target=channel.target,
        secret=channel.secret,
        title=delivery.title,
        body=delivery.body,
        payload=delivery.payload,
        number=delivery.attempts,
    )


def _attempt(claim: Claim, ended: Ended) -> Attempt:
    return Attempt(
        delivery_id=claim.delivery_id,
        number=claim.number,
        at=ended.at,
        ok=ended.outcome.ok,
        status=ended.outcome.status,
        latency_ms=ended.latency_ms,
        answer=ended.outcome.answer,
    )


def _note(session: Session, channel_id: uuid.UUID, ok: bool) -> None:
    changed = update(Channel).where(Channel.id == channel_id)
    if ok:
        session.execute(changed.where(Channel.failures > 0).values(failures=0))
    else:
        session.execute(changed.values(failures=Channel.failures + 1))


def _try_again(session: Session, delivery: Delivery, outcome: Outcome, settings: Notifications) -> None:
    chance = random.random()  # noqa: S311  # spreads load, hides nothing
    wait_s = backoff.wait_s(delivery.attempts, settings.backoff_s, outcome.retry_after_s, chance)
    error = outcome.answer or f"the receiver answered {outcome.status}"
    if outcome.permanent or wait_s is None:
        _fail(session, delivery, error)
        return
    delivery.state = "pending"
    delivery.error = error
    delivery.next_attempt_at = delivery.leased_until = _in(wait_s)


def _succeed(session: Session, delivery: Delivery) -> None:
    delivery.state, delivery.error, delivery.finished_at = "succeeded", "", _end(delivery)
    told = DeliverySucceeded(wire.new_id(), **_facts(delivery))
    outbox.post(session, OUTBOX, [outbox.event(told)])


def _fail(session: Session, delivery: Delivery, error: str) -> None:
    delivery.state, delivery.error, delivery.finished_at = "failed", error, _end(delivery)
    told = DeliveryFailed(wire.new_id(), error=error, **_facts(delivery))
    outbox.post(session, OUTBOX, [outbox.event(told)])


def _end(delivery: Delivery) -> datetime:
    """Now; never before the delivery began, though the database's clock may jump."""
    return max(clock.now(), delivery.created_at)


def _facts(delivery: Delivery) -> dict[str, Any]:
    return {
        "workspace_id": delivery.workspace_id,
        "delivery_id": delivery.id,
        "channel_id": delivery.channel_id,
        "channel_kind": delivery.channel_kind,
        "subject": delivery.subject,
        "title": delivery.title,
        "attempts": delivery.attempts,
        "occurred_at": delivery.finished_at,
        "link_id": delivery.link_id,
    }
