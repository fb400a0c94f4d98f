"""HTML: what its elements link to, load and embed."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html.parser import HTMLParser
from urllib.parse import urljoin

from cli.documents import text as plain
from cli.documents.reference import Reference

LINKING = {
    "a": ("href",),
    "area": ("href",),
    "link": ("href",),
    "img": ("src",),
    "script": ("src",),
    "iframe": ("src",),
    "frame": ("src",),
    "source": ("src",),
    "video": ("src", "poster"),
    "audio": ("src",),
    "track": ("src",),
    "embed": ("src",),
    "object": ("data",),
    "input": ("src",),
}
# Hints to the browser about a host; what stands there is no page.
HINTS = {"preconnect", "dns-prefetch"}
VERBATIM = {"pre", "code", "kbd", "samp"}

_REFRESH = re.compile(r"^\s*[\d.]+\s*[;,]\s*url\s*=\s*['\"]?([^'\"]+)", re.IGNORECASE)


def references(text: str, verbatim: bool = False) -> Iterator[Reference]:
    """What the page refers to; with `verbatim` the URLs in its examples of code too."""
    found = _Page(verbatim)
    found.feed(text)
    found.close()
    yield from found.references


def anchors(text: str) -> set[str]:
    """The names that a fragment may call."""
    found = _Page(verbatim=False)
    found.feed(text)
    found.close()
    return found.anchors


class _Page(HTMLParser):
    def __init__(self, verbatim: bool) -> None:
        super().__init__(convert_charrefs=True)
        self.references: list[Reference] = []
        self.anchors: set[str] = set()
        self._verbatim = verbatim
        self._base = ""
        self._depth = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value.strip() for name, value in reversed(attrs) if value is not None}
        self.anchors |= {given[name] for name in ("id", "name") if given.get(name)}
        if tag in VERBATIM:
            self._depth += 1
        if tag == "base" and not self._base:
            self._base = given.get("href", "")
        if self._depth and not self._verbatim:
            return
        for target in _targets(tag, given):
            self._refer(target)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag in VERBATIM:
            self._depth -= 1

    def handle_endtag(self, tag: str) -> None:
        if tag in VERBATIM and self._depth:
            self._depth -= 1

    def handle_data(self, data: str) -> None:
        if self._verbatim and self._depth:
            line = self.getpos()[0]
            self.references += [Reference(each.target, each.line + line - 1) for each in plain.references(data)]

    def _refer(self, target: str) -> None:
        self.references.append(Reference(_joined(self._base, target), self.getpos()[0]))


def _joined(base: str, target: str) -> str:
    try:
        return urljoin(base, target)
    except ValueError:
        return target


def _targets(tag: str, given: dict[str, str]) -> Iterator[str]:
    if tag == "link" and HINTS & set(given.get("rel", "").lower().split()):
        return
    for name in LINKING.get(tag, ()):
        if given.get(name):
            yield given[name]
    if tag in ("img", "source") and "srcset" in given:
        yield from _candidates(given["srcset"])
    if tag == "meta" and given.get("http-equiv", "").lower() == "refresh":
        yield from (match[1].strip() for match in [_REFRESH.match(given.get("content", ""))] if match)


def _candidates(srcset: str) -> Iterator[str]:
    """`a.png 1x, b.png 2x`; a comma may stand in a URL, but not at its end."""
    for candidate in re.findall(r"[^\s,]\S*[^\s,](?:\s+[\d.]+[wxh])?(?=\s*(?:,|$))", srcset):
        yield candidate.split()[0]
