"""Pages and sitemaps as sources of links: fetched by the engine, under its guard, and never more than was agreed."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Protocol

from tasks.links import sitemap
from tasks.links.harvest import Harvest, TooMany
from tasks.links.page import Page
from tasks.links.result import Result, Target
from tasks.links.verdict import Reason, Verdict
from tasks.urls import InvalidUrl, join, scheme_of

# An index may name 50,000 sitemaps, but not an index; some do all the same.
DEEPEST = 3
SITEMAPS_MOST = 1000
# For all of a source; the work is sent again where nobody heard of it for longer.
LONGEST_S = 1200.0

WORDS = {
    Reason.BLOCKED_ADDRESS: "is at an address that may not be fetched",
    Reason.REDIRECT_LOOP: "redirects in a circle",
    Reason.HOST_BACKOFF: "is on a host that wants to be left alone for now",
}


class Unreadable(Exception):
    """The source cannot be fetched or read; the message says why."""


class Reader(Protocol):
    """Fetches one URL, and never raises for anything a server does."""

    def read(self, target: Target) -> tuple[Result, Page | None]: ...


def fill(harvest: Harvest, kind: str, url: str, reader: Reader) -> str:
    """Add every link that the source names; returns what went wrong on the way, or nothing.

    Nothing is added where the source itself cannot be read, or names more than it may.
    """
    try:
        return _read_sitemaps(harvest, url, reader) if kind == "sitemap" else _read_page(harvest, url, reader)
    except Unreadable as error:
        harvest.clear()
        return str(error)
    except TooMany as error:
        harvest.clear()
        return f"the {kind} names {error}"


def _read_page(harvest: Harvest, url: str, reader: Reader) -> str:
    result, page = _fetch(reader, "page", url)
    if not page.is_html:
        raise Unreadable("the page is no HTML")
    references = page.references()
    found_at = result.final_url or url
    base = _joined(found_at, next(references)) or found_at
    for reference in references:
        target = _joined(base, reference)
        # Of others nothing can be said from here, and most are no links at all.
        if target and scheme_of(target) in ("http", "https"):
            harvest.add(target)
    return ""


def _read_sitemaps(harvest: Harvest, url: str, reader: Reader) -> str:
    """An index is followed. One sitemap of many that cannot be read is told, and spoils no other."""
    waiting, seen, failed = [(url, 0)], {url}, list[str]()
    deadline = time.monotonic() + LONGEST_S
    while waiting:
        address, depth = waiting.pop(0)
        if time.monotonic() > deadline:
            raise Unreadable(f"reading the sitemaps took longer than {LONGEST_S:.0f} seconds")
        try:
            is_index, names = _names(reader, address)
            found = names if not is_index else ()
            for name in found:
                harvest.add(name)
            if is_index and depth < DEEPEST:
                fresh = _fresh(names, seen)
                waiting += [(each, depth + 1) for each in fresh]
        except (Unreadable, sitemap.NoSitemap) as error:
            if address == url:
                raise Unreadable(_said(error)) from error
            failed.append(f"{address}: {_said(error)}")
    return f"{len(failed)} of {len(seen)} sitemaps could not be read; the first is {failed[0]}" if failed else ""


def _names(reader: Reader, url: str) -> tuple[bool, Iterator[str]]:
    _, page = _fetch(reader, "sitemap", url)
    return sitemap.read(page.body)


def _fresh(names: Iterator[str], seen: set[str]) -> list[str]:
    fresh = []
    for name in names:
        if name not in seen and len(seen) < SITEMAPS_MOST:
            seen.add(name)
            fresh.append(name)
    return fresh


def _fetch(reader: Reader, what: str, url: str) -> tuple[Result, Page]:
    result, page = reader.read(Target(url, full=True))
    if page is None or result.verdict not in (Verdict.OK, Verdict.DEGRADED):
        raise Unreadable(f"the {what} {_why(result)}")
    if not page.whole:
        raise Unreadable(f"the {what} is larger than {sitemap.LARGEST >> 20} MiB")
    return result, page


def _why(result: Result) -> str:
    if result.status_code is not None and result.status_code >= 300:
        return f"answered {result.status_code}"
    words = WORDS.get(result.reason) or f"cannot be fetched ({result.reason})"
    return f"{words}: {result.detail}" if result.detail else words


def _said(error: Exception) -> str:
    text = str(error)
    return text if text.startswith("the ") else f"the sitemap {text}"


def _joined(base: str, reference: str) -> str:
    try:
        return join(base, reference.strip())
    except InvalidUrl:
        return ""
