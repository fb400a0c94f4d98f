"""Which options can be used: what a user set is judged before it is kept, and once more before it is obeyed."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any

import msgspec
import re2  # type: ignore[import-untyped]  # publishes no types

from tasks.links.options import BasicAuth, CheckOptions, named

LONGEST_TIMEOUT_S = 120.0
# All options of a link, as JSON: a part of many such links must still be one message.
MOST_BYTES = 8192
MOST_ENTRIES = 50
LONGEST_TEXT = 1000
LONGEST_VALUE = 4096

_STATUS = re.compile(r"[1-9](\d\d|xx)")
_TOKEN = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
_BEARER = re.compile(r"[!-~]+")
# These frame the message or name its receiver: changed, they would make another request of it.
_RESERVED_HEADERS = frozenset(
    ("host", "content-length", "transfer-encoding", "connection", "te", "trailer", "upgrade", "expect", "keep-alive")
)
# What is set in a place of its own.
_PLACES = {"cookie": "cookies", "user-agent": "user_agent", "accept": "accept"}


class InvalidOptions(ValueError):  # reads as what it is
    """An option cannot be used. `place` is where (`verdicts/40x`), `detail` what it should hold."""

    def __init__(self, place: str, detail: str) -> None:
        super().__init__(f"{place.partition('/')[0]}: {detail}")
        self.place = place
        self.detail = detail


def refuse(options: CheckOptions) -> None:
    """Raise InvalidOptions where an option cannot be kept."""
    for place, detail in (*_too_much(options), *_objections(options)):
        raise InvalidOptions(place, detail)


def refuse_unusable(options: CheckOptions) -> None:
    """Raise InvalidOptions where an option cannot be obeyed; those of link, host and workspace may be many together."""
    for place, detail in _objections(options):
        raise InvalidOptions(place, detail)


def compiled(pattern: str) -> re2._Regexp:
    """Compile by RE2, whose time grows with the text alone: a user's pattern must not hold up the engine."""
    try:
        return re2.compile(pattern, _SILENT)
    except re2.error as error:
        raise ValueError(f"{pattern!r} is not a regular expression of RE2: {_reason(error)}") from error


def _objections(options: CheckOptions) -> Iterator[tuple[str, str]]:
    for status in options.verdicts:
        if not _STATUS.fullmatch(status):
            yield f"verdicts/{status}", f"{status!r} is neither a status such as 403 nor a class such as 5xx"
    yield from _patterns("accepted_redirects", enumerate(options.accepted_redirects))
    for name in options.required_headers:
        if not _TOKEN.fullmatch(name):
            yield f"required_headers/{name}", f"{name!r} is no name of a header"
    yield from _patterns("required_headers", options.required_headers.items())
    for place, texts in (("required_text", options.required_text), ("forbidden_text", options.forbidden_text)):
        for at, text in enumerate(texts):
            if not text.strip() or len(text) > LONGEST_TEXT:
                yield f"{place}/{at}", f"must be a text of at most {LONGEST_TEXT} characters"
    yield from _headers(options)
    yield from _credentials(options)
    yield from _manner(options)


def _too_much(options: CheckOptions) -> Iterator[tuple[str, str]]:
    for name in options.__dataclass_fields__:
        value: Any = getattr(options, name)
        if isinstance(value, dict | tuple) and len(value) > MOST_ENTRIES:
            yield name, f"holds more than {MOST_ENTRIES} entries"
    if len(msgspec.json.encode(options)) > MOST_BYTES:
        yield "", f"are more than {MOST_BYTES} bytes together"


def _patterns(name: str, patterns: Iterable[tuple[Any, str]]) -> Iterator[tuple[str, str]]:
    for at, pattern in patterns:
        if len(pattern) > LONGEST_TEXT:
            yield f"{name}/{at}", f"is longer than {LONGEST_TEXT} characters"
            continue
        try:
            compiled(pattern)
        except ValueError as error:
            yield f"{name}/{at}", str(error)


def _headers(options: CheckOptions) -> Iterator[tuple[str, str]]:
    seen: set[str] = set()
    for name, value in options.request_headers.items():
        place, low = f"request_headers/{name}", name.lower()
        if not _TOKEN.fullmatch(name) or low in _RESERVED_HEADERS:
            yield place, f"{name!r} cannot be set"
        elif low == "cookie" or (low in _PLACES and getattr(options, _PLACES[low]) is not None):
            yield place, f"{name} is set by {_PLACES[low]}"
        elif low in seen:
            yield place, f"{name!r} is named twice"
        elif not _is_sendable(value):
            # The value may be a secret: it is not repeated.
            yield place, f"the value of {name} contains what no header can hold, or is too long"
        seen.add(low)
    for place, sent in (("user_agent", options.user_agent), ("accept", options.accept)):
        if sent is not None and not (sent.strip() and _is_sendable(sent)):
            yield place, f"must be 1 to {LONGEST_VALUE} printable ASCII characters"


def _credentials(options: CheckOptions) -> Iterator[tuple[str, str]]:
    for name, value in options.cookies.items():
        if not _TOKEN.fullmatch(name) or not _is_sendable(value) or ";" in value:
            yield f"cookies/{name}", f"{name!r} or its value is not as a cookie can be"
    login: BasicAuth | None = options.basic_auth
    if login is not None and (":" in login.username or not (login.username + login.password).isprintable()):
        yield "basic_auth", "the user name contains a colon, or a control character is in it or in the password"
    if options.bearer_token is not None and not _BEARER.fullmatch(options.bearer_token):
        yield "bearer_token", "must be visible ASCII characters, without the word Bearer"
    own = (options.basic_auth, options.bearer_token, named(options.request_headers, "authorization"))
    if sum(each is not None for each in own) > 1:
        place = "basic_auth" if options.basic_auth is not None else "bearer_token"
        yield place, "set one of basic_auth, bearer_token and the header Authorization"


def _manner(options: CheckOptions) -> Iterator[tuple[str, str]]:
    if options.method not in (None, "HEAD", "GET"):
        yield "method", f"{options.method!r} is neither HEAD nor GET"
    if options.method == "HEAD" and options.reads_page:
        yield "method", "HEAD brings no page, which another option needs; leave the method out"
    for place, seconds in (("timeout_s", options.timeout_s), ("connect_timeout_s", options.connect_timeout_s)):
        if seconds is not None and not 0 < seconds <= LONGEST_TIMEOUT_S:
            yield place, f"must be more than 0 and at most {LONGEST_TIMEOUT_S:g}"
    for place, number in (("slow_ms", options.slow_ms), ("tls_warn_days", options.tls_warn_days)):
        if number is not None and not 0 <= number <= 1_000_000:
            yield place, "must be from 0 to 1000000"


def _is_sendable(value: str) -> bool:
    return len(value) <= LONGEST_VALUE and value.isascii() and value.isprintable()


_SILENT = re2.Options()
_SILENT.log_errors = False


def _reason(error: re2.error) -> str:
    told = error.args[0] if error.args else ""
    return told.decode("utf-8", "replace") if isinstance(told, bytes) else str(told)
