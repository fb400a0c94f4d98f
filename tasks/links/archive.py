"""An archive's index of copies, asked for the one nearest to a time: the CDX API, which the Wayback Machine speaks."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol
from urllib.parse import urldefrag, urlencode

import msgspec

from tasks.links.page import Page
from tasks.links.result import Result, Target
from tasks.links.verdict import Reason, Verdict

# Of those who are asked to wait and not told how long.
USUAL_WAIT_S = 600.0
BUSY = (Reason.RATE_LIMITED, Reason.SERVICE_UNAVAILABLE, Reason.HOST_BACKOFF)


class ArchiveFailed(Exception):
    """There was no answer that can be understood; ask again later."""


class ArchiveBusy(ArchiveFailed):
    """The archive wants to be left alone, for `wait_s`."""

    def __init__(self, wait_s: float) -> None:
        super().__init__(f"the archive wants to be left alone for {wait_s:.0f} s")
        self.wait_s = wait_s


class Reader(Protocol):
    """Something that fetches as links are checked: guarded, and sparing each host."""

    def read(self, target: Target) -> tuple[Result, Page | None]: ...


@dataclass(frozen=True)
class Archive:
    """An archive at `url`, such as https://web.archive.org."""

    url: str
    reader: Reader

    def nearest(self, url: str, at: datetime) -> str | None:
        """Where the copy of `url` is that was made nearest to this time; None where there is none.

        Raises `ArchiveFailed`.
        """
        base, asked = self.url.rstrip("/"), urldefrag(url).url
        wanted = {
            "url": asked,
            "output": "json",
            "fl": "timestamp",
            "filter": "statuscode:200",
            "closest": f"{at:%Y%m%d%H%M%S}",
            "sort": "closest",
            "limit": "1",
        }
        question = Target(f"{base}/cdx/search/cdx?{urlencode(wanted)}", full=True)
        timestamp = _timestamp(_body(*self.reader.read(question)))
        return f"{base}/web/{timestamp}/{asked}" if timestamp else None


def _body(result: Result, page: Page | None) -> bytes:
    if result.wait_s or result.reason in BUSY:
        raise ArchiveBusy(result.wait_s or result.retry_after_s or USUAL_WAIT_S)
    if page is None or result.verdict not in (Verdict.OK, Verdict.DEGRADED) or not page.whole:
        raise ArchiveFailed(f"the archive answered {result.status_code or result.reason}")
    return page.body


def _timestamp(body: bytes) -> str | None:
    """Of a table whose first row names its columns; a table of nothing has no rows at all."""
    try:
        rows: Any = msgspec.json.decode(body or b"[]")
    except (msgspec.DecodeError, RecursionError) as error:
        raise ArchiveFailed("the archive's answer is no JSON") from error
    if not (isinstance(rows, list) and all(isinstance(row, list) and len(row) == 1 for row in rows)):
        raise ArchiveFailed("the archive's answer is no table")
    if len(rows) < 2:
        return None
    found = rows[1][0]
    if not (isinstance(found, str) and len(found) == 14 and found.isascii() and found.isdigit()):
        raise ArchiveFailed("the archive's answer has no timestamp")
    return found
