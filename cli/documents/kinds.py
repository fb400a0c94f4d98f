"""Which reader a document needs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

from cli.documents import html, markdown, rst, text
from cli.documents.reference import Reference

Read = Callable[[str, bool], Iterator[Reference]]


def _plain(content: str, _verbatim: bool) -> Iterator[Reference]:
    return text.references(content)


READERS: dict[str, Read] = {
    "markdown": markdown.references,
    "html": html.references,
    "rst": rst.references,
    "text": _plain,
}
SUFFIXES = {
    **dict.fromkeys((".md", ".markdown", ".mdown", ".mkd", ".mdx"), "markdown"),
    **dict.fromkeys((".html", ".htm", ".xhtml"), "html"),
    ".rst": "rst",
    **dict.fromkeys((".txt", ".text", ".adoc"), "text"),
}
ANCHORS: dict[str, Callable[[str], set[str]]] = {"markdown": markdown.anchors, "html": html.anchors}


def kind_of(path: Path) -> str:
    """The kind of document that a file's name promises; empty where it promises none."""
    return SUFFIXES.get(path.suffix.lower(), "")
