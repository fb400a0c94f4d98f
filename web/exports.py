"""A job's results in every form but a page of JSON: streamed over all pages, never held in memory."""

from __future__ import annotations

import csv
import hashlib
import io
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from xml.sax.saxutils import escape, quoteattr

import msgspec

Result = Mapping[str, Any]

COLUMNS = (
    "url",
    "verdict",
    "reason",
    "permanence",
    "status_code",
    "final_url",
    "suggested_url",
    "detail",
    "checked_at",
    "link_id",
)
# What a spreadsheet takes for the beginning of a formula (OWASP).
FORMULA_SIGNS = ("=", "+", "-", "@", "\t", "\r", "\n")
LEVELS = {"broken": "error", "degraded": "warning"}
SARIF_HEAD = b'{"$schema":"https://json.schemastore.org/sarif-2.1.0.json","version":"2.1.0","runs":[{"results":['
UNDECIDED = ("inconclusive", "skipped")

# XML 1.0 has no way to write these.
_UNWRITABLE = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


@dataclass(frozen=True)
class Form:
    """A form of results: `write` makes chunks of them; it is also told how many of each verdict there will be."""

    content_type: str
    suffix: str
    write: Callable[[Iterable[Result], Mapping[str, int]], Iterator[bytes]]


def _ndjson(results: Iterable[Result], _: Mapping[str, int]) -> Iterator[bytes]:
    for result in results:
        yield msgspec.json.encode(result) + b"\n"


def _csv(results: Iterable[Result], _: Mapping[str, int]) -> Iterator[bytes]:
    yield _record(COLUMNS)
    for result in results:
        yield _record([_harmless(result[name]) for name in COLUMNS])


def _record(cells: Iterable[Any]) -> bytes:
    line = io.StringIO(newline="")
    csv.writer(line).writerow(cells)
    return line.getvalue().encode()


def _harmless(cell: Any) -> Any:
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(FORMULA_SIGNS) else cell


def _markdown(results: Iterable[Result], _: Mapping[str, int]) -> Iterator[bytes]:
    yield b"| Verdict | Reason | Status | Link | Leads to |\n|---|---|---|---|---|\n"
    for result in results:
        leads = result["final_url"] if result["final_url"] != result["url"] else None
        status = str(result["status_code"] or "-")
        cells = (result["verdict"], result["reason"], status, _code(result["url"]), _code(leads or ""))
        yield f"| {' | '.join(cells)} |\n".encode()


def _code(text: str) -> str:
    """In backticks nothing of it is read as Markdown or HTML; a bar would end the cell even there."""
    escaped = text.replace("`", "%60").replace("|", "%7C")
    return f"`{escaped}`" if escaped else ""


def _junit(results: Iterable[Result], counts: Mapping[str, int]) -> Iterator[bytes]:
    tests, skipped = sum(counts.values()), sum(counts.get(verdict, 0) for verdict in UNDECIDED)
    counted = f'tests="{tests}" failures="{counts.get("broken", 0)}" errors="0" skipped="{skipped}"'
    yield f'<?xml version="1.0" encoding="UTF-8"?>\n<testsuites><testsuite name="links" {counted}>\n'.encode()
    for result in results:
        seconds = (result["timings_ms"].get("total") or 0) / 1000
        inner = _outcome(result)
        yield (
            f'<testcase classname="links" name={_attribute(result["url"])} time="{seconds:.3f}">{inner}</testcase>\n'
        ).encode()
    yield b"</testsuite></testsuites>\n"


def _outcome(result: Result) -> str:
    told = " ".join(filter(None, (result["reason"], result["detail"])))
    if result["verdict"] == "broken":
        return f"<failure type={_attribute(result['reason'])} message={_attribute(told)}/>"
    if result["verdict"] in UNDECIDED:
        return f"<skipped message={_attribute(told)}/>"
    return f"<system-out>{escape(_writable(told))}</system-out>" if result["verdict"] == "degraded" else ""


def _attribute(text: str) -> str:
    return quoteattr(_writable(text))


def _writable(text: str) -> str:
    return _UNWRITABLE.sub("\N{REPLACEMENT CHARACTER}", text)


def _sarif(results: Iterable[Result], _: Mapping[str, int]) -> Iterator[bytes]:
    """The rules come last, when it is known which there are: the members of an object have no order."""
    rules: dict[str, str] = {}
    yield SARIF_HEAD
    for result in results:
        if result["verdict"] == "ok":
            continue
        yield (b"," if rules else b"") + msgspec.json.encode(_finding(result))
        rules.setdefault(result["reason"], result["verdict"])
    driver = {"name": "pranala", "rules": [_rule(*rule) for rule in rules.items()]}
    yield b'],"columnKind":"unicodeCodePoints","tool":' + msgspec.json.encode({"driver": driver}) + b"}]}\n"


def _finding(result: Result) -> dict[str, Any]:
    told = " ".join(filter(None, (f"{result['url']} is {result['verdict']}: {result['reason']}.", result["detail"])))
    identity = f"{result['url']} {result['reason']}".encode()
    return {
        "ruleId": result["reason"],
        "level": LEVELS.get(result["verdict"], "note"),
        "message": {"text": told},
        "locations": [{"physicalLocation": {"artifactLocation": {"uri": result["url"]}}}],
        "partialFingerprints": {"link/v1": hashlib.sha256(identity).hexdigest()},
    }


def _rule(reason: str, verdict: str) -> dict[str, Any]:
    return {"id": reason, "shortDescription": {"text": f"A link is {verdict}: {reason}"}}


FORMS = {
    form.content_type: form
    for form in (
        Form("application/x-ndjson", "ndjson", _ndjson),
        Form("text/csv", "csv", _csv),
        Form("application/xml", "xml", _junit),
        Form("application/sarif+json", "sarif", _sarif),
        Form("text/markdown", "md", _markdown),
    )
}
