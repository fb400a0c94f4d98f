"""What is said of a link that works, and in which order."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tasks.links.options import CheckOptions
from tasks.links.page import Page
from tasks.links.question import Question
from tasks.links.scrutiny import WEIGHT, Need, Remark, Rules, Sight, look
from tasks.links.sibling import ABSENT, Sibling, face_of, sibling_of
from tasks.links.verdict import Reason

NOW = datetime(2030, 1, 1, tzinfo=UTC)
START = "https://example.com/folder/page"
PLAIN = Sight(START, START, 200, (), 100.0, NOW)
PAGE = Page(b"<title>T</title><p id=here>Some words to read", "text/html")
SOON, LATER = NOW + timedelta(days=13), NOW + timedelta(days=15)


def moved(start: str, end: str, *statuses: int, **more: Any) -> Sight:
    return Sight(start, end, 200, statuses or (301,), 100.0, NOW, **more)


def reason_of(sight: Sight, rules: Rules = Rules(), options: CheckOptions | None = None) -> Reason | None:  # noqa: B008
    step = look(sight, rules, options)
    assert step is None or isinstance(step, Remark)
    return step.reason if step else None


@pytest.mark.parametrize(
    ("start", "end", "reason"),
    [
        ("https://a.example/x", "https://a.example/", Reason.REDIRECT_TO_ROOT),
        ("https://a.example/x?y", "https://a.example/#z", Reason.REDIRECT_TO_ROOT),
        ("http://www.a.example/x", "https://a.example/", Reason.REDIRECT_TO_ROOT),
        ("https://a.example:8443/x", "https://www.a.example/", Reason.REDIRECT_TO_ROOT),
        ("https://a.example/x", "https://b.example/", Reason.REDIRECTED_PERMANENT),
        ("https://a.example/x", "https://a.example/?p=5", Reason.REDIRECTED_PERMANENT),
        ("https://a.example/x", "https://a.example/#/x", Reason.REDIRECTED_PERMANENT),
        ("https://a.example/x", "https://a.example/#!x", Reason.REDIRECTED_PERMANENT),
        ("https://a.example/x", "https://a.example/y", Reason.REDIRECTED_PERMANENT),
        ("https://a.example/index.html", "https://a.example/", Reason.REDIRECTED_PERMANENT),
        ("https://a.example/de/", "https://a.example/", Reason.REDIRECTED_PERMANENT),
        ("http://a.example/", "https://a.example/", Reason.REDIRECTED_PERMANENT),
    ],
)
def test_a_page_that_became_the_front_page_of_its_site_is_gone(start: str, end: str, reason: Reason) -> None:
    assert reason_of(moved(start, end)) is reason


@pytest.mark.parametrize(
    ("end", "days", "reason"),
    [
        (SOON, 14, Reason.TLS_EXPIRING),
        (LATER, 14, None),
        (SOON, 0, None),
        (LATER, 30, Reason.TLS_EXPIRING),
        (None, 14, None),
    ],
)
def test_a_certificate_is_warned_about_in_time(end: datetime | None, days: int, reason: Reason | None) -> None:
    assert reason_of(replace(PLAIN, certificate_end=end), Rules(tls_warn=timedelta(days=days))) is reason


@pytest.mark.parametrize(("limit", "reason"), [(0.0, None), (99.0, Reason.SLOW), (100.0, None), (101.0, None)])
def test_slow_is_what_takes_longer_than_set(limit: float, reason: Reason | None) -> None:
    assert reason_of(PLAIN, Rules(slow_ms=limit)) is reason


@pytest.mark.parametrize(
    ("page", "reason"),
    [
        (PAGE, Reason.FRAGMENT_MISSING),
        (Page(PAGE.body, "text/html", arrived=False), None),
        (Page(PAGE.body, "application/pdf"), None),
        (Page(b"<div id=root></div><script src=a></script>", "text/html"), None),
        (Page(b"<p id=gone>Some", "text/html", arrived=False), None),
    ],
)
def test_an_anchor_is_missing_only_from_a_whole_page_of_html_that_shows_something(
    page: Page, reason: Reason | None
) -> None:
    sight = replace(PLAIN, start=f"{START}#gone", end=f"{START}#gone", page=page)
    assert reason_of(sight) is reason
    assert reason_of(replace(sight, status=404)) is None


def test_a_fragment_that_only_a_redirect_brings_is_not_the_links() -> None:
    assert reason_of(moved(START, f"{START}2#gone", 302, page=PAGE)) is None


def test_a_page_is_asked_for_only_where_it_is_needed() -> None:
    assert look(replace(PLAIN, start=f"{START}#a", end=f"{START}#a"), Rules(), None) is Need.PAGE
    assert look(PLAIN, Rules(), CheckOptions(required_text=("a",))) is Need.PAGE
    assert look(PLAIN, Rules(), CheckOptions(accepted_redirects=("a",))) is None
    assert look(replace(PLAIN, start=f"{START}#top", end=f"{START}#top"), Rules(), None) is None


def answered(question: Question, meaning: Any) -> Mapping[Question, Any]:
    return {question: meaning}


def test_https_is_suggested_only_where_the_same_server_speaks_it() -> None:
    http = replace(PLAIN, start="http://example.com/a?b#top", end="http://example.com/a?b#top")
    rules = Rules(suggest_https=True)
    question = look(http, rules, None)
    assert isinstance(question, Question)
    assert look(replace(http, answers=answered(question, False)), rules, None) is None
    remark = look(replace(http, answers=answered(question, True)), rules, None)
    assert isinstance(remark, Remark)
    assert (remark.reason, remark.suggested_url) == (Reason.INSECURE_HTTP, "https://example.com/a?b#top")
    assert look(moved("http://example.com/", "https://example.com/", 302), rules, None) is None


RULES_404 = Rules(soft_404=True)
LOST = Page(b"<title>Lost</title><p>There is no such page", "text/html")
LOGIN = Page(LOST.body + b"<input type=password>", "text/html")


@pytest.mark.parametrize(
    ("sibling", "page", "reason"),
    [
        (Sibling(200, "https://example.com/folder/random", face_of(LOST, START)), LOST, Reason.SOFT_404_SUSPECTED),
        (Sibling(200, "https://example.com/folder/random", face_of(PAGE, START)), LOST, None),
        (Sibling(404, "https://example.com/folder/random", face_of(LOST, START)), LOST, None),
        (Sibling(200, "https://example.com/folder/random", None), LOST, None),
        (Sibling(200, "https://example.com/folder/random", face_of(LOGIN, START)), LOGIN, None),
        (ABSENT, LOST, None),
    ],
)
def test_a_soft_404_is_suspected_of_what_looks_like_a_random_sibling(
    sibling: Sibling, page: Page, reason: Reason | None
) -> None:
    sight = replace(PLAIN, page=page, answers=answered(sibling_of(START), sibling))
    assert reason_of(sight, RULES_404) is reason


def test_the_page_is_not_asked_for_while_its_siblings_are_honest() -> None:
    honest, lying = Sibling(404, "", None), Sibling(200, "", face_of(LOST, START))
    assert isinstance(look(PLAIN, RULES_404, None), Question)
    assert look(replace(PLAIN, answers=answered(sibling_of(START), honest)), RULES_404, None) is None
    assert look(replace(PLAIN, answers=answered(sibling_of(START), lying)), RULES_404, None) is Need.PAGE


def test_the_weightiest_remark_has_the_word() -> None:
    start = "http://example.com/folder/page#gone"
    rules = Rules(slow_ms=1, suggest_https=True, soft_404=True)
    answers = {
        sibling_of(start): Sibling(200, "", face_of(LOST, start)),
    }
    sight = moved(start, "http://example.com/#gone", page=LOST, certificate_end=SOON, answers=answers)
    options = CheckOptions(required_text=("never",))
    said = [reason_of(sight, rules, options), reason_of(sight, rules)]
    sight = replace(sight, end="http://example.com/other#gone")
    said.append(reason_of(sight, rules))
    sight = replace(sight, answers={sibling_of(start): ABSENT})
    said.append(reason_of(sight, rules))
    sight = replace(sight, start=start.removesuffix("#gone"), end="http://example.com/other")
    said += [reason_of(sight, rules), reason_of(replace(sight, certificate_end=None), rules)]
    said.append(reason_of(replace(sight, certificate_end=None, redirects=(302,)), replace(rules, suggest_https=False)))
    untold = (Reason.TEXT_FRAGMENT_MISSING, Reason.INSECURE_HTTP, Reason.REDIRECTED_TEMPORARY, Reason.OK)
    assert said == [reason for reason in WEIGHT if reason not in untold]


def test_an_accepted_redirect_is_as_good_as_none() -> None:
    options = CheckOptions(accepted_redirects=("^https://example.com/$",))
    assert reason_of(moved(START, "https://example.com/"), options=options) is Reason.OK
    assert reason_of(moved(START, "https://example.com/", certificate_end=SOON), options=options) is Reason.TLS_EXPIRING
    assert reason_of(moved(START, "https://example.com/x"), options=options) is Reason.ASSERTION_FAILED
