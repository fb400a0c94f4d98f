import csv
import io
import json
from typing import Any
from xml.etree import ElementTree as Xml

import jsonschema
import pytest

from cli.baseline import Baseline
from cli.formats import FORMATS
from cli.report import Report, summary
from cli.row import Row, of_result

LONG = "https://example.org/" + "very/" * 30 + "long"

# What of the schema of SARIF 2.1.0 a reader depends on.
SARIF = {
    "type": "object",
    "required": ["version", "runs"],
    "properties": {
        "version": {"const": "2.1.0"},
        "runs": {
            "items": {
                "required": ["tool", "results"],
                "properties": {
                    "tool": {
                        "required": ["driver"],
                        "properties": {
                            "driver": {"required": ["name"], "properties": {"rules": {"uniqueItems": True}}}
                        },
                    },
                    "results": {
                        "items": {
                            "required": ["message", "ruleId"],
                            "properties": {
                                "level": {"enum": ["none", "note", "warning", "error"]},
                                "ruleIndex": {"type": "integer", "minimum": 0},
                                "message": {"required": ["text"]},
                                "baselineState": {"enum": ["new", "unchanged", "updated", "absent"]},
                                "locations": {
                                    "items": {
                                        "properties": {
                                            "physicalLocation": {
                                                "required": ["artifactLocation"],
                                                "properties": {
                                                    "artifactLocation": {
                                                        "properties": {"uri": {"type": "string", "format": "uri"}}
                                                    },
                                                    "region": {
                                                        "properties": {"startLine": {"type": "integer", "minimum": 1}}
                                                    },
                                                },
                                            }
                                        }
                                    }
                                },
                            },
                        }
                    },
                },
            }
        },
    },
}


def result(url: str, verdict: str = "broken", final_url: str | None = None) -> dict[str, Any]:
    return {
        "url": url,
        "verdict": verdict,
        "reason": "redirect_blocked_scheme",
        "status_code": 404,
        "final_url": final_url or url,
        "hops": [{}, {}],
        "detail": "",
        "checked_at": "2026-11-21T10:00:00Z",
    }


def row(url: str, verdict: str = "broken", *places: str) -> Row:
    return of_result(result(url, verdict), places)


class Terminal(io.StringIO):
    """Standard output, where a person sits."""

    def isatty(self) -> bool:
        return True


def written(name: str, *rows: Row, out: io.StringIO | None = None, fail_on: str = "broken") -> str:
    out = out or io.StringIO()
    FORMATS[name](Report(rows, fail_on=fail_on), rows, out)
    return out.getvalue()


