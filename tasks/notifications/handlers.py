"""What notifications does when it is told: turn events into deliveries, make their attempts, look for what is due."""

from __future__ import annotations

import time
import uuid
from collections.abc import Mapping, Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from config import telemetry
from config.failpoints import reach
from config.settings import Notifications
from tasks import clock, outbox, retention, wire
from tasks.database import Sessions, transaction
from tasks.notifications import deliveries, inbox, rules
from tasks.notifications.channels.sending import Envelope, Outcome, Sender, failed
from tasks.notifications.deliveries import Cause, Claim, Ended
from tasks.notifications.messages import Deliver, NotificationQueued, RetryDeliveries, SendNotification
from tasks.notifications.models import DELIVERIES, OUTBOX, Channel
from tasks.notifications.rules import Telling
from tasks.notifications.wording import notice
from tasks.vault import Vault, VaultError


def tell(message: Telling, *, sessions: Sessions, settings: Notifications) -> None:
    """One delivery for each channel that hears of it. Told twice, nothing is added."""
    if rules.is_told_with_others(message):
        return
    said = notice(message)
    cause = Cause(message.event_id, message.workspace_id)
    with transaction(sessions, "notifications.tell") as session:
        if inbox.is_new(session, message.event_id):
            audience = rules.audience(_channels(session, message.workspace_id), said.subject)
            deliveries.create(session, cause, said, audience, settings)


def send_notification(message: SendNotification, *, sessions: Sessions, settings: Notifications) -> None:
    """Turn the job into deliveries. One that nobody can be told of is finished as well, as a delivery that failed."""
    with transaction(sessions, "notifications.send") as session:
        if inbox.is_new(session, message.part_id):
            _queue(session, message, settings)
        outbox.post(session, OUTBOX, [outbox.event(NotificationQueued(wire.new_id(), message.part_id))])


def deliver(
    message: Deliver, *, sessions: Sessions, vault: Vault, senders: Mapping[str, Sender], settings: Notifications
) -> None:
    """Make one attempt: claim it, send outside any transaction, write down how it ended."""
    with transaction(sessions, "notifications.claim") as session:
        claim = deliveries.claim(session, message.delivery_id, settings)
    if claim is None:
        return
    at, started = clock.now(), time.monotonic()
    outcome = _send(claim, vault, senders)
    ended = Ended(outcome, at, (time.monotonic() - started) * 1000)
    reach("notifications.deliver.sent")
    with transaction(sessions, "notifications.settle") as session:
        deliveries.settle(session, claim, ended, settings)


def retry_deliveries(_: RetryDeliveries, *, sessions: Sessions, settings: Notifications) -> None:
    """Time has passed: forget what was settled or heard long ago, and hand out what is due."""
    over = DELIVERIES.c.finished_at.is_not(None)
    with sessions.begin() as session:
        retention.forget(session, DELIVERIES, over, settings.deliveries_days, clock.now())
        inbox.forget(session)
        if not deliveries.hand_out(session, settings):
            return
        reach("notifications.retry.written")
    reach("notifications.retry.committed")


def _queue(session: Session, message: SendNotification, settings: Notifications) -> None:
    said = notice(message)
    cause = Cause(message.part_id, message.workspace_id)
    audience = _wanted(_channels(session, message.workspace_id), message.channel_id)
    if audience:
        deliveries.create(session, cause, said, audience, settings)
    else:
        error = "there is no such channel" if message.channel_id else "the workspace has no channel"
        deliveries.refuse(session, cause, said, message.channel_id, error)


def _channels(session: Session, workspace_id: uuid.UUID) -> Sequence[Channel]:
    query = select(Channel).where(Channel.workspace_id == workspace_id, Channel.deleted_at.is_(None))
    return session.scalars(query.order_by(Channel.id)).all()


def _wanted(channels: Sequence[Channel], channel_id: uuid.UUID | None) -> list[Channel]:
    if channel_id is None:
        return rules.audience(channels, "notification")
    return [channel for channel in channels if channel.id == channel_id]


def _send(claim: Claim, vault: Vault, senders: Mapping[str, Sender]) -> Outcome:
    try:
        secret = vault.open(claim.secret, claim.workspace_id, claim.channel_id) if claim.secret else ""
    except VaultError as error:
        return failed(str(error))
    envelope = Envelope(
        id=claim.delivery_id,
        target=claim.target,
        secret=secret,
        title=claim.title,
        body=claim.body,
        payload=claim.payload,
        traceparent=telemetry.carrier().get("traceparent", ""),
    )
    return senders[claim.channel_kind](envelope)
