"""What every kind of channel takes and gives back."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import dataclass

# Of an answer, this much is kept.
LONGEST_ANSWER = 1000


class InvalidTarget(ValueError):
    """The text is no target of this kind of channel; the message says what to write instead."""


@dataclass(frozen=True)
class Envelope:
    """One message on its way to one target. `id` is the delivery's and stays the same over all attempts."""

    id: uuid.UUID
    target: str
    # In clear; empty for kinds that have none.
    secret: str
    title: str
    body: str
    payload: str
    traceparent: str = ""


@dataclass(frozen=True)
class Outcome:
    """How one attempt ended. `permanent` means that no further attempt can end better."""

    ok: bool
    # HTTP's or SMTP's code, where the receiver gave one.
    status: int | None = None
    answer: str = ""
    permanent: bool = False
    retry_after_s: float | None = None


# Never raises for anything a receiver does, and ends within the time-out it was made with.
Sender = Callable[[Envelope], Outcome]


def failed(answer: str, permanent: bool = False) -> Outcome:
    """An attempt that got no answer from the receiver."""
    return Outcome(ok=False, answer=answer[:LONGEST_ANSWER], permanent=permanent)
