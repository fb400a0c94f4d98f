"""CSV: a row for each link, and nothing that a spreadsheet would run."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from typing import IO, Any

from cli.report import Report
from cli.row import Row

COLUMNS = ("url", "verdict", "reason", "status_code", "final_url", "redirects", "note", "checked_at", "places", "known")
# As OWASP has it: what may begin a formula, also behind what a spreadsheet drops.
FORMULA_SIGNS = ("=", "+", "-", "@", "\t", "\r", "\n")


def write(_: Report, rows: Sequence[Row], out: IO[str]) -> None:
    """Write the header and the rows."""
    table = csv.writer(out, lineterminator="\n")
    table.writerow(COLUMNS)
    table.writerows([_cell(row, name) for name in COLUMNS] for row in rows)


def _cell(row: Row, name: str) -> Any:
    value = getattr(row, name)
    if isinstance(value, bool):
        return str(value).lower()
    text = " ".join(value) if isinstance(value, tuple) else value
    return f"'{text}" if isinstance(text, str) and text.startswith(FORMULA_SIGNS) else text
