"""Problems that are known already, in a file that is kept beside the documents."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from cli.row import Row

SCHEMA = 1


class Unreadable(Exception):
    """The file is no baseline."""


@dataclass(frozen=True)
class Baseline:
    """A link that is known to be broken is news again when its verdict changes, not when its place does."""

    known: frozenset[tuple[str, str]] = frozenset()

    def knows(self, row: Row) -> bool:
        """Whether this very problem is known."""
        return (row.url, row.verdict) in self.known


def read(path: Path) -> Baseline:
    """The known problems; none where there is no such file yet."""
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
        return Baseline(frozenset((each["url"], each["verdict"]) for each in document["problems"]))
    except FileNotFoundError:
        return Baseline()
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise Unreadable(f"{path} is no baseline of known problems: {error}") from error


def write(path: Path, rows: Iterable[Row]) -> None:
    """Make these the known problems, in an order that makes for small differences."""
    problems = sorted({(row.url, row.verdict, row.reason) for row in rows if row.is_problem})
    listed = [{"url": url, "verdict": verdict, "reason": reason} for url, verdict, reason in problems]
    text = json.dumps({"schema": SCHEMA, "problems": listed}, indent=2, ensure_ascii=False)
    path.write_text(f"{text}\n", encoding="utf-8")
