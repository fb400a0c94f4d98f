"""What a URL's fragment promises of its page: an element by that name, or a text to be highlighted."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import unquote

DIRECTIVES = ":~:"
# Scripts keep their state in fragments; these are how they write it, and no id of an element is written so.
_STATE_MARKS = ("/", "!", "?")
# Lines of a source file, which the script of a forge shows.
_LINES = re.compile(r"L\d+(C\d+)?(-L?\d+(C\d+)?)?")
_UNSEEN = str.maketrans("", "", "\u00ad\u200b\u200c\u200d\u2060\ufeff")
# From here on words are written without spaces between them.
_FIRST_UNSPACED = "\u2e80"
# Looked at before a text counts as missing; a page that is one letter over and over has no end of them.
MOST_OCCURRENCES = 10_000


@dataclass(frozen=True, slots=True)
class TextDirective:
    """`text=prefix-,start,end,-suffix`, as text that can be compared (see `comparable`)."""

    start: str
    end: str = ""
    prefix: str = ""
    suffix: str = ""


@dataclass(frozen=True, slots=True)
class Fragment:
    """The anchor's name, empty where none is promised, and the texts that must be there."""

    anchor: str
    texts: tuple[TextDirective, ...] = ()


def promise_of(url: str) -> Fragment | None:
    """Return what the fragment promises; None where the URL promises nothing."""
    _, sharp, fragment = url.partition("#")
    if not sharp:
        return None
    anchor, _, directives = fragment.partition(DIRECTIVES)
    texts = tuple(_texts(directives))
    anchor = "" if _is_no_anchor(anchor) else anchor
    return Fragment(anchor, texts) if anchor or texts else None


def _is_no_anchor(anchor: str) -> bool:
    """Is it the top of the page, or the state of a script rather than the name of an element?"""
    if anchor.lower() in ("", "top") or anchor.startswith(_STATE_MARKS) or "=" in anchor:
        return True
    return _LINES.fullmatch(anchor) is not None


def spellings(anchor: str) -> tuple[str, ...]:
    """Return the names by which a browser, or the script of a forge such as GitHub, finds the element."""
    decoded = unquote(anchor)
    return anchor, decoded, f"user-content-{decoded}"


def _texts(directives: str) -> Iterator[TextDirective]:
    for directive in directives.split("&"):
        name, equals, value = directive.partition("=")
        if name == "text" and equals and (text := _text(value.split(","))):
            yield text


def _text(parts: list[str]) -> TextDirective | None:
    """Read the parts of a directive; None where a browser would not understand it and so would ignore it."""
    prefix = parts.pop(0)[:-1] if parts[0].endswith("-") else ""
    suffix = parts.pop()[1:] if parts and parts[-1].startswith("-") else ""
    if not 1 <= len(parts) <= 2:
        return None
    end = parts[1] if len(parts) == 2 else ""
    words = [comparable(unquote(part)) for part in (parts[0], end, prefix, suffix)]
    return TextDirective(*words) if words[0] else None


def comparable(text: str) -> str:
    """Return text as it is compared: without case, runs of white space, and marks that nobody sees."""
    return " ".join(unicodedata.normalize("NFKC", text).translate(_UNSEEN).casefold().split())


def is_found(wanted: TextDirective, text: str) -> bool:
    """Is the directive's text in this comparable text, in whole words?"""
    starts = (begin for begin in _occurrences(text, wanted.start, 0) if _precedes(wanted.prefix, text, begin))
    if not wanted.end:
        return any(_follows(wanted.suffix, text, begin + len(wanted.start)) for begin in starts)
    # Those that come after the first have less text behind them to end in, never more.
    first = next(starts, None)
    if first is None:
        return False
    ends = (begin + len(wanted.end) for begin in _occurrences(text, wanted.end, first + len(wanted.start)))
    return any(_follows(wanted.suffix, text, end) for end in ends)


def _occurrences(text: str, words: str, start: int) -> Iterator[int]:
    at = start - 1
    for _ in range(MOST_OCCURRENCES):
        at = text.find(words, at + 1)
        if at < 0:
            return
        if _is_boundary(text, at) and _is_boundary(text, at + len(words)):
            yield at


def _precedes(words: str, text: str, at: int) -> bool:
    end = at - 1 if at and text[at - 1] == " " else at
    return not words or (text.endswith(words, 0, end) and _is_boundary(text, end - len(words)))


def _follows(words: str, text: str, at: int) -> bool:
    start = at + 1 if at < len(text) and text[at] == " " else at
    return not words or (text.startswith(words, start) and _is_boundary(text, start + len(words)))


def _is_boundary(text: str, at: int) -> bool:
    """Does a word begin or end here?"""
    if not 0 < at < len(text):
        return True
    left, right = text[at - 1], text[at]
    return not (left.isalnum() and right.isalnum()) or left >= _FIRST_UNSPACED or right >= _FIRST_UNSPACED
