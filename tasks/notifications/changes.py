"""Channels come and go: each change is checked, written and announced in one transaction."""

from __future__ import annotations

import uuid
from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from tasks import clock, outbox, wire
from tasks.notifications.channels import email, webhook
from tasks.notifications.channels.sending import InvalidTarget
from tasks.notifications.messages import ChannelChanged
from tasks.notifications.models import OUTBOX, Channel
from tasks.vault import Vault

TARGETS = {"webhook": webhook.valid_target, "email": email.valid_target}
LONGEST_NAME = 200


class InvalidChannel(ValueError):
    """A channel cannot be as asked. The message names the field and says what to write instead."""


@dataclass(frozen=True)
class Caller:
    """Who asks, and from where."""

    actor: str
    ip: str = ""
    user_agent: str = ""


@dataclass(frozen=True)
class Wanted:
    """A channel as it is asked for. Without a name it is known by its target."""

    kind: str
    name: str
    target: str


def create_channel(
    session: Session, workspace_id: uuid.UUID, wanted: Wanted, caller: Caller, vault: Vault
) -> tuple[Channel, str]:
    """Make a channel; with it, this once, the secret in clear (empty for mail). Raises InvalidChannel."""
    target = _target(wanted)
    channel = Channel(
        id=wire.new_id(),
        workspace_id=workspace_id,
        kind=wanted.kind,
        name=_name(wanted.name) or target[:LONGEST_NAME],
        target=target,
    )
    secret = webhook.new_secret() if wanted.kind == "webhook" else ""
    channel.secret = vault.seal(secret, workspace_id, channel.id) if secret else None
    session.add(channel)
    session.flush()
    _announce(session, channel, "created", caller)
    return channel, secret


def delete_channel(session: Session, workspace_id: uuid.UUID, channel_id: uuid.UUID, caller: Caller) -> Channel | None:
    """Forget a channel and its secret; what it has not been told yet fails. None where there is no such channel."""
    query = select(Channel).where(
        Channel.id == channel_id, Channel.workspace_id == workspace_id, Channel.deleted_at.is_(None)
    )
    channel = session.scalars(query.with_for_update()).one_or_none()
    if channel is None:
        return None
    channel.deleted_at, channel.secret = func.greatest(func.now(), Channel.created_at), None
    _announce(session, channel, "deleted", caller)
    return channel


def _target(wanted: Wanted) -> str:
    if wanted.kind not in TARGETS:
        raise InvalidChannel(f"kind: there is no kind {wanted.kind!r}; choose from {', '.join(TARGETS)}")
    try:
        return TARGETS[wanted.kind](wanted.target)
    except InvalidTarget as error:
        raise InvalidChannel(f"target: {error}") from error


def _name(text: str) -> str:
    name = text.strip()
    if len(name) > LONGEST_NAME or not name.isprintable():
        raise InvalidChannel(f"name: write at most {LONGEST_NAME} characters, on one line")
    return name


def _announce(session: Session, channel: Channel, change: str, caller: Caller) -> None:
    changed = ChannelChanged(
        event_id=wire.new_id(),
        workspace_id=channel.workspace_id,
        channel_id=channel.id,
        channel_kind=channel.kind,
        channel_name=channel.name,
        change=change,
        occurred_at=clock.now(),
        actor=caller.actor,
        ip=caller.ip,
        user_agent=caller.user_agent,
    )
    outbox.post(session, OUTBOX, [outbox.event(changed)])
