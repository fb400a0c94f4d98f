"""What the checkers of tests have in common."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence

from tasks.links.fetcher import Landed, Unwanted, all_wanted
from tasks.links.result import Result, Target


class PartByPart(ABC):
    """A checker that answers for one part at a time, by its `check`; all land together."""

    @abstractmethod
    def check(self, targets: Sequence[Target]) -> list[Result]:
        """The results of one part, in the order of its targets."""

    def check_each(self, asked: Sequence[Sequence[Target]], unwanted: Unwanted = all_wanted) -> Iterator[Landed]:
        """As an engine does it."""
        if asked:
            yield [(place, self.check(targets)) for place, targets in enumerate(asked)]
