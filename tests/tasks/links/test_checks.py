"""What is left out of a stored check is there again when it is read."""

import dataclasses
from typing import Any

import pytest

from tasks.links import checks
from tasks.links.result import Hop, Result
from tasks.links.verdict import Reason
from tests.tasks.links.results import result
from tests.tasks.links.test_handlers import NOON

URL = "https://a.example/"
THERE = "https://a.example/there"
PHASES = {"dns": 0.5, "connect": 1.25, "tls": 10.0, "ttfb": 100.125, "total": 112.5}


def like(**changes: Any) -> Result:
    return dataclasses.replace(result(Reason.OK, NOON, URL, full=False), **changes)


@pytest.mark.parametrize(
    ("found", "shortened"),
    [
        (like(), {"final_url", "hops", "methods", "detail"}),
        (like(timings_ms=PHASES), {"final_url", "hops", "methods", "detail"}),
        (like(methods=("HEAD", "GET"), detail="refused HEAD"), {"final_url", "hops"}),
        (like(final_url=THERE, hops=(Hop(URL, 301, "192.0.2.1"), Hop(THERE, 200, "192.0.2.2"))), {"methods", "detail"}),
        # Refused before anybody was asked.
        (like(final_url=None, hops=(), methods=(), status_code=None, timings_ms={}), {"detail"}),
        # No answer came, and nobody was reached.
        (like(hops=(Hop(URL, None, None),), status_code=None), {"final_url", "hops", "methods", "detail"}),
        # The answer that counts is not that of the hop.
        (like(hops=(Hop(URL, None, "192.0.2.1"),)), {"final_url", "methods", "detail"}),
    ],
)
def test_a_check_comes_back_as_it_was(found: Result, shortened: set[str]) -> None:
    stored = checks.stored(URL, found)
    assert {name for name in ("final_url", "hops", "methods", "detail") if stored[name] is None} == shortened
    hops = None if stored["hops"] is None else [dataclasses.asdict(hop) for hop in found.hops]
    row = {**stored, "url": URL, "hops": hops, "status_code": found.status_code, "timings_ms": None}
    assert checks.in_full(row) == {
        "url": URL,
        "final_url": found.final_url,
        "hops": [dataclasses.asdict(hop) for hop in found.hops],
        "timings_ms": found.timings_ms,
        "methods": list(found.methods),
        "detail": found.detail,
    }


def test_a_check_from_before_anything_was_left_out_reads_as_it_is() -> None:
    old = {"url": URL, "final_url": None, "hops": [], "timings_ms": {}, "methods": [], "detail": ""}
    assert checks.in_full(old) == old
