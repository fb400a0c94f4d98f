"""Documents whose links are a batch: Markdown, HTML with its bookmarks, OPML. Only http and https links are meant."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from html.parser import HTMLParser
from typing import Any
from xml.parsers import expat

from markdown_it import MarkdownIt
from markdown_it.token import Token

from tasks.intake.reading import Line
from web.limits import TAG_LONGEST, TAGS_MOST
from web.problems import Problem

SCHEMES = ("http://", "https://")
OPML_ATTRIBUTES = ("htmlUrl", "xmlUrl", "url")

_READER = MarkdownIt("commonmark").enable("table")


def markdown(body: bytes) -> Iterator[Line]:
    """Links and images, by the line on which their block begins."""
    number = 1
    for token in _READER.parse(_text(body)):
        number = token.map[0] + 1 if token.map else number
        yield from _wanted((number, url, ()) for url in _targets(token.children or ()))


def page(body: bytes) -> Iterator[Line]:
    """What an HTML page links to; a browser's file of bookmarks is one, with tags."""
    reader = _Page()
    reader.feed(_text(body))
    reader.close()
    return _wanted(iter(reader.found))


def opml(body: bytes) -> Iterator[Line]:
    """The sites and feeds of an outline."""
    found: list[tuple[int, str, tuple[str, ...]]] = []
    parser = expat.ParserCreate()

    def begin(name: str, attributes: dict[str, str]) -> None:
        if name == "outline":
            urls = (attributes[each] for each in OPML_ATTRIBUTES if each in attributes)
            found.extend((parser.CurrentLineNumber, url, ()) for url in urls)

    def refuse(*_: Any) -> None:
        raise Problem(400, "The outline defines entities of its own, which no outline needs.")

    parser.StartElementHandler = begin
    parser.EntityDeclHandler = refuse
    try:
        parser.Parse(body, True)
    except expat.ExpatError as error:
        raise Problem(400, f"The body is not valid XML: {error}.") from error
    return _wanted(iter(found))


class _Page(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[int, str, tuple[str, ...]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag in ("a", "area") and (url := given.get("href")):
            self.found.append((self.getpos()[0], url, _tags(given.get("tags") or "")))


def _tags(text: str) -> tuple[str, ...]:
    tags = (tag.strip() for tag in text.split(","))
    return tuple(tag for tag in tags if tag and tag.isprintable() and len(tag) <= TAG_LONGEST)[:TAGS_MOST]


def _targets(children: Sequence[Token]) -> Iterator[str]:
    for child in children:
        url = child.attrs.get("href") if child.type == "link_open" else child.attrs.get("src")
        if isinstance(url, str):
            yield url


def _wanted(found: Iterator[tuple[int, str, tuple[str, ...]]]) -> Iterator[Line]:
    for number, url, tags in found:
        if url.strip().lower().startswith(SCHEMES):
            yield Line(number, url.strip(), tags=tags or None)


def _text(body: bytes) -> str:
    try:
        return body.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise Problem(400, "The document is not UTF-8.") from error
