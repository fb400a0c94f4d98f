"""Markdown as GitHub reads it: links, images, definitions, bare URLs and the HTML in between."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Any

from markdown_it import MarkdownIt
from markdown_it.token import Token

from cli.documents import html
from cli.documents import text as plain
from cli.documents.reference import Reference

CODE = ("fence", "code_block")

_READER = MarkdownIt("commonmark").enable(["table", "strikethrough"])
_FRONT_MATTER = re.compile(r"\A---[ \t]*\n.*?\n(?:---|\.\.\.)[ \t]*(?:\n|\Z)", re.DOTALL)
_ANCHOR_SIGNS = re.compile(r"[^\w\- ]")


def references(text: str, verbatim: bool = False) -> Iterator[Reference]:
    """What the document refers to; with `verbatim` the URLs in its examples of code too."""
    source = _without_front_matter(text)
    lines = source.splitlines()
    environment: dict[str, Any] = {}
    tokens = _READER.parse(source, environment)
    defined = {each["href"]: each["map"][0] + 1 for each in environment.get("references", {}).values()}
    yield from (Reference(target, line) for target, line in defined.items())
    for token, line in _placed(tokens):
        for found in _of_block(token, line, verbatim):
            # A link by its name stands where the name is defined; that is where one would mend it.
            if found.target not in defined or found.target in lines[min(found.line, len(lines)) - 1]:
                yield found


def anchors(text: str) -> set[str]:
    """The names that a fragment may call: headings as GitHub names them, and ids of HTML."""
    tokens = _READER.parse(_without_front_matter(text))
    found: set[str] = set()
    for before, token in pairwise(tokens):
        if before.type == "heading_open":
            found.add(_unused(_slug(token.children or ()), found))
        elif token.type == "html_block":
            found |= html.anchors(token.content)
        found |= _inline_anchors(token)
    return found


def _without_front_matter(text: str) -> str:
    """The text without the metadata before it, every line where it was."""
    found = _FRONT_MATTER.match(text)
    return "\n" * found[0].count("\n") + text[found.end() :] if found else text


def _placed(tokens: Sequence[Token]) -> Iterator[tuple[Token, int]]:
    """Each token with its first line. What a table's cell holds has no line of its own, its row has."""
    line = 1
    for token in tokens:
        if token.map:
            line = token.map[0] + 1
        yield token, line


def _of_block(token: Token, line: int, verbatim: bool) -> Iterator[Reference]:
    if token.type == "inline":
        yield from _of_inline(token.children or (), line, verbatim)
    elif token.type == "html_block":
        yield from _shifted(html.references(token.content, verbatim), line)
    elif token.type in CODE and verbatim:
        yield from _shifted(plain.references(token.content), line + (token.type == "fence"))


def _of_inline(children: Sequence[Token], line: int, verbatim: bool) -> Iterator[Reference]:
    linked = 0
    for child in children:
        if child.type in ("softbreak", "hardbreak"):
            line += 1
        elif child.type == "link_open":
            linked += 1
            yield Reference(str(child.attrs.get("href", "")), line)
        elif child.type == "link_close":
            linked -= 1
        elif child.type == "image":
            yield Reference(str(child.attrs.get("src", "")), line)
        elif child.type == "html_inline":
            yield from _shifted(html.references(child.content, verbatim), line)
        elif (child.type == "text" and not linked) or (child.type == "code_inline" and verbatim):
            yield from (Reference(url, line) for url in plain.urls(child.content))


def _shifted(found: Iterator[Reference], line: int) -> Iterator[Reference]:
    return (Reference(each.target, each.line + line - 1) for each in found)


def _slug(children: Sequence[Token]) -> str:
    heading = "".join(child.content for child in children if child.type in ("text", "code_inline"))
    return _ANCHOR_SIGNS.sub("", heading.strip().lower()).replace(" ", "-")


def _unused(slug: str, found: set[str]) -> str:
    """GitHub numbers headings that are called the same."""
    name, number = slug, 0
    while name in found:
        number += 1
        name = f"{slug}-{number}"
    return name


def _inline_anchors(token: Token) -> set[str]:
    inline = "".join(child.content for child in token.children or () if child.type == "html_inline")
    return html.anchors(inline) if inline else set()
