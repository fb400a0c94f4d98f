"""The lines of a batch, in every format it may come in. A bad line is told by its number and spoils no other."""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Annotated, Any

import msgspec
from msgspec import UNSET, Meta, UnsetType

from tasks.intake.reading import Line
from tasks.urls import InvalidUrl, normalise, scheme_of
from web import documents, options
from web.limits import (
    CONFIRM_LONGEST_S,
    EXTERNAL_ID_LONGEST,
    INTERVAL_LONGEST_S,
    INTERVAL_SHORTEST_S,
    ONE_LINE,
    TAG_LONGEST,
    TAGS_MOST,
)
from web.problems import Fault, Problem, invalid, too_large

LINE_LONGEST = 64 * 1024
SHOWN = 500
OPTION_COLUMNS = ("method", "timeout_s", "robots")
COLUMNS = (
    *("url", "interval_s", "tags", "external_id", "full", "confirm_hard", "confirm_transient", "min_confirm_s"),
    *OPTION_COLUMNS,
)
DELIMITERS = (",", ";", "\t")

# What is decoded in one go; with what is left of the block before it stays below the longest line, mostly.
_BLOCK = LINE_LONGEST // 2
_BOM = b"\xef\xbb\xbf"
_PLACE = re.compile(r" - at `\$(.*)`$")

_Tag = Annotated[str, Meta(min_length=1, max_length=TAG_LONGEST, pattern=ONE_LINE)]


class _Link(msgspec.Struct, forbid_unknown_fields=True):
    url: str
    interval_s: Annotated[int, Meta(ge=INTERVAL_SHORTEST_S, le=INTERVAL_LONGEST_S)] | None = None
    tags: Annotated[tuple[_Tag, ...], Meta(max_length=TAGS_MOST)] | None = None
    external_id: Annotated[str, Meta(max_length=EXTERNAL_ID_LONGEST, pattern=ONE_LINE)] | None = None
    full: bool = False
    confirm_hard: Annotated[int, Meta(ge=1, le=100)] | None = None
    confirm_transient: Annotated[int, Meta(ge=1, le=100)] | None = None
    min_confirm_s: Annotated[float, Meta(ge=0, le=CONFIRM_LONGEST_S)] | None = None
    options: dict[str, Any] | None = None

    @property
    def is_plain(self) -> bool:
        """Is nothing set on how it is checked?"""
        confirms = self.confirm_hard or self.confirm_transient or self.min_confirm_s is not None
        return self.options is None and not confirms


class _Cells(_Link, forbid_unknown_fields=True):
    """A row of CSV, in which the simple ones of the options are columns."""

    method: str | None = None
    timeout_s: float | None = None
    robots: bool | None = None


class _Batch(msgspec.Struct, forbid_unknown_fields=True):
    urls: list[msgspec.Raw] | UnsetType = UNSET
    links: list[msgspec.Raw] | UnsetType = UNSET
    markdown: str | UnsetType = UNSET
    sitemap: str | UnsetType = UNSET
    page: str | UnsetType = UNSET


_MEMBERS = tuple(_Batch.__struct_fields__)
_BATCH = msgspec.json.Decoder(_Batch)
_URL = msgspec.json.Decoder(str)
_LINK = msgspec.json.Decoder(_Link)
_URL_OR_LINK = msgspec.json.Decoder(_Link | str)

Decode = Callable[[bytes | msgspec.Raw], Any]


def plain_text(chunks: Iterable[bytes]) -> Iterator[Line]:
    """A URL a line; empty lines and those that begin with `#` are passed over."""
    for number, text, fault in _texts(chunks):
        if fault:
            yield Line(number, text, fault=fault)
        elif text and not text.startswith("#"):
            yield Line(number, text)


def ndjson(chunks: Iterable[bytes]) -> Iterator[Line]:
    """A JSON value a line: a link as an object, or a URL as a string."""
    for number, text, fault in _texts(chunks):
        if fault:
            yield Line(number, text[:SHOWN], fault=fault)
        elif text:
            yield _decoded(number, text.encode(), _URL_OR_LINK.decode)


