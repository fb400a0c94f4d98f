"""Who asks for a change, and the change that came too late."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Caller:
    """Who asks, and from where."""

    actor: str
    ip: str = ""
    user_agent: str = ""


class Stale(Exception):
    """The thing is not of the version that the change was made from. Read it again, then change it."""
