"""Markdown: a table for a comment or a job's summary."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import IO

from cli.report import Report
from cli.row import Row

HEADER = ("| Verdict | Reason | Status | Link | Where |", "|---|---|---|---|---|")


def write(_: Report, rows: Sequence[Row], out: IO[str]) -> None:
    """Write the table."""
    lines = [*HEADER, *(_line(_cells(row)) for row in rows)]
    out.write("\n".join(lines) + "\n")


def _cells(row: Row) -> tuple[str, ...]:
    verdict = f"{row.verdict} (known)" if row.known else row.verdict
    link = f"{_code(row.url)} {_text(row.note)}".strip()
    places = "<br>".join(_code(place) for place in row.places)
    return verdict, row.reason, str(row.status_code or "-"), link, places


def _code(text: str) -> str:
    """In backticks nothing of it is read as Markdown or HTML."""
    return f"`{text.replace('`', '%60')}`" if text else ""


def _text(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace("`", "'").replace("[", "\\[")


def _line(cells: Iterable[str]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"
