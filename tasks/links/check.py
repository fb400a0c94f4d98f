"""One check on its way from target to result: what to ask next, and what the answers add up to."""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import UTC, datetime
from http import HTTPStatus

from tasks import urls
from tasks.links.memory import Memory
from tasks.links.resolve import Answer
from tasks.links.result import Hop, Result, Target
from tasks.links.transfer import Response
from tasks.links.verdict import (
    JUDGEMENTS,
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


class Check:
    """The walk of one target.

    While there is no `result`: `begin` just before asking for `url` by `method` at `address`, over a `fresh`
    connection or any, then hand what came to `answered` or `unresolved`; they say after how many seconds to ask
    again, or None when the result is there.
    """

    def __init__(self, target: Target, limits: Limits, memory: Memory) -> None:
        self.result: Result | None = None
        self.url = ""
        self.address = ("", 0)
        self.method = ""
        self.dns_ms = 0.0
        self.fresh = False
        self._full = target.full
        self._limits = limits
        self._memory = memory
        self._attempts = 1
        self._spent_s = 0.0
        self._bytes_read = 0
        self._methods: list[str] = []
        self._response: Response | None = None
        self._detail = ""
        self._head_failed = False
        self._hops: list[Hop] = []
        self._redirects: list[int] = []
        self._started_at: datetime | None = None
        self._read(target.url)

    @property
    def left_s(self) -> float:
        """The time that is left for requests."""
        return self._limits.total_timeout_s - self._spent_s

    def begin(self) -> None:
        self._started_at = self._started_at or datetime.now(UTC)
        if not self.method:
            self._use("GET" if self._full or self._memory.head_lies(self.address) else "HEAD")

    def answered(self, response: Response) -> float | None:
        self._response = response
        self._spent_s += response.elapsed_s
        self._bytes_read += response.bytes_read
        if response.stale and self.left_s >= SHORTEST_REQUEST_S:
            self.fresh = True
            return 0.0
        self._hops.append(Hop(self.url, response.status or None, response.ip))
        if response.refusal is not None:
            self._detail = response.refusal
            return self._conclude(Reason.BLOCKED_ADDRESS)
        if response.status in REDIRECTS and (location := response.headers().get("location")):
            astray = self._follow(location)
            return 0.0 if astray is None else self._conclude(astray)
        if response.status in REDIRECTS:
            self._detail = f"{_phrase(response.status)}, without saying where to"
        return self._conclude(None)

    def unresolved(self, answer: Answer) -> float | None:
        self.begin()
        self._response = None
        self._hops.append(Hop(self.url, None, None))
        self._detail = answer.detail
        return self._conclude(answer.hindrance)

    def fail(self, detail: str) -> Result:
        """Give up because of a fault of our own."""
        self._detail = detail
        return self._finish(JUDGEMENTS[Reason.CHECKER_ERROR])

    def _read(self, url: str) -> None:
        try:
            self._start = urls.normalise(url)
        except urls.InvalidUrl as error:
            self._detail = f"the URL {error}"
            self._finish(JUDGEMENTS[Reason.URL_INVALID])
            return
        if urls.scheme_of(self._start) not in ("http", "https"):
            self._detail = f"{urls.scheme_of(self._start)} links are not checked"
            self._finish(JUDGEMENTS[Reason.UNSUPPORTED_SCHEME])
            return
        self._aim(self._start)
        self._origin = self.address

    def _aim(self, url: str) -> None:
        self.url = url
        self.address = urls.address_of(url)
        self.dns_ms = 0.0
        self.fresh = False

    def _use(self, method: str) -> None:
        self.method = method
        if method not in self._methods:
            self._methods.append(method)

    def _restart(self) -> None:
        """Go back to the start: a chain that fails is not half believed."""
        self._hops = []
        self._redirects = []
        self._detail = ""
        self._aim(self._start)

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
        self._redirects.append(self._hops[-1].status or 0)
        # A fragment lives on over redirects unless they name their own (RFC 9110, 10.2.2).
        _, sharp, fragment = self.url.partition("#")
        self._aim(f"{url}#{fragment}" if sharp and "#" not in url else url)
        return None

    def _astray(self, url: str) -> Reason | None:
        if urls.scheme_of(url) not in ("http", "https"):
            return Reason.REDIRECT_BLOCKED_SCHEME
        page = url.partition("#")[0]
        if any(page == hop.url.partition("#")[0] for hop in self._hops):
            return Reason.REDIRECT_LOOP
        if len(self._redirects) >= self._limits.max_redirects:
            return Reason.REDIRECT_LIMIT
        return Reason.TIMEOUT_TOTAL if self.left_s < SHORTEST_REQUEST_S else None

    def _conclude(self, hindrance: Reason | None) -> float | None:
        seen = self._observation(hindrance)
        judged = judge(seen)
        if self.left_s >= SHORTEST_REQUEST_S:
            if self.method == "HEAD" and not head_settles(seen):
                return self._fall_back()
            if judged.permanence is Permanence.TRANSIENT and self._attempts <= self._limits.retries:
                return self._try_again()
        if self._head_failed and judged.verdict in (Verdict.OK, Verdict.DEGRADED):
            self._memory.remember_lie(self._origin)
        self._finish(judged)
        return None

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
        response, redirects = self._response, tuple(self._redirects)
        if response is None:
            return Observation(hindrance=hindrance, redirects=redirects)
        # A plain 200 is what nearly all checks end in; its headers need not be read.
        headers = {} if response.status == 200 and response.fault is None else response.headers()
        return Observation(response.status, headers, response.fault, hindrance, redirects)

    def _finish(self, judged: Judgement) -> Result:
        response, now = self._response, datetime.now(UTC)
        phases = response.timings_ms if response else {"connect": 0.0, "tls": 0.0, "ttfb": 0.0}
        self.result = Result(
            verdict=judged.verdict,
            reason=judged.reason,
            permanence=judged.permanence,
            status_code=(response.status or None) if response else None,
            final_url=self.url or None,
            suggested_url=self.url if judged.reason is Reason.REDIRECTED_PERMANENT else None,
            hops=tuple(self._hops),
            methods=tuple(self._methods),
            attempts=self._attempts,
            timings_ms={"dns": self.dns_ms, **phases, "total": round(self._spent_s * 1000, 3)},
            tls_not_after=self._certificate(),
            bytes_read=self._bytes_read,
            retry_after_s=self._retry_after_s(),
            started_at=self._started_at or now,
            finished_at=now,
            detail=self._describe(judged),
        )
        return self.result

    def _certificate(self) -> datetime | None:
        if self._response is None or not self.url.startswith("https:"):
            return None
        return self._memory.certificate_end(self.address, self._response.tls_not_after)

    def _retry_after_s(self) -> float | None:
        if self._response is None or self._response.status not in (429, 503):
            return None
        return retry_after_s(self._response.headers().get("retry-after", ""), datetime.now(UTC))

    def _describe(self, judged: Judgement) -> str:
        """Say in a few words what went wrong; nothing where nothing did."""
        if judged.verdict in (Verdict.OK, Verdict.DEGRADED):
            return ""
        response = self._response
        if self._detail or response is None:
            return _readable(self._detail)
        if response.fault and response.status < 300:
            return _readable(response.fault.text) or f"libcurl error {response.fault.code}"
        return _phrase(response.status)


def _phrase(status: int) -> str:
    try:
        return f"{status} {HTTPStatus(status).phrase}"
    except ValueError:
        return str(status)


def _readable(text: str) -> str:
    return "".join(sign if sign.isprintable() else " " for sign in text)[:LONGEST_DETAIL].strip()
