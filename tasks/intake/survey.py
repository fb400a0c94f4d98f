"""What would come of a batch, without accepting any of it."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import islice

from tasks import wire
from tasks.intake.submissions import Accepted, Caller, Line, Rejection, read_specs

CHUNK = 5000

CountKnown = Callable[[Sequence[uuid.UUID]], int]


@dataclass(frozen=True)
class Survey:
    """How many links a batch would add, how many are there already, and which lines are none."""

    new: int
    known: int
    duplicates: int
    rejected_count: int
    rejected: list[Rejection]


def survey(caller: Caller, lines: Iterable[Line], count_known: CountKnown) -> Survey:
    """Read every line and ask which links are known, many at a time."""
    read = Accepted(wire.new_id())
    ids = (identity for _, identity in read_specs(caller, lines, read))
    known = 0
    while chunk := list(islice(ids, CHUNK)):
        known += count_known(chunk)
    return Survey(read.accepted - known, known, read.duplicates, read.rejected_count, read.rejected)
