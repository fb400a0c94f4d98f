"""Reading a batch: each link of its lines once, and what came of the others."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from tasks import wire
from tasks.links.messages import LinkSettings, link_ids
from tasks.seen import Seen
from tasks.urls import InvalidUrl, normalise

# A client learns of this many bad lines by name; the count is of all.
REJECTED_SHOWN = 1000


class Line(NamedTuple):
    """One line of a batch as it was sent; `number` counts from 1."""

    number: int
    url: str
    interval_s: int | None = None
    tags: tuple[str, ...] | None = None
    external_id: str | None = None
    # Set where the line could not even be read.
    fault: str = ""
    # Ask for the whole page.
    full: bool = False
    settings: LinkSettings | None = None
    # What of the settings is not sealed yet; nothing of it is ever written.
    secrets: Mapping[str, Any] | None = None


@dataclass(frozen=True)
class Rejection:
    """Why one line was not accepted."""

    line: int
    input: str
    reason: str


@dataclass
class Accepted:
    """What came of a submission so far."""

    job_id: uuid.UUID
    accepted: int = 0
    duplicates: int = 0
    rejected_count: int = 0
    rejected: list[Rejection] = field(default_factory=list)

    def reject(self, line: Line, reason: str) -> None:
        """Count a bad line, and keep the first ones by name."""
        self.rejected_count += 1
        if len(self.rejected) < REJECTED_SHOWN:
            self.rejected.append(Rejection(line.number, line.url[:500], reason))


class Link(NamedTuple):
    """A link of a batch: its id's 16 bytes, its normalised URL and the line that named it first."""

    id: bytes
    url: str
    line: Line


class Reading:
    """Reads lines; `accepted` counts what comes of them, `last_url` is of the latest link."""

    def __init__(self, workspace_id: uuid.UUID, expected: int = 0) -> None:
        self.accepted = Accepted(wire.new_id())
        self.last_url = ""
        self._id_of = link_ids(workspace_id)
        self._seen = Seen(expected)

    def links(self, lines: Iterable[Line]) -> Iterator[Link]:
        """Each link once."""
        accepted, id_of, is_new = self.accepted, self._id_of, self._seen.add
        for line in lines:
            if line.fault:
                accepted.reject(line, line.fault)
                continue
            try:
                url = normalise(line.url)
            except InvalidUrl as error:
                accepted.reject(line, str(error))
                continue
            identity = id_of(url)
            if not is_new(identity):
                accepted.duplicates += 1
                continue
            accepted.accepted += 1
            self.last_url = url
            yield Link(identity, url, line)
