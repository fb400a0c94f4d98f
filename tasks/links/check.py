"""One check on its way from target to result: what to ask next, and what the answers add up to."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from http import HTTPStatus
from types import MappingProxyType
from typing import Any

from tasks import clock, urls
from tasks.links import assertions, mailto, validity
from tasks.links.cookies import Cookies
from tasks.links.exchange import MAIL
from tasks.links.fragment import promise_of
from tasks.links.memory import Memory
from tasks.links.options import CheckOptions, HostLimits, headers_of, named
from tasks.links.page import Page
from tasks.links.question import Question
from tasks.links.resolve import Answer
from tasks.links.result import Hop, Result, Target
from tasks.links.robots import agent_of, robots_of
from tasks.links.scrutiny import Need, Remark, Rules, Sight, is_expiring, look
from tasks.links.transfer import Response, Wish, in_ms
from tasks.links.verdict import (
    JUDGEMENTS,
    PERMANENT_REDIRECTS,
    REDIRECTS,
    Judgement,
    Observation,
    Permanence,
    Reason,
    Verdict,
    head_settles,
    judge,
    retry_after_s,
)

LONGEST_DETAIL = 200
# Less than this is no time to ask anything.
SHORTEST_REQUEST_S = 0.05


@dataclass(frozen=True, slots=True)
class Limits:
    """How far one check goes. `total_timeout_s` is the time of all its requests together, waiting not counted."""

    total_timeout_s: float = 30.0
    retries: int = 1
    retry_delay_s: float = 0.5
    max_redirects: int = 10


# Tuples, because Python finds a member of an Enum sooner in a short one than in a set.
ALIVE = (Verdict.OK, Verdict.DEGRADED)
_PLAIN_REASONS = (Reason.OK, Reason.REDIRECTED_TEMPORARY, Reason.REDIRECTED_PERMANENT)
# The page is there under its new URL, whatever else is to be said of it.
_REWRITABLE = frozenset(
    (
        Reason.REDIRECTED_PERMANENT,
        Reason.FRAGMENT_MISSING,
        Reason.TEXT_FRAGMENT_MISSING,
        Reason.TLS_EXPIRING,
        Reason.SLOW,
    )
)
_PLAIN = Rules(fragments=False)
# Looked up once: to name a member of an Enum costs as much as a call.
_FINE = JUDGEMENTS[Reason.OK]
_NO_TIMINGS_MS = {"connect": 0.0, "tls": 0.0, "ttfb": 0.0}
# Options that stand for the settings of the same names.
_OVERRIDES = ("robots", "fragments", "suggest_https", "soft_404", "slow_ms")


class Check:
    """The walk of one target.

    While there is no `result`: where there is a `question`, find its answer and hand it to `informed`. Else `begin`
    just before asking for `url` by `method` at `address` with the `wish`, over a `fresh` connection or any, then hand
    what came to `answered` or `unresolved`. All of them say after how many seconds to go on, or None when the result
    is there. With `keeps_page` the page is asked for and stays.
    """

    # As the class's own they cost nothing while they stay as they are, and of most checks most do.
    result: Result | None = None
    url = ""
    method = ""
    dns_ms = 0.0
    fresh = False
    wish: Wish | None = None
    # How the host of `address` wants to be spared, as far as that differs from the settings.
    host_limits: HostLimits | None = None
    crawl_delay_s = 0.0
    question: Question | None = None
    page: Page | None = None
    _domains: tuple[str, ...] = ()
    _attempts = 1
    _spent_s = 0.0
    _bytes_read = 0
    _methods: tuple[str, ...] = ()
    _hops: tuple[Hop, ...] = ()
    _redirects: tuple[int, ...] = ()
    _response: Response | None = None
    _detail = ""
    _head_failed = False
    _started_at: datetime | None = None
    _judged: Judgement | None = None
    _answers: Mapping[Question, Any] = MappingProxyType({})
    _expects = False
    _headers: Mapping[str, str] = MappingProxyType({})
    _cookies: Cookies | None = None
    # The pages that were asked for with cookies, and with which.
    _visits: frozenset[tuple[str, str]] = frozenset()

    def __init__(
        self,
        target: Target,
        limits: Limits,
        memory: Memory,
        rules: Rules = _PLAIN,
        keeps_page: bool = False,
        headers: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        self._keeps_page = keeps_page
        if headers:
            self._headers = headers
        self._full = target.full
        self._options = target.options
        self._elsewhere = target.elsewhere
        self._own_limits = target.limits
        self.waited = target.waited
        self._rules = rules
        self._wants_page = keeps_page
        self._limits = limits
        self._memory = memory
        self._read(target.url)

    @property
    def left_s(self) -> float:
        """The time that is left for requests."""
        return self._limits.total_timeout_s - self._spent_s

    @property
    def has_begun(self) -> bool:
        return self._started_at is not None

    @property
    def is_mail(self) -> bool:
        """Is only the DNS asked, for the domain behind the MAIL of `address`?"""
        return bool(self._domains)

    def begin(self) -> None:
        self._started_at = self._started_at or clock.now()
        if not (self.method or self.is_mail):
            self._use(self._first_method())

    def answered(self, response: Response) -> float | None:
        self._response = response
        if response.tls_not_after is not None:
            # Told once a connection, and that may be the one of a redirect: whoever uses it later asks the memory.
            self._memory.certificate_end(self.address, response.tls_not_after)
        self._spent_s += response.elapsed_s
        self._bytes_read += response.bytes_read
        if response.stale and self.left_s >= SHORTEST_REQUEST_S:
            self.fresh = True
            return 0.0
        self._hops += (Hop(self.url, response.status or None, response.ip),)
        if response.status == 200 and self._is_plain(response):
            self._finish(_FINE)
            return None
        if response.refusal is not None:
            self._detail = response.refusal
            return self._conclude(Reason.BLOCKED_ADDRESS)
        if response.status in REDIRECTS and (location := response.headers().get("location")):
            self._keep_cookies(response)
            astray = self._follow(location)
            return 0.0 if astray is None else self._conclude(astray)
        if response.status in REDIRECTS:
            self._detail = f"{_phrase(response.status)}, without saying where to"
        return self._conclude(None)

    def unresolved(self, answer: Answer) -> float | None:
        self.begin()
        self._response = None
        self._hops += (Hop(self.url, None, None),)
        self._detail = answer.detail
        return self._conclude(answer.hindrance)

    def takes_mail(self) -> float | None:
        """Go on to the next domain of a mailto link, now that one is known to take mail."""
        self.begin()
        self._spent_s += self.dns_ms / 1000
        if len(self._domains) > 1 and self.left_s < SHORTEST_REQUEST_S:
            self._detail = f"{len(self._domains) - 1} of its domains were not looked up in time"
            return self._conclude(Reason.TIMEOUT_TOTAL)
        self._send_to(self._domains[1:])
        return None if self.result else 0.0

    def informed(self, meaning: Any) -> float | None:
        """Go on, now that the question has its answer."""
        question, self.question = self.question, None
        if question is None:
            return None
        if question.robots:
            self.crawl_delay_s = meaning.crawl_delay_s(self._rules.agent)
            return self._heed(meaning.allows(self.url, self._rules.agent))
        self._answers = {**self._answers, replace(question, headers=()): meaning}
        return self._look(self._judged) if self._judged else None

    def fail(self, detail: str) -> Result:
        """Give up because of a fault of our own."""
        self._detail = detail
        return self._finish(JUDGEMENTS[Reason.CHECKER_ERROR])

    def put_off(self, detail: str) -> Result:
        """Give up because the host wants to be left alone."""
        self._detail = detail
        return self._finish(JUDGEMENTS[Reason.HOST_BACKOFF])

    def _read(self, url: str) -> None:
        try:
            self._start = urls.normalise(url)
        except urls.InvalidUrl as error:
            self._detail = f"the URL {error}"
            self._finish(JUDGEMENTS[Reason.URL_INVALID])
            return
        if self._start.startswith("mailto:") and self._wants_mail():
            self._read_mail()
            return
        if not self._start.startswith(("http:", "https:")):
            self._detail = f"{urls.scheme_of(self._start)} links are not checked"
            self._finish(JUDGEMENTS[Reason.UNSUPPORTED_SCHEME])
            return
        self._origin = self.address = urls.address_of(self._start)
        if self._options is not None:
            self._obey(self._options)
        if "#" in self._start and self._rules.fragments:
            self._expects = promise_of(self._start) is not None
            self._wants_page |= self._expects
        if self.result is None:
            self._aim(self._start)

    def _wants_mail(self) -> bool:
        own = self._options.mailto if self._options is not None else None
        return self._rules.mailto if own is None else own

    def _read_mail(self) -> None:
        # What a page is to be like, and how it is asked for, has no meaning here.
        self._options, self._elsewhere, self._rules = None, None, _PLAIN
        self._wants_page = False
        try:
            domains = mailto.domains_of(self._start)
        except mailto.InvalidMailto as error:
            self._detail = f"the link {error}"
            self._finish(JUDGEMENTS[Reason.URL_INVALID])
        else:
            self._send_to(domains)

    def _send_to(self, domains: tuple[str, ...]) -> None:
        """Have the first of these domains looked up; with none that is left all take mail."""
        if not domains:
            self._finish(_FINE)
            return
        self._domains = domains
        self._origin = self.address = (MAIL + domains[0], 0)
        self._aim(self._start)

    def _obey(self, options: CheckOptions) -> None:
        try:
            validity.refuse_unusable(options)
        except validity.InvalidOptions as error:
            self.fail(str(error))
            return
        self._wants_page |= options.reads_page
        self._headers = headers_of(options)
        self._rules = _rules_of(options, self._rules, named(self._headers, "user-agent"))
        if options.timeout_s is not None:
            self._limits = replace(self._limits, total_timeout_s=options.timeout_s)

    def _aim(self, url: str) -> None:
        self.url = url
        self.address = self._origin if url is self._start else urls.address_of(url)
        self.dns_ms = 0.0
        self.fresh = False
        if self._wants_page or self._options or self._elsewhere or self._cookies:
            self.wish = self._wish_of(url)
        elif self.wish is not None:
            self.wish = None
        if self._own_limits is not None:
            self.host_limits = self._own_limits if self.address[0] == self._origin[0] else None
        if self._rules.robots:
            self.crawl_delay_s = 0.0
            self.question = self._as_we_ask(robots_of(url))

    def _wish_of(self, url: str) -> Wish | None:
        """Ask for what is needed; headers of the user's may hold secrets, and go nowhere but where they belong."""
        patience_s = self._options.connect_timeout_s if self._options else None
        headers = self._headers_for(url)
        if self._cookies is not None:
            headers = _with_cookies(headers, self._cookies, url)
        if not (self._wants_page or headers or patience_s):
            return None
        return Wish(self._wants_page, tuple(headers.items()), patience_s)

    def _as_we_ask(self, question: Question) -> Question:
        """The question with the headers that its host gets of this check, without which it may answer another."""
        headers = self._headers_for(question.url) if self._headers or self._elsewhere else None
        return replace(question, headers=tuple(sorted(headers.items()))) if headers else question

    def _headers_for(self, url: str) -> Mapping[str, str]:
        address = self.address if url == self.url else urls.address_of(url)
        if self._is_at_home(url, address):
            return self._headers
        if self._elsewhere is None:
            return {}
        # Who was asked for a page over TLS does not expect the next request to be read by everybody on the way.
        exposed = self._start.startswith("https:") and url.startswith("http:")
        return self._elsewhere(address[0], not exposed)

    def _is_at_home(self, url: str, address: tuple[str, int]) -> bool:
        if address == self._origin:
            return urls.scheme_of(url) == urls.scheme_of(self._start)
        host = self._origin[0]
        return (self._origin, address) == ((host, 80), (host, 443))

    def _first_method(self) -> str:
        if self._options is not None and self._options.method is not None:
            return self._options.method
        whole = self._full or self._wants_page or self._memory.head_lies(self.address)
        return "GET" if whole else "HEAD"

    def _heed(self, allowed: bool) -> float | None:
        """Go on where robots.txt allows it."""
        if allowed:
            return 0.0
        self._response = None
        self._detail = "robots.txt asks robots to stay away"
        return self._conclude(Reason.ROBOTS_DISALLOWED)

    def _use(self, method: str) -> None:
        self.method = method
        if method not in self._methods:
            self._methods += (method,)

    def _restart(self) -> None:
        """Go back to the start: a chain that fails is not half believed."""
        self._hops = ()
        self._redirects = ()
        self._cookies = None
        self._visits = frozenset()
        self._detail = ""
        self.page = None
        self._aim(self._start)

    def _keep_cookies(self, response: Response) -> None:
        """Take cookies along, as some sites send everybody round in a circle who does not."""
        set_cookies = response.values(b"set-cookie")
        if set_cookies:
            self._cookies = self._cookies or Cookies()
            self._cookies.take(self.url, set_cookies)

    def _follow(self, location: str) -> Reason | None:
        """Aim at where a redirect leads, or say why not."""
        try:
            url = urls.join(self.url, location)
        except urls.InvalidUrl as error:
            self._detail = f"redirects to what {error}"
            return Reason.REDIRECT_INVALID
        if astray := self._astray(url):
            self._detail = f"redirects to {url}"
            return astray
        # Who is sent back to where it was, with a cookie now, was not told that the page has moved for good.
        self._redirects += (302 if self._is_among_hops(url) else self._hops[-1].status or 0,)
        # A fragment lives on over redirects unless they name their own (RFC 9110, 10.2.2).
        _, sharp, fragment = self.url.partition("#")
        self._aim(f"{url}#{fragment}" if sharp and "#" not in url else url)
        return None

    def _astray(self, url: str) -> Reason | None:
        if urls.scheme_of(url) not in ("http", "https"):
            return Reason.REDIRECT_BLOCKED_SCHEME
        if self._has_been_at(url):
            return Reason.REDIRECT_LOOP
        if len(self._redirects) >= self._limits.max_redirects:
            return Reason.REDIRECT_LIMIT
        return Reason.TIMEOUT_TOTAL if self.left_s < SHORTEST_REQUEST_S else None

    def _is_plain(self, response: Response) -> bool:
        """Is this 200 all there is to say? What nearly all checks end in is settled here, and quickly."""
        return response.fault is None and not self._head_failed and not self._is_remarkable()

    def _has_been_at(self, url: str) -> bool:
        """Would this ask the same again? With another cookie it may be another answer."""
        if self._cookies is None:
            return self._is_among_hops(url)
        visit = (url.partition("#")[0], self._cookies.header(url))
        if visit in self._visits:
            return True
        self._visits |= {visit}
        return False

    def _is_among_hops(self, url: str) -> bool:
        page = url.partition("#")[0]
        return any(page == hop.url.partition("#")[0] for hop in self._hops)

    def _conclude(self, hindrance: Reason | None) -> float | None:
        seen = self._observation(hindrance)
        judged = judge(seen)
        head_lied = self._head_failed and judged.verdict in ALIVE
        if self._options is not None:
            judged = assertions.overrule(judged, seen.status, self._options)
        if self.left_s >= SHORTEST_REQUEST_S:
            if self.method == "HEAD" and self._may_fall_back and not head_settles(seen):
                return self._fall_back()
            if judged.permanence is Permanence.TRANSIENT and self._attempts <= self._limits.retries:
                return self._try_again()
        if head_lied:
            self._memory.remember_lie(self._origin)
        if judged.verdict in ALIVE and self._is_remarkable():
            return self._look(judged)
        self._finish(judged)
        return None

    @property
    def _may_fall_back(self) -> bool:
        return self._options is None or self._options.method is None

    def _is_remarkable(self) -> bool:
        """Can there be more to say? Of nearly all links there cannot."""
        if self._redirects or self._options is not None or self._expects or self._rules.concern_all:
            return True
        return self.url.startswith("https:") and is_expiring(self._certificate(), clock.now(), self._rules)

    def _look(self, judged: Judgement) -> float | None:
        step = look(self._sight(), self._rules, self._options)
        if isinstance(step, Question):
            self._judged, self.question = judged, self._as_we_ask(step)
            return 0.0
        if step is Need.PAGE and self.left_s >= SHORTEST_REQUEST_S:
            return self._fetch_page()
        if isinstance(step, Remark):
            self._detail = step.detail
            self._finish(JUDGEMENTS[step.reason], step.suggested_url)
        else:
            self._finish(judged)
        return None

    def _read_page(self) -> Page | None:
        response = self._response
        if response is None or response.body is None:
            return None
        return Page(response.body, response.headers().get("content-type", ""), response.whole)

    def _sight(self) -> Sight:
        response = self._response
        self.page = self.page or self._read_page()
        return Sight(
            start=self._start,
            end=self.url,
            status=response.status if response else 0,
            redirects=self._redirects,
            elapsed_ms=self._spent_s * 1000,
            now=clock.now(),
            certificate_end=self._certificate(),
            headers=response.headers if response else dict,
            page=self.page,
            answers=self._answers,
        )

    def _fetch_page(self) -> float:
        """Ask once more, for the page itself."""
        self._wants_page = True
        self._restart()
        self._use("GET")
        return 0.0

    def _fall_back(self) -> float:
        self._head_failed = True
        self._restart()
        self._use("GET")
        return 0.0

    def _try_again(self) -> float:
        jitter = random.uniform(0.5, 1.5)  # noqa: S311  # spreads load, hides nothing
        delay_s = self._limits.retry_delay_s * 2.0 ** (self._attempts - 1) * jitter
        self._attempts += 1
        # What a later GET brings proves nothing against the HEAD that came before it.
        self._head_failed = False
        self._restart()
        return delay_s

    def _observation(self, hindrance: Reason | None) -> Observation:
        response, redirects = self._response, self._redirects
        if response is None:
            return Observation(hindrance=hindrance, redirects=redirects)
        # A plain 200 is what nearly all checks end in; its headers need not be read.
        headers = {} if response.status == 200 and response.fault is None else response.headers()
        return Observation(response.status, headers, response.fault, hindrance, redirects)

    def _finish(self, judged: Judgement, suggested_url: str | None = None) -> Result:
        response, now = self._response, clock.now()
        phases = response.timings_ms if response else _NO_TIMINGS_MS
        self.result = Result(
            verdict=judged.verdict,
            reason=judged.reason,
            permanence=judged.permanence,
            status_code=(response.status or None) if response else None,
            final_url=self.url or None,
            suggested_url=suggested_url or (self._moved_to(judged) if self._redirects else None),
            hops=self._hops,
            methods=self._methods,
            attempts=self._attempts,
            timings_ms={"dns": self.dns_ms, **phases, "total": in_ms(self._spent_s)},
            tls_not_after=self._certificate(),
            bytes_read=self._bytes_read,
            retry_after_s=self._retry_after_s(),
            started_at=self._started_at or now,
            finished_at=now,
            detail="" if judged is _FINE else self._describe(judged),
        )
        if self.wish is not None:
            self._tidy()
        return self.result

    def _tidy(self) -> None:
        """Let go of the page, if it need not be kept: a finished check may wait long for the others of its batch."""
        self.page = self._read_page() if self._keeps_page else None
        self._response = None

    def _moved_to(self, judged: Judgement) -> str | None:
        """The URL to write instead, where all redirects are for good and lead to the page itself."""
        permanent = PERMANENT_REDIRECTS.issuperset(self._redirects)
        return self.url if permanent and judged.reason in _REWRITABLE else None

    def _certificate(self) -> datetime | None:
        if self._response is None or not self.url.startswith("https:"):
            return None
        return self._memory.certificate_end(self.address, self._response.tls_not_after)

    def _retry_after_s(self) -> float | None:
        if self._response is None or self._response.status not in (429, 503):
            return None
        return retry_after_s(self._response.headers().get("retry-after", ""), clock.now())

    def _describe(self, judged: Judgement) -> str:
        """Say in a few words what went wrong; nothing where nothing did."""
        response = self._response
        if judged.reason in _PLAIN_REASONS:
            return ""
        if self._detail or response is None:
            return _readable(self._detail)
        if response.fault and response.status < 300:
            return _readable(response.fault.text) or f"libcurl error {response.fault.code}"
        return _phrase(response.status)


def _rules_of(options: CheckOptions, rules: Rules, user_agent: str | None) -> Rules:
    """What is looked for in this link: as in all, but for what its options say."""
    own = {name: value for name in _OVERRIDES if (value := getattr(options, name)) is not None}
    if options.tls_warn_days is not None:
        own["tls_warn"] = timedelta(days=options.tls_warn_days)
    if user_agent is not None:
        own["agent"] = agent_of(user_agent)
    return replace(rules, **own) if own else rules


def _with_cookies(headers: Mapping[str, str], cookies: Cookies, url: str) -> Mapping[str, str]:
    kept = {name: value for name, value in headers.items() if name.lower() != "cookie"}
    cookie = cookies.header(url, named(headers, "cookie") or "")
    return {**kept, "Cookie": cookie} if cookie else headers


def _phrase(status: int) -> str:
    try:
        return f"{status} {HTTPStatus(status).phrase}"
    except ValueError:
        return str(status)


def _readable(text: str) -> str:
    return "".join(sign if sign.isprintable() else " " for sign in text)[:LONGEST_DETAIL].strip()
