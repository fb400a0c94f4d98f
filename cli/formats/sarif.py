"""SARIF 2.1.0, which code scanning shows beside the lines of documents."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from importlib import metadata
from typing import IO, Any
from urllib.parse import quote

from cli.formats.place import Place, places_or_none
from cli.report import Report
from cli.row import Row

SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
LEVELS = {"broken": "error", "rejected": "error", "degraded": "warning"}


def write(_: Report, rows: Sequence[Row], out: IO[str]) -> None:
    """Write one run; a rule for each reason."""
    problems = [row for row in rows if row.is_problem]
    rules = sorted({row.reason for row in problems})
    run = {
        "tool": {"driver": _driver(rules, problems)},
        "columnKind": "unicodeCodePoints",
        # A result each, because code scanning shows the first location of a result only.
        "results": [_result(row, rules, place) for row in problems for place in places_or_none(row)],
    }
    json.dump({"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}, out, indent=2, ensure_ascii=False)
    out.write("\n")


def _driver(rules: Sequence[str], rows: Sequence[Row]) -> dict[str, Any]:
    verdicts = {row.reason: row.verdict for row in rows}
    return {
        "name": "pranala",
        "version": metadata.version("pranala"),
        "informationUri": "https://pranala.example/about",
        "rules": [
            {
                "id": rule,
                "shortDescription": {"text": f"A link is {verdicts[rule]}: {rule}"},
                "defaultConfiguration": {"level": _level(verdicts[rule])},
            }
            for rule in rules
        ],
    }


def _result(row: Row, rules: Sequence[str], place: Place | None) -> dict[str, Any]:
    text = " ".join(filter(None, (f"{row.url} is {row.verdict}: {row.reason}.", row.note)))
    identity = f"{row.url} {row.reason} {place.file if place else ''}"
    return {
        "ruleId": row.reason,
        "ruleIndex": rules.index(row.reason),
        "level": _level(row.verdict),
        "message": {"text": text},
        "locations": [_location(place)] if place else [],
        "partialFingerprints": {"link/v1": hashlib.sha256(identity.encode()).hexdigest()},
        "baselineState": "unchanged" if row.known else "new",
    }


def _location(place: Place) -> dict[str, Any]:
    uri = quote(place.file) if not place.file.startswith("/") else f"file://{quote(place.file)}"
    return {
        "physicalLocation": {
            "artifactLocation": {"uri": uri},
            "region": {"startLine": max(place.line, 1)},
        }
    }


def _level(verdict: str) -> str:
    return LEVELS.get(verdict, "note")
