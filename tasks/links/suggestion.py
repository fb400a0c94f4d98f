"""Pure: what to link to instead."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from tasks.links.verdict import Permanence, Reason


class Kind(StrEnum):
    """Where it is: in an archive, where the server sends everybody, or the same place over https."""

    ARCHIVE = "archive"
    REDIRECT = "redirect"
    HTTPS = "https"


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A better URL, and what makes it one."""

    kind: Kind
    url: str


def suggest(
    reason: str | None, permanence: str | None, suggested_url: str | None, archived_url: str | None
) -> Suggestion | None:
    """What to link to instead of a link that is so: what its check found, or a copy of what will not come back."""
    if suggested_url:
        return Suggestion(Kind.HTTPS if reason == Reason.INSECURE_HTTP else Kind.REDIRECT, suggested_url)
    if archived_url and permanence == Permanence.HARD:
        return Suggestion(Kind.ARCHIVE, archived_url)
    return None
