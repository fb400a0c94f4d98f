"""robots.txt, as it is read and as it fails."""

from datetime import UTC, datetime

import pytest

from tasks.links.page import Page
from tasks.links.question import KEEP_FAILED_S, KEEP_S, keep_s
from tasks.links.result import Result
from tasks.links.robots import EVERYTHING, agent_of, read, robots_of
from tasks.links.verdict import JUDGEMENTS, Reason

NOW = datetime(2030, 1, 1, tzinfo=UTC)


def answer(status: int | None, reason: Reason = Reason.OK) -> Result:
    judged = JUDGEMENTS[reason]
    return Result(
        verdict=judged.verdict,
        reason=judged.reason,
        permanence=judged.permanence,
        status_code=status,
        final_url=None,
        suggested_url=None,
        hops=(),
        methods=("GET",),
        attempts=1,
        timings_ms={},
        tls_not_after=None,
        bytes_read=0,
        retry_after_s=None,
        started_at=NOW,
        finished_at=NOW,
        detail="",
    )


@pytest.mark.parametrize("status", [None, 301, 401, 403, 404, 429, 500, 503])
def test_a_robots_txt_that_does_not_come_forbids_nothing(status: int | None) -> None:
    assert read(answer(status), Page(b"User-agent: *\nDisallow: /")) is EVERYTHING
    assert EVERYTHING.allows("https://example.com/x", "Pranala")
    assert EVERYTHING.crawl_delay_s("Pranala") == 0


@pytest.mark.parametrize(
    ("text", "path", "allowed"),
    [
        ("User-agent: *\nDisallow: /", "/x", False),
        ("User-agent: *\nDisallow:", "/x", True),
        ("User-agent: *\nDisallow: /private", "/private/x", False),
        ("User-agent: *\nDisallow: /private", "/x", True),
        ("User-agent: *\nDisallow: /\nAllow: /x", "/x", True),
        ("User-agent: *\nDisallow: /*.pdf$", "/a/b.pdf", False),
        ("User-agent: *\nDisallow: /*.pdf$", "/a/b.pdf?x", True),
        ("User-agent: pranala\nDisallow: /\n\nUser-agent: *\nDisallow:", "/x", False),
        ("User-agent: other\nDisallow: /", "/x", True),
        ("", "/x", True),
        ("\x00\x01 not robots at all", "/x", True),
    ],
)
def test_rules_are_those_for_us_or_else_for_everybody(text: str, path: str, allowed: bool) -> None:
    robots = read(answer(200), Page(text.encode()))
    assert (
        robots.allows(f"https://example.com{path}", agent_of("Pranala/0.1 (+https://pranala.example/about)")) is allowed
    )


@pytest.mark.parametrize(
    ("line", "seconds"), [("Crawl-delay: 2.5", 2.5), ("Crawl-delay: 86400", 60), ("Crawl-delay: x", 0), ("", 0)]
)
def test_the_crawl_delay_is_heeded_within_reason(line: str, seconds: float) -> None:
    assert read(answer(200), Page(f"User-agent: *\n{line}\nDisallow: /x".encode())).crawl_delay_s("Pranala") == seconds


def test_robots_txt_is_asked_for_once_for_an_origin() -> None:
    question = robots_of("https://example.com:8443/a/b?c#d")
    assert question.url == "https://example.com:8443/robots.txt"
    assert question == robots_of("https://example.com:8443/")
    assert question != robots_of("http://example.com:8443/")


@pytest.mark.parametrize(
    ("reason", "seconds"),
    [
        (Reason.OK, KEEP_S),
        (Reason.REDIRECTED_TEMPORARY, KEEP_S),
        (Reason.HTTP_404, KEEP_S),
        (Reason.FORBIDDEN, KEEP_FAILED_S),
        (Reason.HTTP_5XX, KEEP_FAILED_S),
        (Reason.TIMEOUT_TTFB, KEEP_FAILED_S),
        (Reason.BLOCKED_ADDRESS, KEEP_FAILED_S),
        (Reason.HOST_BACKOFF, 0),
    ],
)
def test_an_answer_is_believed_as_long_as_it_is_worth(reason: Reason, seconds: float) -> None:
    assert keep_s(answer(200, reason)) == seconds