@pytest.fixture
def here(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """A directory with the documents that rows speak of."""
    (tmp_path / "docs, old").mkdir()
    for name in ("README.md", "docs, old/a.md"):
        (tmp_path / name).touch()
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def eighty_columns(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("TERM", "dumb")


@pytest.mark.usefixtures("eighty_columns")
@pytest.mark.parametrize("out", [Terminal(), io.StringIO()])
def test_a_table_fits_eighty_columns_and_loses_nothing(out: io.StringIO) -> None:
    found = of_result(result(LONG, final_url=f"{LONG}/now"), [f"{LONG}.md:7"])
    lines = written("table", found, out=out).splitlines()
    assert max(map(len, lines)) <= 80
    joined = "".join(line.removeprefix("  ") for line in lines[1:])
    assert joined == f"{LONG}→ {LONG}/now (1 redirect)at {LONG}.md:7"


def test_a_pipe_gets_each_link_on_one_line_without_colour(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("COLUMNS", raising=False)
    text = written("table", row(LONG))
    assert f"  {LONG}\n" in text
    assert "\x1b" not in text


def test_a_link_that_stands_everywhere_is_told_at_the_first_places() -> None:
    text = written("table", row("https://e.org/", "broken", *(f"a.md:{line}" for line in range(1, 31))))
    assert text.count("at a.md") == 10
    assert "and at 20 more places" in text


def test_a_url_is_never_read_as_markup_or_as_control() -> None:
    assert "https://e.org/[red]\N{REPLACEMENT CHARACTER}[31m\n" in written("table", row("https://e.org/[red]\x1b[31m"))


def test_the_worst_come_first_and_a_verdict_of_a_newer_server_last() -> None:
    found = Report([row("https://a.example/", "sleeping"), row("https://c.example/", "ok"), row("https://b.example/")])
    assert [each.verdict for each in found.wanted(everything=True, new_only=False)] == ["broken", "ok", "sleeping"]


@pytest.mark.parametrize(
    ("verdict", "fail_on", "failed"),
    [
        ("ok", "inconclusive", False),
        ("broken", "broken", True),
        ("rejected", "broken", True),
        ("degraded", "broken", False),
        ("degraded", "degraded", True),
        ("inconclusive", "degraded", False),
        ("inconclusive", "inconclusive", True),
        ("skipped", "inconclusive", False),
        ("broken", "none", False),
    ],
)
def test_what_is_a_failure_is_as_bad_as_one_says(verdict: str, fail_on: str, failed: bool) -> None:
    found = Report([row("https://a.example/", verdict)], fail_on=fail_on)
    assert found.failed is failed
    assert not found.marked(Baseline(frozenset({("https://a.example/", verdict)}))).failed


def test_a_summary_leaves_out_what_did_not_occur() -> None:
    found = Report([row("https://a.example/")], fine=1200, repeated=2)
    assert summary(found, 9.43) == "1,201 links · 1,200 ok · 1 broken · 2 repeated · 9.4 s"
    assert summary(Report([], fine=1), 0).startswith("1 link · ")


@pytest.mark.usefixtures("here")
def test_github_gets_an_annotation_on_every_line_where_a_bad_link_stands() -> None:
    found = row("https://e.org/100%", "broken", "README.md:3", "docs, old/a.md:7")
    assert written("github", found, row("https://e.org/s", "skipped"), row("https://e.org/", "ok")).splitlines() == [
        "::error file=README.md,line=3,title=broken%3A redirect_blocked_scheme::https://e.org/100%25",
        "::error file=docs%2C old/a.md,line=7,title=broken%3A redirect_blocked_scheme::https://e.org/100%25",
        "::notice title=skipped%3A redirect_blocked_scheme::https://e.org/s",
    ]


@pytest.mark.usefixtures("here")
def test_sarif_is_what_its_readers_depend_on() -> None:
    rows = (row("https://e.org/", "broken", "README.md:3", "docs, old/a.md:7"), row("https://e.org/x", "degraded"))
    document = json.loads(written("sarif", *rows, row("https://e.org/y", "ok")))
    jsonschema.validate(document, SARIF, format_checker=jsonschema.FormatChecker())
    [run] = document["runs"]
    assert [each["level"] for each in run["results"]] == ["error", "error", "warning"]
    second = run["results"][1]["locations"][0]["physicalLocation"]
    assert second == {"artifactLocation": {"uri": "docs%2C%20old/a.md"}, "region": {"startLine": 7}}
    assert all(run["tool"]["driver"]["rules"][each["ruleIndex"]]["id"] == each["ruleId"] for each in run["results"])
    assert len({each["partialFingerprints"]["link/v1"] for each in run["results"]}) == 3


@pytest.mark.usefixtures("here")
def test_junit_has_a_case_for_every_place_and_a_failure_for_what_fails() -> None:
    rows = (
        row('https://e.org/?a="<&\x02', "broken", "README.md:3", "docs, old/a.md:7"),
        row("https://e.org/i", "inconclusive"),
        row("https://e.org/d", "degraded"),
        row("https://e.org/", "ok"),
    )
    suites = Xml.fromstring(written("junit", *rows))
    assert {name: suites.get(name) for name in ("tests", "failures", "errors", "skipped")} == {
        "tests": "5",
        "failures": "2",
        "errors": "0",
        "skipped": "1",
    }
    cases = suites.findall("testsuite/testcase")
    assert [case.get("line") for case in cases] == ["3", "7", None, None, None]
    assert cases[0].get("name") == 'https://e.org/?a="<&\N{REPLACEMENT CHARACTER}'
    assert Xml.fromstring(written("junit", *rows, fail_on="degraded")).get("failures") == "3"


@pytest.mark.parametrize("sign", ["=", "+", "-", "@", "\t"])
def test_a_spreadsheet_is_given_no_formula(sign: str) -> None:
    [found] = csv.DictReader(io.StringIO(written("csv", Row(f"{sign}cmd|x", "rejected", "not_a_link"))))
    assert found["url"] == f"'{sign}cmd|x"


def test_a_table_of_markdown_is_not_broken_by_what_it_tells() -> None:
    text = written("markdown", Row("https://e.org/`|<b>", "broken", "http_404", note="<script> | [x]"))
    assert text.splitlines()[2] == ("| broken | http_404 | - | `https://e.org/%60\\|<b>` &lt;script> \\| \\[x] |  |")
