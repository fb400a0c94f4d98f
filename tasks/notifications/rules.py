"""Who is told what."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeVar

C = TypeVar("C")


def audience(channels: Iterable[C], subject: str) -> list[C]:
    """Of a workspace's channels, those that hear `subject`. The default rule: every channel, whatever the subject."""
    return list(channels)
