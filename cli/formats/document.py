"""JSON: one document, or a line for each link."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import IO, Any

from cli.report import Report
from cli.row import Row

SCHEMA = 1


def write(report: Report, rows: Sequence[Row], out: IO[str]) -> None:
    """Write one document."""
    more = {"known": report.known, "repeated": report.repeated, "excluded": report.excluded}
    document = {
        "schema": SCHEMA,
        "job_id": report.job.get("id"),
        "failed": report.failed,
        "summary": report.counts | more,
        "results": [_item(row) for row in rows],
    }
    json.dump(document, out, indent=2, ensure_ascii=False)
    out.write("\n")


def write_lines(_: Report, rows: Sequence[Row], out: IO[str]) -> None:
    """Write a line for each link."""
    for row in rows:
        out.write(json.dumps(_item(row), ensure_ascii=False) + "\n")


def _item(row: Row) -> dict[str, Any]:
    own = {
        "url": row.url,
        "verdict": row.verdict,
        "reason": row.reason,
        "status_code": row.status_code,
        "final_url": row.final_url,
        "detail": row.note,
        "checked_at": row.checked_at,
    }
    return {**own, **row.source, "places": list(row.places), "known": row.known}