def at_most(lines: Iterable[Line], most: int) -> Iterator[Line]:
    """The same lines, unless there are more."""
    for count, line in enumerate(lines, 1):
        if count > most:
            raise too_many(most)
        yield line


def too_many(most: int) -> Problem:
    """The batch is longer than one job may be."""
    return too_large(f"The batch has more than {most:,} lines; split it. Nothing was accepted.")


@dataclass(frozen=True)
class Source:
    """A page or sitemap of the web that is to be read for its links; the URL is in its normal form."""

    kind: str
    url: str


def json_document(body: bytes) -> Source | tuple[str, Iterator[Line], int]:
    """`{"sitemap": URL}` or `{"page": URL}` as a source; else `{"urls": [...]}`, `{"links": [{...}]}` or
    `{"markdown": …}`: which, its links, numbered like lines, and how many they are, if that is known."""
    try:
        batch = _BATCH.decode(body)
    except msgspec.ValidationError as error:
        detail, pointer = _place(str(error))
        raise invalid(Fault(pointer, detail)) from error
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Problem(400, f"The body is not valid JSON: {error}.") from error
    given = [name for name in _MEMBERS if getattr(batch, name) is not UNSET]
    if len(given) != 1:
        raise invalid(Fault("", f"Give one of {', '.join(_MEMBERS)}."))
    if batch.sitemap is not UNSET or batch.page is not UNSET:
        return _source(given[0], getattr(batch, given[0]))
    if batch.markdown is not UNSET:
        return "markdown", documents.markdown(batch.markdown.encode()), 0
    if batch.urls is not UNSET:
        return "urls", _items(batch.urls, _URL.decode), len(batch.urls)
    assert batch.links is not UNSET
    return "links", _items(batch.links, _LINK.decode), len(batch.links)


def _source(kind: str, text: str) -> Source:
    try:
        url = normalise(text)
    except InvalidUrl as error:
        raise invalid(Fault(f"/{kind}", f"It {error}.")) from error
    if scheme_of(url) not in ("http", "https"):
        raise invalid(Fault(f"/{kind}", "Give an http or https URL."))
    return Source(kind, url)


def csv_table(chunks: Iterable[bytes]) -> Iterator[Line]:
    """A header row that names `url`, or a single column without one. Each record is one line."""
    rows = ((number, text, fault) for number, text, fault in _texts(chunks) if text or fault)
    first = next(rows, None)
    if first is None:
        return
    columns, delimiter = _header(first[1])
    if not columns:
        columns, delimiter = ("url",), ","
        yield _record(first, columns, delimiter)
    for row in rows:
        yield _record(row, columns, delimiter)


def _header(text: str) -> tuple[tuple[str, ...], str]:
    """The columns and what parts them; no columns where the first row is none that names `url`."""
    for delimiter in DELIMITERS:
        names = tuple(name.strip().lower() for name in _cells(text, delimiter) or ())
        if "url" in names:
            unknown = sorted(set(names) - set(COLUMNS))
            if unknown or len(set(names)) < len(names):
                raise invalid(Fault("/header", f"Name each of {', '.join(COLUMNS)} at most once, and nothing else."))
            return names, delimiter
    return (), ""


def _record(row: tuple[int, str, str], columns: tuple[str, ...], delimiter: str) -> Line:
    number, text, fault = row
    cells = None if fault else _cells(text, delimiter)
    if cells is None:
        return Line(number, text[:SHOWN], fault=fault or "has a quotation mark that is not closed")
    if len(cells) != len(columns):
        return Line(number, text[:SHOWN], fault=f"has {len(cells)} columns where {len(columns)} are expected")
    given: dict[str, Any] = {name: cell.strip() for name, cell in zip(columns, cells, strict=True) if cell.strip()}
    if "tags" in given:
        given["tags"] = [tag.strip() for tag in re.split("[;,]", given["tags"]) if tag.strip()]
    try:
        return _line(number, _of_cells(msgspec.convert(given, _Cells, strict=False)))
    except (msgspec.ValidationError, options.Refused) as error:
        return Line(number, text[:SHOWN], fault=_fault(error))


