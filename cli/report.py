"""What came of a check: the rows, the counts, and whether it failed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from cli.baseline import Baseline
from cli.row import FAILING, VERDICTS, Row


@dataclass(frozen=True)
class Report:
    """Everything that was found out. `fine` counts the links that have no row because nothing is wrong with them."""

    rows: Sequence[Row]
    fine: int = 0
    job: Mapping[str, Any] = field(default_factory=dict)
    repeated: int = 0
    # Rejected lines beyond those that the server tells by name.
    unnamed: int = 0
    excluded: int = 0
    fail_on: str = "broken"

    @property
    def counts(self) -> dict[str, int]:
        """How many of each verdict."""
        found = Counter(row.verdict for row in self.rows)
        found.update(ok=self.fine, rejected=self.unnamed)
        return {verdict: found.get(verdict, 0) for verdict in (*VERDICTS, *sorted(set(found) - set(VERDICTS)))}

    @property
    def known(self) -> int:
        """How many problems stand in the baseline."""
        return sum(row.known for row in self.rows)

    @property
    def failed(self) -> bool:
        """Whether a link is as bad as --fail-on says, and that is news."""
        unnamed = self.unnamed and "rejected" in FAILING[self.fail_on]
        return bool(unnamed) or any(self.fails(row) for row in self.rows)

    def fails(self, row: Row) -> bool:
        """Whether this row makes the whole check fail."""
        return row.verdict in FAILING[self.fail_on] and not row.known

    def marked(self, baseline: Baseline) -> Report:
        """The same, with what is known marked."""
        return replace(self, rows=[replace(row, known=baseline.knows(row)) for row in self.rows])

    def wanted(self, everything: bool, new_only: bool) -> list[Row]:
        """The rows to be shown, the worst first."""
        found = [row for row in self.rows if (everything or row.is_problem) and not (new_only and row.known)]
        return sorted(found, key=_badness)


def summary(report: Report, elapsed_s: float) -> str:
    """One line: `128 links · 126 ok · 1 broken · 1 degraded · 9.4 s`."""
    counts = report.counts
    total = sum(counts.values())
    more = {"known": report.known, "repeated": report.repeated, "excluded": report.excluded}
    order = ("ok", *(verdict for verdict in counts if verdict != "ok"))
    shown = [f"{counts[verdict]:,} {verdict}" for verdict in order if counts[verdict]]
    shown += [f"{count:,} {name}" for name, count in more.items() if count]
    return " · ".join([f"{total:,} link{'s' if total != 1 else ''}", *shown, f"{elapsed_s:.1f} s"])


def _badness(row: Row) -> tuple[int, str]:
    return (*VERDICTS, row.verdict).index(row.verdict), (row.places or ("",))[0]
