"""Does an answer keep what a user expects of it? Decided by the link's options, over what was seen."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from tasks.links.options import CheckOptions, JsonValue
from tasks.links.validity import compiled
from tasks.links.verdict import JUDGEMENTS, Judgement, Reason, Verdict

_NOTHING = object()


@dataclass(frozen=True, slots=True)
class Evidence:
    """What expectations are held against. `text` is the page as sent, `prose` what a reader sees of it."""

    status: int
    final_url: str
    redirected: bool
    headers: Mapping[str, str]
    text: Callable[[], str]
    prose: Callable[[], str]


def overrule(judged: Judgement, status: int, options: CheckOptions) -> Judgement:
    """Replace the verdict on a status by the user's; its reason stays, as what was seen stays the same."""
    wanted = options.verdicts.get(str(status)) or options.verdicts.get(f"{status // 100}xx")
    if wanted is None or wanted is judged.verdict or not _is_of_status(judged.reason):
        return judged
    if wanted is Verdict.BROKEN:
        return JUDGEMENTS[Reason.ASSERTION_FAILED]
    return Judgement(wanted, judged.reason, None)


def accepts_redirect(options: CheckOptions, final_url: str) -> bool:
    return any(compiled(pattern).search(final_url) for pattern in options.accepted_redirects)


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
        elif not compiled(pattern).search(value):
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
