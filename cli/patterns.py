"""Which links are wanted: patterns as people know them from other checkers, where an include outweighs an exclude."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Patterns:
    """Regular expressions that are looked for anywhere in a URL."""

    includes: Sequence[re.Pattern[str]] = ()
    excludes: Sequence[re.Pattern[str]] = ()

    def admit(self, url: str) -> bool:
        """Whether the link is wanted. With includes and no excludes, nothing else is."""
        if any(pattern.search(url) for pattern in self.includes):
            return True
        if self.includes and not self.excludes:
            return False
        return not any(pattern.search(url) for pattern in self.excludes)


def compiled(text: str) -> re.Pattern[str]:
    """The pattern, or a `ValueError` that says what is wrong with it."""
    try:
        return re.compile(text)
    except re.error as error:
        raise ValueError(f"{text!r} is not a regular expression: {error}") from error


def of_lines(lines: Iterable[str]) -> list[re.Pattern[str]]:
    """A pattern a line; empty lines and those that begin with # are passed over."""
    given = (line.strip() for line in lines)
    return [compiled(line) for line in given if line and not line.startswith("#")]
