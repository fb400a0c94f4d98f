"""A place as programs want it: the file as the repository knows it, and the line."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass

from cli.row import Row


@dataclass(frozen=True)
class Place:
    """A file, relative to where the command runs if it is below that, and a line in it."""

    file: str
    line: int


def places_of(row: Row) -> Iterator[Place]:
    """Those of the row's places that are lines of files."""
    for place in row.places:
        file, colon, line = place.rpartition(":")
        if colon and line.isdigit() and "://" not in file and os.path.exists(file):
            yield Place(_relative(file), int(line))


def places_or_none(row: Row) -> list[Place | None]:
    """The same, and one nothing for a row that stands in no file, so that it is told all the same."""
    return [*places_of(row)] or [None]


def _relative(file: str) -> str:
    relative = os.path.relpath(file)
    shown = file if relative.startswith("..") else relative
    return shown.replace(os.sep, "/")
