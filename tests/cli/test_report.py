import io
from typing import Any

import pytest

from cli import report
from cli.report import Report

LONG = "https://example.org/" + "very/" * 30 + "long"


def result(url: str, verdict: str = "broken", final_url: str | None = None) -> dict[str, Any]:
    return {
        "url": url,
        "verdict": verdict,
        "reason": "redirect_blocked_scheme",
        "status_code": 404,
        "final_url": final_url or url,
        "hops": [{}, {}],
        "checked_at": "2026-11-21T10:00:00Z",
    }


def report_of(*results: dict[str, Any]) -> Report:
    return Report({"id": "1", "verdicts": {"broken": len(results)}}, results, [], 0, 0)


class Terminal(io.StringIO):
    """Standard output, where a person sits."""

    def isatty(self) -> bool:
        return True


def written(found: Report, out: io.StringIO) -> list[str]:
    report.write(found, "table", out)
    return out.getvalue().splitlines()


@pytest.fixture
def eighty_columns(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("TERM", "dumb")


@pytest.mark.usefixtures("eighty_columns")
def test_a_table_fits_eighty_columns_and_loses_nothing() -> None:
    lines = written(report_of(result(LONG, final_url="https://example.org/now")), Terminal())
    assert max(map(len, lines)) <= 80
    link = "".join(line[lines[0].index("LINK") :] for line in lines[1:])
    assert link.startswith(LONG)
    assert "→ https://example.org/now" in link


@pytest.mark.usefixtures("eighty_columns")
def test_a_pipe_gets_each_link_on_one_line_without_colour() -> None:
    _, line = written(report_of(result(LONG)), io.StringIO())
    assert line.endswith(LONG)
    assert "\x1b" not in line


def test_a_url_is_never_read_as_markup_or_as_control() -> None:
    [_, line] = written(report_of(result("https://e.org/[red]\x1b[31m")), io.StringIO())
    assert line.endswith("https://e.org/[red]\N{REPLACEMENT CHARACTER}[31m")


def test_a_verdict_of_a_newer_server_is_shown_last() -> None:
    found = report_of(result("https://a.example/", "sleeping"), result("https://b.example/"))
    assert [row.verdict for row in found.rows()] == ["broken", "sleeping"]


@pytest.mark.parametrize(
    ("verdicts", "rejected", "failed"),
    [
        ({"ok": 3}, 0, False),
        ({"degraded": 1, "inconclusive": 1}, 0, False),
        ({"broken": 1}, 0, True),
        ({"ok": 1}, 1, True),
    ],
)
def test_broken_links_and_lines_that_are_none_are_failures(
    verdicts: dict[str, int], rejected: int, failed: bool
) -> None:
    assert Report({"verdicts": verdicts}, [], [], rejected, 0).failed is failed


def test_a_summary_leaves_out_what_did_not_occur() -> None:
    found = Report({"verdicts": {"ok": 1200, "broken": 1}}, [], [], 0, 2)
    assert report.summary(found, 9.43) == "1,201 links · 1,200 ok · 1 broken · 2 repeated · 9.4 s"
    assert report.summary(Report({"verdicts": {"ok": 1}}, [], [], 0, 0), 0).startswith("1 link · ")
