"""Does an answer keep what a user expects of it? Decided by the link's options, over what was seen."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import re2  # type: ignore[import-untyped]  # publishes no types

from tasks.links.options import CheckOptions, JsonValue
from tasks.links.verdict import JUDGEMENTS, Judgement, Reason, Verdict

LONGEST_TIMEOUT_S = 120.0
_STATUS = re.compile(r"[1-9](\d\d|xx)")
_HEADER_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
# These frame the message or name its receiver: changed, they would make another request of it.
_RESERVED_HEADERS = frozenset(
    ("host", "content-length", "transfer-encoding", "connection", "te", "trailer", "upgrade", "expect", "keep-alive")
)
_NOTHING = object()


class InvalidOptions(ValueError):  # reads as what it is
    """An option cannot be used; the message names it and says what it should hold."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """What expectations are held against. `text` is the page as sent, `prose` what a reader sees of it."""

    status: int
    final_url: str
    redirected: bool
    headers: Mapping[str, str]
    text: Callable[[], str]
    prose: Callable[[], str]


def refuse(options: CheckOptions) -> None:
    """Raise InvalidOptions where an option cannot be used."""
    for status in options.verdicts:
        if not _STATUS.fullmatch(status):
            raise InvalidOptions(f"verdicts: {status!r} is neither a status such as 403 nor a class such as 5xx")
    for pattern in (*options.accepted_redirects, *options.required_headers.values()):
        _compile(pattern)
    for name, value in options.request_headers.items():
        _refuse_header(name, value)
    if options.method not in (None, "HEAD", "GET"):
        raise InvalidOptions(f"method: {options.method!r} is neither HEAD nor GET")
    if options.method == "HEAD" and options.reads_page:
        raise InvalidOptions("method: HEAD brings no page, which another option needs; leave the method out")
    if options.timeout_s is not None and not 0 < options.timeout_s <= LONGEST_TIMEOUT_S:
        raise InvalidOptions(f"timeout_s: must be more than 0 and at most {LONGEST_TIMEOUT_S:g}")


def overrule(judged: Judgement, status: int, options: CheckOptions) -> Judgement:
    """Replace the verdict on a status by the user's; its reason stays, as what was seen stays the same."""
    wanted = options.verdicts.get(str(status)) or options.verdicts.get(f"{status // 100}xx")
    if wanted is None or wanted is judged.verdict or not _is_of_status(judged.reason):
        return judged
    if wanted is Verdict.BROKEN:
        return JUDGEMENTS[Reason.ASSERTION_FAILED]
    return Judgement(wanted, judged.reason, None)


def accepts_redirect(options: CheckOptions, final_url: str) -> bool:
    return any(_compile(pattern).search(final_url) for pattern in options.accepted_redirects)


def objection(options: CheckOptions, seen: Evidence) -> str:
    """Say which expectation is not kept; nothing where all are."""
    return next(_objections(options, seen), "")


def _objections(options: CheckOptions, seen: Evidence) -> Iterator[str]:
    if seen.redirected and options.accepted_redirects and not accepts_redirect(options, seen.final_url):
        yield f"ends at {seen.final_url}, which is no accepted redirect"
    for name, pattern in options.required_headers.items():
        value = seen.headers.get(name.lower())
        if value is None:
            yield f"the header {name} is missing"
        elif not _compile(pattern).search(value):
            yield f"the header {name} is {value!r}, in which {pattern!r} is not found"
    yield from (f"the text {text!r} is missing" for text in options.required_text if not _says(seen, text))
    yield from (f"the text {text!r} is there" for text in options.forbidden_text if _says(seen, text))
    if options.json_values:
        yield from _json_objections(options.json_values, seen)


def _says(seen: Evidence, text: str) -> bool:
    return text in seen.text() or " ".join(text.split()) in seen.prose()


def _json_objections(expected: Mapping[str, JsonValue], seen: Evidence) -> Iterator[str]:
    try:
        document = json.loads(seen.text())
    except (ValueError, RecursionError):
        yield "the answer is not JSON"
        return
    for path, value in expected.items():
        found = _at(document, path)
        if found is _NOTHING:
            yield f"there is nothing at {path!r}"
        elif found != value or not _same_kind(found, value):
            yield f"{path!r} is {_excerpt(found)}, not {json.dumps(value)}"


def _at(document: object, path: str) -> object:
    """Walk `items.0.name`: a key at an object, a number at a list."""
    for step in path.split("."):
        if isinstance(document, dict) and step in document:
            document = document[step]
        elif isinstance(document, list) and step.isdecimal() and int(step) < len(document):
            document = document[int(step)]
        else:
            return _NOTHING
    return document


def _same_kind(one: object, other: object) -> bool:
    """Python takes true for 1; JSON does not. But it has one kind of number."""
    return type(one) is type(other) or {type(one), type(other)} == {int, float}


def _excerpt(value: object) -> str:
    text = json.dumps(value)
    return text if len(text) <= 60 else text[:57] + "..."


def _is_of_status(reason: Reason) -> bool:
    """Does the reason say what a status means, or else that no status settled the matter?"""
    return reason in _OF_STATUS


_OF_STATUS = frozenset(
    (
        Reason.OK,
        Reason.REDIRECTED_PERMANENT,
        Reason.REDIRECTED_TEMPORARY,
        Reason.HTTP_404,
        Reason.HTTP_410,
        Reason.HTTP_4XX,
        Reason.HTTP_5XX,
        Reason.AUTH_REQUIRED,
        Reason.PAYMENT_REQUIRED,
        Reason.FORBIDDEN,
        Reason.BOT_CHALLENGE,
        Reason.RATE_LIMITED,
        Reason.SERVICE_UNAVAILABLE,
        Reason.LEGAL,
    )
)


def _refuse_header(name: str, value: str) -> None:
    if not _HEADER_NAME.fullmatch(name) or name.lower() in _RESERVED_HEADERS:
        raise InvalidOptions(f"request_headers: {name!r} cannot be set")
    if not value.isprintable():
        # The value may be a secret: it is not repeated.
        raise InvalidOptions(f"request_headers: the value of {name} contains a control character")


_SILENT = re2.Options()
_SILENT.log_errors = False


def _compile(pattern: str) -> re2._Regexp:
    """Compile by RE2, whose time grows with the text alone: a user's pattern must not hold up the engine."""
    try:
        return re2.compile(pattern, _SILENT)
    except re2.error as error:
        raise InvalidOptions(f"{pattern!r} is not a regular expression of RE2: {_reason(error)}") from error


def _reason(error: re2.error) -> str:
    told = error.args[0] if error.args else ""
    return told.decode("utf-8", "replace") if isinstance(told, bytes) else str(told)
