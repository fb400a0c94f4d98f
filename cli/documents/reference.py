"""One place in a document that leads somewhere."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Reference:
    """What is referred to, as it is written, and the line on which it stands, counted from 1."""

    target: str
    line: int
