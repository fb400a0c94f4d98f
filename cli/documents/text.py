"""Plain text: every http and https URL that stands in it."""

from __future__ import annotations

import re
from collections.abc import Iterator

from cli.documents.reference import Reference

_URL = re.compile(r"https?://[^\s<>\"'`{}|\\^\x00-\x20]+", re.IGNORECASE)
_PAIRS = {")": "(", "]": "["}
_PUNCTUATION = ".,;:!?*_~'\""


def references(text: str) -> Iterator[Reference]:
    """The URLs, line by line."""
    for number, line in enumerate(text.splitlines(), 1):
        for url in urls(line):
            yield Reference(url, number)


def urls(text: str) -> Iterator[str]:
    """The URLs of a text, without the punctuation of the sentence that they stand in."""
    for found in _URL.finditer(text):
        url = _trimmed(found[0])
        if not url.endswith("//"):
            yield url


def _trimmed(url: str) -> str:
    while url:
        last = url[-1]
        unpaired = last in _PAIRS and url.count(last) > url.count(_PAIRS[last])
        if not unpaired and last not in _PUNCTUATION:
            break
        url = url[:-1]
    return url
