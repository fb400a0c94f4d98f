"""Questions about a server that many checks have in common: asked once, by a check of its own, and remembered."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from tasks.links.page import Page
from tasks.links.result import Result
from tasks.links.verdict import Permanence, Reason, Verdict

KEEP_S = 3600.0
KEEP_FAILED_S = 300.0

Read = Callable[[Result, Page | None], Any]


@dataclass(frozen=True, slots=True)
class Question:
    """Questions are the same when they are `about` the same and carry the same `headers`, as those decide what a server
    says; each reads its answer from what a GET of `url` brings.

    `otherwise` is the answer where it cannot be read. A question of `robots` is itself not subject to their rules.
    """

    about: str
    url: str = field(compare=False)
    read: Read = field(compare=False)
    otherwise: Any = field(compare=False)
    robots: bool = field(default=False, compare=False)
    headers: tuple[tuple[str, str], ...] = field(default=(), repr=False)


@dataclass(frozen=True, slots=True)
class Answer:
    """What a server's answer to a question meant, and until when that is believed (seconds of time.monotonic())."""

    meaning: Any
    expires_at: float


def understand(question: Question, result: Result, page: Page | None, now: float) -> Answer:
    """Read the answer out of what a check of the question's URL brought."""
    return Answer(question.read(result, page), now + keep_s(result))


def keep_s(result: Result) -> float:
    """How long to believe it: not for long where the server failed to answer, not at all where it was not asked."""
    if result.reason is Reason.HOST_BACKOFF:
        return 0.0
    decided = result.verdict in (Verdict.OK, Verdict.DEGRADED) or result.permanence is Permanence.HARD
    return KEEP_S if decided else KEEP_FAILED_S
