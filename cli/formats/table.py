"""For people: a block for each link, which is readable in any width."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Sequence
from typing import IO

from rich.console import Console
from rich.text import Text

from cli.report import Report
from cli.row import Row

STYLES = {"broken": "bold red", "rejected": "bold red", "degraded": "yellow", "ok": "green"}
INDENT = "  "
PLACES_SHOWN = 10


def write(_: Report, rows: Sequence[Row], out: IO[str]) -> None:
    """Write the blocks; colours and folding only where a person sits."""
    width = _width(out)
    console = Console(file=out, highlight=False, width=width or 100_000, soft_wrap=True)
    for row in rows:
        for line in _block(row):
            for piece in _folded(line, width):
                console.print(piece)


def _width(out: IO[str]) -> int | None:
    """Where lines are folded. In a pipe only what COLUMNS says, so that a URL stays whole for whoever reads it."""
    if out.isatty():
        return shutil.get_terminal_size().columns
    given = os.environ.get("COLUMNS", "")
    return int(given) if given.isdigit() and int(given) else None


def _block(row: Row) -> Iterator[Text]:
    known = " (known)" if row.known else ""
    status = f"  {row.status_code}" if row.status_code else ""
    verdict = Text(row.verdict, style=STYLES.get(row.verdict, ""))
    yield verdict.append(f"  {row.reason}{status}{known}", style="default")
    yield Text(INDENT + row.url)
    if row.note:
        yield Text(INDENT + row.note, style="dim")
    for place in row.places[:PLACES_SHOWN]:
        yield Text(f"{INDENT}at {place}", style="dim")
    if len(row.places) > PLACES_SHOWN:
        yield Text(f"{INDENT}and at {len(row.places) - PLACES_SHOWN:,} more places", style="dim")


def _folded(line: Text, width: int | None) -> Iterator[Text]:
    """The line in pieces that fit; those that follow are indented as the first."""
    room = max((width or 0) - len(INDENT), 20)
    if width is None or line.cell_len <= width:
        yield line
        return
    body = line if line.plain[0] != " " else line[len(INDENT) :]
    start = "" if body is line else INDENT
    for piece in body.divide(range(room, len(body), room)):
        yield Text(start).append_text(piece)
