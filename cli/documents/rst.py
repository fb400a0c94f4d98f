"""reStructuredText: links, targets, images and bare URLs; examples of code are passed over."""

from __future__ import annotations

import re
from collections.abc import Iterator

from cli.documents import text as plain
from cli.documents.reference import Reference

_EMBEDDED = re.compile(r"`[^`<]*<([^<>`]+?)>`__?")
_TARGET = re.compile(r"^\s*\.\.\s+_(?:`[^`]+`|[^:]+):\s+(\S+)\s*$")
_DIRECTIVE = re.compile(r"^\s*(?:\.\.\s+(?:\|[^|]+\|\s+)?(?:image|figure)::|:target:)\s+(\S+)\s*$")
_ANONYMOUS = re.compile(r"^\s*__\s+(\S+)\s*$")
_CODE = re.compile(r"^\s*\.\.\s+(?:code|code-block|sourcecode|parsed-literal|highlight|raw)::")
_INLINE_LITERAL = re.compile(r"``.+?``")


def references(text: str, verbatim: bool = False) -> Iterator[Reference]:
    """What the document refers to; with `verbatim` the URLs in its examples of code too."""
    for number, line, is_code in _lines(text):
        if is_code:
            if verbatim:
                yield from (Reference(url, number) for url in plain.urls(line))
            continue
        for target in _targets(line if verbatim else _INLINE_LITERAL.sub("", line)):
            yield Reference(target, number)


def _targets(line: str) -> Iterator[str]:
    for form in (_TARGET, _DIRECTIVE, _ANONYMOUS):
        if found := form.match(line):
            # `name_` is another name of a target, and no place of its own.
            if not found[1].endswith("_"):
                yield found[1]
            return
    for target in _EMBEDDED.findall(line):
        if not target.endswith("_"):
            yield target
    yield from plain.urls(_EMBEDDED.sub("", line))


def _lines(text: str) -> Iterator[tuple[int, str, bool]]:
    """Each line's number, and whether it is of an indented example."""
    outside: int | None = None
    for number, line in enumerate(text.splitlines(), 1):
        indent = len(line) - len(line.lstrip())
        if outside is not None and line.strip() and indent <= outside:
            outside = None
        yield number, line, outside is not None
        opens = _CODE.match(line) or (line.rstrip().endswith("::") and not line.lstrip().startswith(".. "))
        if outside is None and opens:
            outside = indent