def _cells(text: str, delimiter: str) -> list[str] | None:
    """One record's cells, or nothing where it cannot be read; a URL holds no line break, so a record is one line."""
    try:
        return next(csv.reader([text], delimiter=delimiter, strict=True))
    except (csv.Error, StopIteration):
        return None


def _items(items: list[msgspec.Raw], decode: Decode) -> Iterator[Line]:
    return (_decoded(number, item, decode) for number, item in enumerate(items, 1))


def _decoded(number: int, item: bytes | msgspec.Raw, decode: Decode) -> Line:
    try:
        return _line(number, decode(item))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, options.Refused) as error:
        # What is told of a bad line is remembered with the answer, and options may hold secrets.
        shown = bytes(item).partition(b'"options"')[0][:SHOWN]
        return Line(number, shown.decode(errors="replace"), fault=_fault(error))


def _line(number: int, value: _Link | str) -> Line:
    if isinstance(value, str):
        return Line(number, value)
    line = Line(number, value.url, value.interval_s, value.tags, value.external_id, "", value.full)
    if value.is_plain:
        return line
    settings, secrets = options.settings_of(msgspec.structs.asdict(value))
    return line._replace(settings=settings, secrets=secrets)


def _of_cells(row: _Cells) -> _Cells:
    given = {name: value for name in OPTION_COLUMNS if (value := getattr(row, name)) is not None}
    return msgspec.structs.replace(row, options=given) if given else row


def _fault(error: Exception) -> str:
    if isinstance(error, options.Refused):
        return str(error)
    if not isinstance(error, msgspec.ValidationError):
        return f"is not valid JSON: {error}"
    detail, pointer = _place(str(error))
    return f"{pointer.lstrip('/')}: {detail}" if pointer else detail


def _place(message: str) -> tuple[str, str]:
    """msgspec's message without its place, and the place as a JSON pointer."""
    found = _PLACE.search(message)
    if not found:
        return message, ""
    return message[: found.start()], re.sub(r"\[(\d+|\.\.\.)\]", r"/\1", found[1]).replace(".", "/")


def _texts(chunks: Iterable[bytes]) -> Iterator[tuple[int, str, str]]:
    """Each line's number, its text without the white space around it, and what is wrong with it."""
    number = 0
    for block in _blocks(chunks):
        if not number:
            block = block.removeprefix(_BOM)
        for text, fault in _texts_of(block):
            number += 1
            yield number, text, fault


def _texts_of(block: bytes) -> Iterable[tuple[str, str]]:
    # Nearly every block is whole UTF-8, and reading it in one go is many times faster.
    if len(block) <= LINE_LONGEST:
        with suppress(UnicodeDecodeError):
            return [(text.strip(), "") for text in block.decode().split("\n")]
    return map(_text, block.split(b"\n"))


def _text(raw: bytes) -> tuple[str, str]:
    if len(raw) > LINE_LONGEST:
        return raw[:SHOWN].decode(errors="replace"), f"is longer than {LINE_LONGEST:,} bytes"
    try:
        return raw.decode().strip(), ""
    except UnicodeDecodeError:
        return raw[:SHOWN].decode(errors="replace"), "is not UTF-8"


def _blocks(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Whole lines, many at a time, without the end of the last one. Of a line that is too long only the beginning is
    kept, which is still too long."""
    rest = b""
    for chunk in chunks:
        for start in range(0, len(chunk), _BLOCK):
            whole, end, tail = (rest + chunk[start : start + _BLOCK]).rpartition(b"\n")
            if end:
                yield whole
            rest = tail[: LINE_LONGEST + 1]
    if rest:
        yield rest
