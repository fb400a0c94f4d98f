"""Who is told what."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeVar

from tasks.links.messages import (
    ChecksFrozen,
    HostBroke,
    HostRecovered,
    LinkBroke,
    LinkFlapping,
    LinkRecovered,
    LinkUnverifiable,
)

Telling = LinkBroke | LinkRecovered | HostBroke | HostRecovered | LinkFlapping | LinkUnverifiable | ChecksFrozen

C = TypeVar("C")


def audience(channels: Iterable[C], subject: str) -> list[C]:
    """Of a workspace's channels, those that hear `subject`. The default rule: every channel, whatever the subject."""
    return list(channels)


def is_told_with_others(message: Telling) -> bool:
    """Do people hear of this link with the others of its host, which broke together?"""
    return isinstance(message, LinkBroke | LinkRecovered) and message.group_id is not None
