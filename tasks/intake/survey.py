"""What would come of a batch, without accepting any of it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import islice

from tasks.intake.reading import Line, Reading, Rejection
from tasks.intake.submissions import Caller

CHUNK = 5000

# Asked with the ids' 16 bytes each.
CountKnown = Callable[[Sequence[bytes]], int]


@dataclass(frozen=True)
class Survey:
    """How many links a batch would add, how many are there already, and which lines are none."""

    new: int
    known: int
    duplicates: int
    rejected_count: int
    rejected: list[Rejection]


def survey(caller: Caller, lines: Iterable[Line], count_known: CountKnown, expected: int = 0) -> Survey:
    """Read every line and ask which links are known, many at a time."""
    reading = Reading(caller.workspace_id, expected)
    links = reading.links(lines)
    known = 0
    while chunk := list(islice(links, CHUNK)):
        known += count_known([link.id for link in chunk])
    read = reading.accepted
    return Survey(read.accepted - known, known, read.duplicates, read.rejected_count, read.rejected)
