"""What lies over a link's state: whether it flaps, and what people are still owed of it.

People are told of the difference between what they believe and what is so, and only while nothing asks for quiet.
That makes each break and each recovery told at most once, whatever was ignored, muted or flapping in between.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Generic, Literal, TypeVar

WINDOW = 20
FLAPS_FROM = 5
CALM_BELOW = 2

ALIVE, DEAD = "+", "-"

Id = TypeVar("Id")


@dataclass(frozen=True, slots=True)
class Episode(Generic[Id]):
    """An incident: while it is open it has no end."""

    id: Id
    started_at: datetime
    ended_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Owed(Generic[Id]):
    """One thing to tell now."""

    what: Literal["broke", "recovered"]
    episode: Episode[Id]


def with_check(recent: str, alive: bool) -> str:
    """The latest checks with one more; only those count that could tell."""
    return (recent + (ALIVE if alive else DEAD))[-WINDOW:]


def transitions(recent: str) -> int:
    """How often the link went from alive to dead or back."""
    return recent.count(ALIVE + DEAD) + recent.count(DEAD + ALIVE)


def flaps(already: bool, recent: str) -> bool:
    """Does the link flap? It takes more to begin than to go on."""
    return transitions(recent) >= (CALM_BELOW if already else FLAPS_FROM)


def is_quiet(at: datetime, ignored: bool, muted_until: datetime | None, flapping: bool = False) -> bool:
    """Is nobody to be told now?"""
    return ignored or flapping or (muted_until is not None and at < muted_until)


def owed(told: Episode[Id] | None, present: Episode[Id] | None, quiet: bool) -> Iterator[Owed[Id]]:
    """What to tell: `told` is the incident that people believe in, `present` the one that is open."""
    if quiet:
        return
    if told and (present is None or present.id != told.id):
        yield Owed("recovered", told)
    if present and (told is None or present.id != told.id):
        yield Owed("broke", present)


def believed(told: Episode[Id] | None, present: Episode[Id] | None, quiet: bool) -> Episode[Id] | None:
    """What people believe once they have been told what they were owed."""
    return told if quiet else present
