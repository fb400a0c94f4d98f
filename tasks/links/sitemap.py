"""Sitemaps: what a sitemap or an index of sitemaps names, in XML or as text, packed or not.

The command line reads sitemaps by the same rules (`cli/pages.py`), but from the user's machine, with lines to show, and
without a module of the services.
"""

from __future__ import annotations

import html
import re
import zlib
from collections.abc import Iterator
from itertools import chain

# As much as the protocol allows a sitemap to be, unpacked.
LARGEST = 50 * 1024 * 1024
_PIECE = 1024 * 1024
# A name that is not closed within this is none.
_LONGEST = 16 * 1024

_GZIP = b"\x1f\x8b"
_INDEX = re.compile(rb"<(?:\w+:)?sitemapindex\b")
# Possessive throughout: whatever a server sends is read in one go.
_LOCATION = re.compile(rb"<(?:\w++:)?loc\s*+>([^<]*+(?:<!\[CDATA\[[^\]<]*+\]\]>[^<]*+)?+)</", re.ASCII)
_LINE = re.compile(rb"^[ \t]*+(https?://\S++)[ \t]*+\r?+$", re.MULTILINE | re.IGNORECASE)
_CDATA = re.compile(rb"<!\[CDATA\[|\]\]>")


class NoSitemap(ValueError):
    """The body cannot be read as a sitemap; the message says why."""


def read(body: bytes) -> tuple[bool, Iterator[str]]:
    """Whether this is an index of further sitemaps, and the URLs that it names, as written. Raises NoSitemap, also
    from the iterator."""
    pieces = _unpacked(body)
    first = next(pieces, b"")
    pieces = chain((first,), pieces)
    if first.removeprefix(b"\xef\xbb\xbf").lstrip().startswith(b"<"):
        return _INDEX.search(first) is not None, _locations(pieces)
    if _LINE.search(first) is None:
        raise NoSitemap("is no sitemap: it names no URL")
    return False, _lines(pieces)


def _locations(pieces: Iterator[bytes]) -> Iterator[str]:
    rest = b""
    for piece in pieces:
        text, end = rest + piece, 0
        for found in _LOCATION.finditer(text):
            end = found.end()
            yield html.unescape(_CDATA.sub(b"", found[1]).decode("utf-8", "replace")).strip()
        rest = text[max(end, len(text) - _LONGEST) :]


def _lines(pieces: Iterator[bytes]) -> Iterator[str]:
    rest = b""
    for piece in chain(pieces, (b"\n",)):
        text, end, rest = (rest + piece).rpartition(b"\n")
        rest = rest[:_LONGEST]
        if end:
            yield from (found[1].decode("utf-8", "replace") for found in _LINE.finditer(text))


def _unpacked(body: bytes) -> Iterator[bytes]:
    if not body.startswith(_GZIP):
        yield from (body[start : start + _PIECE] for start in range(0, len(body), _PIECE))
        return
    unpacking, packed, size = zlib.decompressobj(zlib.MAX_WBITS | 16), body, 0
    while packed and not unpacking.eof:
        try:
            piece = unpacking.decompress(packed, _PIECE)
        except zlib.error as error:
            raise NoSitemap(f"is not gzip after all: {error}") from error
        packed, size = unpacking.unconsumed_tail, size + len(piece)
        if size > LARGEST:
            raise NoSitemap(f"unpacks to more than {LARGEST >> 20} MiB")
        yield piece
    if not unpacking.eof:
        raise NoSitemap("is cut short")
