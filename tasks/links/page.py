"""A page that was fetched: its text, and where it is HTML what can be found in it."""

from __future__ import annotations

import codecs
import re
import time
from collections.abc import Iterator
from functools import cached_property

from selectolax.lexbor import LexborHTMLParser

from tasks.links.fragment import comparable

_HTML = ("text/html", "application/xhtml+xml")
_CHARSET = re.compile(r"charset\s*=\s*[\"']?([\w.:-]+)", re.IGNORECASE)
_DECLARED_WITHIN = 1024
_FIRST_PIECE = 32 * 1024
# For a character, of this thread's CPU time.
_SLOW_S = 1e-6
_REFERRING = (
    "a[href], area[href], link[href], img[src], script[src], iframe[src], frame[src], source[src], video, audio[src],"
    " track[src], embed[src], object[data], input[src]"
)
_REFERRED = ("href", "src", "data", "poster")
# Hints to the browser about a host; what stands there is no page.
_HINTS = {"preconnect", "dns-prefetch"}
# What nobody reads; a `noscript` is for browsers that we do not judge by.
_UNREAD = ["script", "style", "template", "noscript", "head"]
# fmt: off
_INLINE = [
    "a", "abbr", "acronym", "b", "bdi", "bdo", "big", "cite", "code", "data", "del", "dfn", "em", "font", "i", "ins",
    "kbd", "label", "mark", "q", "s", "samp", "small", "span", "strike", "strong", "sub", "sup", "time", "tt", "u",
    "var", "wbr",
]
# fmt: on


class Page:
    """What a server sent as `body`, or the beginning of it: `arrived` tells whether that is all."""

    def __init__(self, body: bytes, content_type: str = "", arrived: bool = True) -> None:
        self.body = body
        self._arrived = arrived
        self._content_type = content_type.lower()

    @property
    def whole(self) -> bool:
        """Was it read to its end? What is not found may else be in the rest."""
        return self._arrived and not (self.is_html and len(self._legible[0]) < len(self.text))

    @property
    def is_html(self) -> bool:
        return self._content_type.strip().startswith(_HTML)

    @cached_property
    def text(self) -> str:
        """The body as text, as sent."""
        return self.body.decode(self._charset(), "replace")

    @cached_property
    def prose(self) -> str:
        """What a reader sees, in one line."""
        if not self.is_html:
            return " ".join(self.text.split())
        tree = LexborHTMLParser(self._legible[0])
        tree.strip_tags(_UNREAD)
        # Words that only an inline element parts belong together; all other elements stand apart.
        tree.unwrap_tags(_INLINE)
        tree.merge_text_nodes()
        return " ".join(tree.body.text(separator=" ").split()) if tree.body else ""

    @cached_property
    def comparable(self) -> str:
        """The same as texts of a fragment are compared with it."""
        return comparable(self.prose)

    @cached_property
    def title(self) -> str:
        found = self._tree.css_first("title")
        return " ".join(found.text().split()) if found else ""

    def references(self) -> Iterator[str]:
        """What the page links to, loads and embeds, as written, and what that is relative to first."""
        base = self._tree.css_first("base[href]")
        yield (base.attributes.get("href") or "") if base else ""
        for node in self._tree.css(_REFERRING):
            given = node.attributes
            if not _HINTS & set((given.get("rel") or "").lower().split()):
                yield from (url for name in _REFERRED if (url := given.get(name)))

    @property
    def asks_password(self) -> bool:
        return self._tree.css_first("input[type=password i]") is not None

    def has_element(self, *names: str) -> bool:
        """Is there an element with such an id, or an anchor with such a name?"""
        return not self._element_names.isdisjoint(names)

    @cached_property
    def _element_names(self) -> frozenset[str | None]:
        ids = {node.attributes.get("id") for node in self._tree.css("[id]")}
        return frozenset(ids.union(node.attributes.get("name") for node in self._tree.css("a[name]")))

    @property
    def _tree(self) -> LexborHTMLParser:
        return self._legible[1]

    @cached_property
    def _legible(self) -> tuple[str, LexborHTMLParser]:
        """The text as far as it can be parsed in reasonable time, and its tree."""
        return _parse(self.text)

    def _charset(self) -> str:
        declared = _CHARSET.search(self._content_type)
        if self.body.startswith(codecs.BOM_UTF8):
            return "utf-8-sig"
        if declared is None and self.is_html:
            declared = _CHARSET.search(self.body[:_DECLARED_WITHIN].decode("latin-1"))
        return _known(declared[1]) if declared else "utf-8"


def _parse(text: str) -> tuple[str, LexborHTMLParser]:
    """Parse ever longer beginnings, and stop at one that is slow.

    An ordinary page is parsed at 20 MB/s; one whose elements are never closed takes time by the square of its length.
    """
    end = _FIRST_PIECE
    while True:
        began = time.thread_time()
        tree = LexborHTMLParser(text[:end])
        if end >= len(text) or time.thread_time() - began > end * _SLOW_S:
            return text[:end], tree
        end *= 4


def _known(label: str) -> str:
    """Return Python's name of an encoding, as browsers read its label."""
    try:
        name = codecs.lookup(label).name
        "".encode(name).decode(name)
    except (LookupError, ValueError):
        return "utf-8"
    return "cp1252" if name in ("iso8859-1", "ascii") else name
