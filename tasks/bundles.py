"""Bundles: messages of one kind for one queue that travel as one.

Most of what a message costs, in the broker, in the worker and in its database, is the same however much it says. The
more there is to send, the larger the bundles become, so that a backlog is cheaper by the message than a trickle. Each
message keeps its own id, trace and version, and its receiver knows it by itself.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import msgspec

from config.broker import BUNDLED
from tasks import wire
from tasks.outbox import Letter

# The only field of a bundle's body.
FIELD = "bundle"
MOST = 200


@dataclass(frozen=True)
class Parcels:
    """What is sent, and the rows that each of these is made of, by its id."""

    letters: list[Letter]
    members: dict[uuid.UUID, list[Letter]]

    def of(self, sent: Iterable[Letter]) -> list[Letter]:
        """The rows that were sent in these."""
        return [member for letter in sent for member in self.members[letter.id]]


@dataclass(frozen=True)
class Member:
    """One message of a bundle, as it would have come alone."""

    id: str
    traceparent: str
    request_id: str
    kwargs: dict[str, Any]
    # As of a request of Celery: positional ones are never sent.
    args: ClassVar[tuple[()]] = ()

    @property
    def version(self) -> int:
        """Of the message; its body says it where it is not 1."""
        return int(self.kwargs.get(wire.VERSION, 1))


def pack(letters: Sequence[Letter]) -> Parcels:
    """Join what may travel together; a bundle has the id of the first and stands in its place."""
    groups = list(_groups(letters))
    joined = [_letter_of(group) for group in groups]
    return Parcels(joined, {letter.id: group for letter, group in zip(joined, groups, strict=True)})


def members_of(fields: Mapping[str, Any]) -> list[Member] | None:
    """The messages of a bundle; None where the message is none."""
    try:
        return msgspec.convert(fields[FIELD], list[Member])
    except (KeyError, msgspec.ValidationError):
        return None


def _groups(letters: Sequence[Letter]) -> Iterator[list[Letter]]:
    """All groups, in the order in which each began."""
    made: list[list[Letter]] = []
    growing: dict[tuple[str, str, str], list[Letter]] = {}
    sizes: dict[uuid.UUID, int] = {}
    for letter in letters:
        key, size = (letter.exchange, letter.routing_key, letter.name), len(letter.body or "")
        group = growing.get(key)
        if group and len(group) < MOST and sizes[group[0].id] + size <= BUNDLED[letter.name]:
            group.append(letter)
            sizes[group[0].id] += size
            continue
        made.append([letter])
        if letter.name in BUNDLED:
            growing[key], sizes[letter.id] = made[-1], size
    yield from made


def _letter_of(group: Sequence[Letter]) -> Letter:
    first = group[0]
    if len(group) == 1:
        return first
    body = f'{{"{FIELD}":[{",".join(map(_member, group))}]}}'
    return Letter(first.id, first.name, first.exchange, first.routing_key, body, first.traceparent, first.request_id)


def _member(letter: Letter) -> str:
    known = {"id": str(letter.id), "traceparent": letter.traceparent, "request_id": letter.request_id}
    return f'{json.dumps(known)[:-1]},"kwargs":{letter.body}}}'
