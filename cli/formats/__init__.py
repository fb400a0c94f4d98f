"""A report in every format: for people, for programs, and for what shows test results and code reviews."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import IO

from cli.formats import document, github, junit, markdown, sarif, spreadsheet, table
from cli.report import Report
from cli.row import Row

Write = Callable[[Report, Sequence[Row], IO[str]], None]

FORMATS: dict[str, Write] = {
    "table": table.write,
    "json": document.write,
    "jsonl": document.write_lines,
    "csv": spreadsheet.write,
    "markdown": markdown.write,
    "junit": junit.write,
    "github": github.write,
    "sarif": sarif.write,
}
