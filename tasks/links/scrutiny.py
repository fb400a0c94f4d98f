"""A second look at a link that works: what its owner should know all the same."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import Enum
from typing import Any

from tasks.links import assertions, fragment, sibling
from tasks.links.options import CheckOptions
from tasks.links.page import Page
from tasks.links.question import Question
from tasks.links.result import Result
from tasks.links.verdict import PERMANENT_REDIRECTS, Reason, Verdict


@dataclass(frozen=True, slots=True)
class Rules:
    """What is looked for in all links. `tls_warn` is the time before a certificate ends; 0 ms is never slow.

    `agent` is the name that robots.txt knows us by.
    """

    fragments: bool = True
    tls_warn: timedelta = timedelta(days=14)
    slow_ms: float = 0.0
    suggest_https: bool = False
    soft_404: bool = False
    robots: bool = False
    mailto: bool = False
    agent: str = "Pranala"

    @property
    def concern_all(self) -> bool:
        """Is there something to look for in plain links too, without redirect, TLS or fragment?"""
        return bool(self.slow_ms or self.suggest_https or self.soft_404)


@dataclass(frozen=True, slots=True)
class Remark:
    """What is to be said instead of "ok"; `suggested_url` is a better one to link to."""

    reason: Reason
    detail: str = ""
    suggested_url: str | None = None


class Need(Enum):
    """What is missing before anything can be said."""

    PAGE = "page"


@dataclass(frozen=True, slots=True)
class Sight:
    """All that was seen of a link that works. `start` and `end` are its URLs before and after all redirects.

    `page` is there where it was asked for, and `answers` are those to the questions that came up so far.
    """

    start: str
    end: str
    status: int
    redirects: tuple[int, ...]
    elapsed_ms: float
    now: datetime
    certificate_end: datetime | None = None
    headers: Callable[[], Mapping[str, str]] = dict
    page: Page | None = None
    answers: Mapping[Question, Any] = field(default_factory=dict)


Step = Remark | Question | Need | None


def look(sight: Sight, rules: Rules, options: CheckOptions | None) -> Step:
    """Return the weightiest remark, or what is needed to find it; None where there is nothing to say."""
    accepted = False
    if options is not None:
        step = _broken_promise(sight, options)
        if step is not None:
            return step
        if options.accepted_redirects and sight.redirects:
            accepted, sight = True, replace(sight, redirects=())
    for glance in _GLANCES:
        found = glance(sight, rules)
        if found is not None:
            return found
    return Remark(Reason.OK) if accepted else None


def _broken_promise(sight: Sight, options: CheckOptions) -> Step:
    if options.reads_page and sight.page is None:
        return Need.PAGE
    page = sight.page or Page(b"")
    seen = assertions.Evidence(
        sight.status, sight.end, bool(sight.redirects), sight.headers(), lambda: page.text, lambda: page.prose
    )
    objection = assertions.objection(options, seen)
    return Remark(Reason.ASSERTION_FAILED, objection) if objection else None


def _moved_to_root(sight: Sight, _: Rules) -> Remark | None:
    """Did a page of its own become the front page of the same site? Elsewhere it may be the new place of all."""
    if not sight.redirects or sibling.is_home(sight.start):
        return None
    was, now = sibling.split(sight.start), sibling.split(sight.end)
    if now[1] != "/" or _site(was[0]) != _site(now[0]) or _names_a_page(sight.end):
        return None
    return Remark(Reason.REDIRECT_TO_ROOT, f"redirects to the front page, {sight.end}")


def _site(origin: str) -> str:
    return origin.partition("://")[2].partition(":")[0].removeprefix("www.")


def _names_a_page(url: str) -> bool:
    """Does the query or a script's fragment (`/?p=5`, `/#/about`) say which page of the root is meant?"""
    bare, _, ending = url.partition("#")
    return "?" in bare or ending.startswith(("/", "!"))


def _soft_404(sight: Sight, rules: Rules) -> Step:
    if not rules.soft_404 or sight.status != 200 or sibling.is_home(sight.start):
        return None
    question = sibling.sibling_of(sight.start)
    if question not in sight.answers:
        return question
    random_page: sibling.Sibling = sight.answers[question]
    if random_page.status != 200 or random_page.face is None:
        return None
    return Need.PAGE if sight.page is None else _like_missing(sight, sight.page, random_page)


