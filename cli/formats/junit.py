"""JUnit XML: a test case for each link at each place."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import IO
from xml.etree import ElementTree as Xml

from cli.formats.place import places_or_none
from cli.report import Report
from cli.row import Row

# XML 1.0 has no way to write these.
_UNWRITABLE = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
UNDECIDED = ("inconclusive", "skipped")


def write(report: Report, rows: Sequence[Row], out: IO[str]) -> None:
    """Write one suite. A failure is what --fail-on calls one."""
    cases = [case for row in rows for case in _cases(report, row)]
    failures = str(sum(case.find("failure") is not None for case in cases))
    skipped = str(sum(case.find("skipped") is not None for case in cases))
    counted = {"tests": str(len(cases)), "failures": failures, "errors": "0", "skipped": skipped}
    root = Xml.Element("testsuites", {"name": "pranala", **counted})
    Xml.SubElement(root, "testsuite", {"name": "links", **counted}).extend(cases)
    Xml.indent(root)
    out.write('<?xml version="1.0" encoding="UTF-8"?>\n')
    out.write(Xml.tostring(root, encoding="unicode") + "\n")


def _cases(report: Report, row: Row) -> Iterator[Xml.Element]:
    for place in places_or_none(row):
        given = {"classname": place.file if place else "links", "name": _writable(row.url)}
        if place:
            given |= {"file": place.file, "line": str(place.line)}
        case = Xml.Element("testcase", given)
        _judge(report, row, case)
        yield case


def _judge(report: Report, row: Row, case: Xml.Element) -> None:
    message = _writable(" ".join(filter(None, (row.verdict, row.reason, row.note))))
    if report.fails(row):
        Xml.SubElement(case, "failure", {"type": row.reason, "message": message})
    elif row.verdict in UNDECIDED:
        Xml.SubElement(case, "skipped", {"message": message})
    elif row.is_problem:
        Xml.SubElement(case, "system-out").text = message


def _writable(text: str) -> str:
    return _UNWRITABLE.sub("\N{REPLACEMENT CHARACTER}", text)
