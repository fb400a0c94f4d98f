"""What came of a check, in every format: the problems first, or everything."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import IO, Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

VERDICTS = ("broken", "rejected", "degraded", "inconclusive", "skipped", "ok")
STYLES = {"broken": "bold red", "rejected": "bold red", "degraded": "yellow", "ok": "green"}
UNBOUNDED = 100_000


@dataclass(frozen=True)
class Row:
    """One line of the report. `note` says what else there is to know: where it leads, why it was rejected."""

    url: str
    verdict: str
    reason: str
    status_code: int | None
    final_url: str | None
    redirects: int
    note: str
    checked_at: str | None


@dataclass(frozen=True)
class Report:
    """Everything that was found out. `results` are the API's, `rejected` the lines that were no links."""

    job: Mapping[str, Any]
    results: Sequence[Mapping[str, Any]]
    rejected: Sequence[Mapping[str, Any]]
    rejected_count: int
    duplicates: int

    @property
    def counts(self) -> dict[str, int]:
        """How many of each verdict."""
        found = {**self.job.get("verdicts", {}), "rejected": self.rejected_count}
        return {verdict: found.get(verdict, 0) for verdict in VERDICTS}

    @property
    def failed(self) -> bool:
        """Whether a link is broken, or is none at all."""
        return bool(self.counts["broken"] or self.rejected_count)

    def rows(self) -> list[Row]:
        """Results and rejected lines, the worst first."""
        rows = [_of_result(result) for result in self.results] + [_of_rejected(line) for line in self.rejected]
        return sorted(rows, key=lambda row: (*VERDICTS, row.verdict).index(row.verdict))


def write(report: Report, name: str, out: IO[str]) -> None:
    """Write the report in the format of this name."""
    FORMATS[name](report, out)


def summary(report: Report, elapsed_s: float) -> str:
    """One line: `128 links · 126 ok · 1 broken · 1 degraded · 9.4 s`."""
    total = sum(report.counts.values())
    counts = report.counts
    shown = [f"{counts[verdict]:,} {verdict}" for verdict in ("ok", *VERDICTS[:-1]) if counts[verdict]]
    repeated = [f"{report.duplicates:,} repeated"] if report.duplicates else []
    return " · ".join([f"{total:,} link{'s' if total != 1 else ''}", *shown, *repeated, f"{elapsed_s:.1f} s"])


def _of_result(result: Mapping[str, Any]) -> Row:
    final, redirects = result["final_url"], max(0, len(result["hops"]) - 1)
    leads = final if final and final != result["url"] else None
    note = f"→ {leads} ({redirects} redirect{'s' if redirects != 1 else ''})" if leads else ""
    return Row(
        url=printable(result["url"]),
        verdict=result["verdict"],
        reason=result["reason"],
        status_code=result["status_code"],
        final_url=leads,
        redirects=redirects,
        note=printable(note),
        checked_at=result["checked_at"],
    )


def _of_rejected(line: Mapping[str, Any]) -> Row:
    note = f"{line['source']}: {line['reason']}"
    return Row(printable(line["input"]), "rejected", "not_a_link", None, None, 0, printable(note), None)


def printable(text: str) -> str:
    """The text without what would steer a terminal."""
    return "".join(character if character.isprintable() else "\N{REPLACEMENT CHARACTER}" for character in text)


def _table(report: Report, out: IO[str]) -> None:
    rows = report.rows()
    if not rows:
        return
    # People read down, programs read lines.
    width, below = (None, "\n") if out.isatty() else (UNBOUNDED, "  ")
    console = Console(file=out, highlight=False, width=width)
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for name in ("VERDICT", "REASON", "STATUS"):
        table.add_column(name, no_wrap=True)
    table.add_column("LINK", overflow="fold")
    for row in rows:
        link = Text(below.join(filter(None, (row.url, row.note))))
        verdict = Text(row.verdict, style=STYLES.get(row.verdict, ""))
        table.add_row(verdict, Text(row.reason), Text(str(row.status_code or "-")), link)
    with console.capture() as capture:
        console.print(table)
    out.write("".join(f"{line.rstrip()}\n" for line in capture.get().splitlines()))


def _json(report: Report, out: IO[str]) -> None:
    document = {
        "schema": 1,
        "job_id": report.job.get("id"),
        "summary": report.counts | {"repeated": report.duplicates},
        "results": list(report.results),
        "rejected": list(report.rejected),
    }
    json.dump(document, out, indent=2, ensure_ascii=False)
    out.write("\n")


def _jsonl(report: Report, out: IO[str]) -> None:
    rejected = ({**line, "verdict": "rejected"} for line in report.rejected)
    for item in (*report.results, *rejected):
        out.write(json.dumps(item, ensure_ascii=False) + "\n")


def _csv(report: Report, out: IO[str]) -> None:
    written = io.StringIO(newline="")
    table = csv.DictWriter(written, list(Row.__dataclass_fields__), lineterminator="\n")
    table.writeheader()
    table.writerows({name: _cell(value) for name, value in asdict(row).items()} for row in report.rows())
    out.write(written.getvalue())


def _cell(value: Any) -> Any:
    """A spreadsheet would run a text that begins like a formula."""
    return f"'{value}" if isinstance(value, str) and value.startswith(("=", "+", "-", "@")) else value


def _markdown(report: Report, out: IO[str]) -> None:
    lines = ["| Verdict | Reason | Status | Link |", "|---|---|---|---|"]
    for row in report.rows():
        link = f"<{row.url}> {row.note}".strip()
        lines.append(_markdown_row((row.verdict, row.reason, str(row.status_code or "-"), link)))
    out.write("\n".join(lines) + "\n")


def _markdown_row(cells: Iterable[str]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


FORMATS: dict[str, Callable[[Report, IO[str]], None]] = {
    "table": _table,
    "json": _json,
    "jsonl": _jsonl,
    "csv": _csv,
    "markdown": _markdown,
}
