"""GitHub's workflow commands: an annotation on each line of a document where a bad link stands."""

from __future__ import annotations

from collections.abc import Sequence
from typing import IO

from cli.formats.place import places_of
from cli.report import Report
from cli.row import Row

LEVELS = {"broken": "error", "rejected": "error", "degraded": "warning"}
USUAL = "notice"


def write(report: Report, rows: Sequence[Row], out: IO[str]) -> None:
    """Write a command for each place of each problem."""
    for row in rows:
        if not row.is_problem:
            continue
        level = "error" if report.fails(row) else "warning" if row.known else LEVELS.get(row.verdict, USUAL)
        message = _escaped(" ".join(filter(None, (row.url, row.note))))
        title = f"title={_property(f'{row.verdict}: {row.reason}')}"
        found = [f"file={_property(place.file)},line={place.line},{title}" for place in places_of(row)]
        out.writelines(f"::{level} {properties}::{message}\n" for properties in found or [title])


def _escaped(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _escaped(text).replace(":", "%3A").replace(",", "%2C")
