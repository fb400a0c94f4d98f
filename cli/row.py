"""One line of a report: a link, what became of it, and where it stands."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from cli.local_files import Finding

VERDICTS = ("broken", "rejected", "degraded", "inconclusive", "skipped", "ok")
PROBLEMS = VERDICTS[:-1]
# What each word after --fail-on includes; `rejected` is what is no link at all.
FAILING = {
    "none": frozenset[str](),
    "broken": frozenset({"broken", "rejected"}),
    "degraded": frozenset({"broken", "rejected", "degraded"}),
    "inconclusive": frozenset({"broken", "rejected", "degraded", "inconclusive"}),
}


@dataclass(frozen=True)
class Row:
    """`note` says what else there is to know: where it leads, what went wrong. `known` stands in the baseline."""

    url: str
    verdict: str
    reason: str
    status_code: int | None = None
    final_url: str | None = None
    redirects: int = 0
    note: str = ""
    checked_at: str | None = None
    places: tuple[str, ...] = ()
    known: bool = False
    # The API's own document, where there is one.
    source: Mapping[str, Any] = field(default_factory=dict, compare=False, repr=False)

    @property
    def is_problem(self) -> bool:
        """Whether there is anything to say about it."""
        return self.verdict != "ok"


def of_result(result: Mapping[str, Any], places: Sequence[str]) -> Row:
    """The row of a result of the API."""
    final, redirects = result["final_url"], max(0, len(result["hops"]) - 1)
    leads = final if final and final != result["url"] else None
    return Row(
        url=printable(result["url"]),
        verdict=result["verdict"],
        reason=result["reason"],
        status_code=result["status_code"],
        final_url=leads,
        redirects=redirects,
        note=printable(_note(result, leads, redirects)),
        checked_at=result["checked_at"],
        places=tuple(map(printable, places)),
        source=result,
    )


def of_rejected(line: Mapping[str, Any], url: str, places: Sequence[str]) -> Row:
    """The row of what is no link."""
    shown = tuple(map(printable, places))
    return Row(printable(url), "rejected", "not_a_link", note=printable(line["reason"]), places=shown)


def of_finding(finding: Finding, places: Sequence[str]) -> Row:
    """The row of a file of this machine."""
    written, shown = printable(finding.target.written), tuple(map(printable, places))
    return Row(written, finding.verdict, finding.reason, note=printable(finding.detail), places=shown)


def printable(text: str) -> str:
    """The text without what would steer a terminal."""
    return "".join(character if character.isprintable() else "\N{REPLACEMENT CHARACTER}" for character in text)


def _note(result: Mapping[str, Any], leads: str | None, redirects: int) -> str:
    arrow = f"→ {leads} ({redirects} redirect{'s' if redirects != 1 else ''})" if leads else ""
    detail = result.get("detail") or ""
    # What only says the status again is said already.
    told = "" if detail.startswith(f"{result['status_code']} ") else detail
    return " · ".join(filter(None, (arrow, told)))