def _like_missing(sight: Sight, page: Page, random_page: sibling.Sibling) -> Remark | None:
    face = sibling.face_of(page, sight.start)
    # Behind a login all pages look alike, those that exist too.
    if face is None or random_page.face is None or page.asks_password:
        return None
    if not sibling.are_alike(face, random_page.face):
        return None
    return Remark(Reason.SOFT_404_SUSPECTED, "the page is the same as that of a random path beside it")


def _fragment(sight: Sight, rules: Rules) -> Step:
    promise = fragment.promise_of(sight.end) if rules.fragments and "#" in sight.start else None
    if promise is None or not 200 <= sight.status < 300:
        return None
    if sight.page is None:
        return Need.PAGE
    return _unkept(promise, sight.page) if sight.page.is_html else None


def _unkept(promise: fragment.Fragment, page: Page) -> Remark | None:
    """Say what the page does not have; nothing where that cannot be told, of half a page or one that a script makes."""
    missing = _missing_anchor(promise.anchor, page) or _missing_text(promise.texts, page)
    return missing if missing and page.whole and page.prose else None


def _missing_anchor(anchor: str, page: Page) -> Remark | None:
    if not anchor or page.has_element(*fragment.spellings(anchor)):
        return None
    return Remark(Reason.FRAGMENT_MISSING, f"nothing on the page is named {anchor!r}")


def _missing_text(texts: tuple[fragment.TextDirective, ...], page: Page) -> Remark | None:
    for text in texts:
        if not fragment.is_found(text, page.comparable):
            return Remark(Reason.TEXT_FRAGMENT_MISSING, f"the text {text.start!r} is not on the page")
    return None


def is_expiring(certificate_end: datetime | None, now: datetime, rules: Rules) -> bool:
    return certificate_end is not None and certificate_end - now <= rules.tls_warn


def _expiring(sight: Sight, rules: Rules) -> Remark | None:
    if not is_expiring(sight.certificate_end, sight.now, rules):
        return None
    return Remark(Reason.TLS_EXPIRING, f"the certificate ends on {sight.certificate_end:%Y-%m-%d}")


def _permanent(sight: Sight, _: Rules) -> Remark | None:
    if sight.redirects and PERMANENT_REDIRECTS.issuperset(sight.redirects):
        return Remark(Reason.REDIRECTED_PERMANENT)
    return None


def _insecure(sight: Sight, rules: Rules) -> Step:
    if not rules.suggest_https or not (sight.start.startswith("http:") and sight.end.startswith("http:")):
        return None
    question = _twin_of(sight.start)
    if question not in sight.answers:
        return question
    if not sight.answers[question]:
        return None
    return Remark(Reason.INSECURE_HTTP, "the server offers the same over https", question.url)


def _twin_of(url: str) -> Question:
    """Ask if the server of an http URL answers the same over https."""
    origin, _ = sibling.split(url)
    return Question(f"twin {origin}", f"https{url.removeprefix('http')}", _is_secure, otherwise=False)


def _is_secure(result: Result, _: Page | None) -> bool:
    fine = result.verdict in (Verdict.OK, Verdict.DEGRADED)
    return fine and (result.final_url or "").startswith("https:")


def _slow(sight: Sight, rules: Rules) -> Remark | None:
    if not rules.slow_ms or sight.elapsed_ms <= rules.slow_ms:
        return None
    return Remark(Reason.SLOW, f"took {sight.elapsed_ms:.0f} ms; slow is more than {rules.slow_ms:g}")


# What is said before anything else, down to what is said only where there is nothing else to say.
WEIGHT = (
    Reason.ASSERTION_FAILED,
    Reason.REDIRECT_TO_ROOT,
    Reason.SOFT_404_SUSPECTED,
    Reason.FRAGMENT_MISSING,
    Reason.TEXT_FRAGMENT_MISSING,
    Reason.TLS_EXPIRING,
    Reason.REDIRECTED_PERMANENT,
    Reason.INSECURE_HTTP,
    Reason.SLOW,
    Reason.REDIRECTED_TEMPORARY,
    Reason.OK,
)
# The first to find something has the word: the doubt whether the page is there weighs most, its speed least.
_GLANCES: tuple[Callable[[Sight, Rules], Step], ...] = (
    _moved_to_root,
    _soft_404,
    _fragment,
    _expiring,
    _permanent,
    _insecure,
    _slow,
)
