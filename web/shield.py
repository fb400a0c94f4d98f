"""Pure: a badge as flat SVG in the manner of shields.io, from words that may be anybody's."""

from __future__ import annotations

import unicodedata
from xml.sax.saxutils import escape, quoteattr

COLOURS = {"green": "#4c1", "yellow": "#dfb317", "orange": "#fe7d37", "red": "#e05d44", "grey": "#9f9f9f"}
# Of Verdana at 11 pixels. `textLength` makes any other font as wide.
NARROW, WIDE = "fijlrtI.,:;'|!()[] ", "mwMW%@"
PADDING = 6
LONGEST = 40
SVG = (
    '<svg xmlns="http://www.w3.org/2000/svg" width="{whole}" height="20" role="img" aria-label={title_attribute}>'
    "<title>{title}</title>"
    '<linearGradient id="s" x2="0" y2="100%"><stop offset="0" stop-color="#bbb" stop-opacity=".1"/>'
    '<stop offset="1" stop-opacity=".1"/></linearGradient>'
    '<clipPath id="r"><rect width="{whole}" height="20" rx="3" fill="#fff"/></clipPath>'
    '<g clip-path="url(#r)"><rect width="{left}" height="20" fill="#555"/>'
    '<rect x="{left}" width="{right}" height="20" fill="{colour}"/>'
    '<rect width="{whole}" height="20" fill="url(#s)"/></g>'
    '<g fill="#fff" text-anchor="middle" font-family="Verdana,Geneva,DejaVu Sans,sans-serif" font-size="11">'
    "{words}</g></svg>"
)
WORD = (
    '<text aria-hidden="true" x="{x}" y="15" fill="#010101" fill-opacity=".3" textLength="{length}">{word}</text>'
    '<text x="{x}" y="14" textLength="{length}">{word}</text>'
)


def render(label: str, message: str, colour: str) -> str:
    """The badge. `colour` is one of `COLOURS`."""
    label, message = _shown(label), _shown(message)
    left, right = (_width(each) + 2 * PADDING for each in (label, message))
    title = f"{label}: {message}"
    return SVG.format(
        whole=left + right,
        left=left,
        right=right,
        colour=COLOURS[colour],
        title=escape(title),
        title_attribute=quoteattr(title),
        words=_word(label, left / 2) + _word(message, left + right / 2),
    )


def _shown(text: str) -> str:
    """What can be seen of a text, as far as it fits: nothing that XML forbids or that turns the line around."""
    seen = "".join(each for each in text if unicodedata.category(each)[0] != "C")
    return seen if len(seen) <= LONGEST else f"{seen[: LONGEST - 1]}…"


def _word(word: str, middle: float) -> str:
    return WORD.format(x=middle, length=_width(word), word=escape(word))


def _width(text: str) -> int:
    return round(sum(_advance(each) for each in text))


def _advance(character: str) -> float:
    if unicodedata.combining(character):
        return 0
    if unicodedata.east_asian_width(character) in "WF":
        return 11
    if character in NARROW:
        return 4.2
    if character in WIDE or character.isupper():
        return 8.6 if character.isupper() else 10.5
    return 6.7
