"""The thread in which all transfers of a process happen: who may start, what came back, and where it belongs."""

from __future__ import annotations

import math
import threading
import time
from collections import deque
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial
from ipaddress import IPv4Network, IPv6Network
from itertools import chain
from operator import attrgetter
from queue import Empty, SimpleQueue

import pycurl
import structlog

from tasks import clock
from tasks.guard import AddressPolicy
from tasks.links import convoy
from tasks.links.backoff import BackOff, Plea, read_plea
from tasks.links.check import Check, Limits
from tasks.links.inquiry import Inquiries, Inquiry, Recipient
from tasks.links.lanes import Grant, Lanes, Pacing
from tasks.links.ledger import Ledger
from tasks.links.loop import Loop
from tasks.links.memory import Memory
from tasks.links.page import Page
from tasks.links.question import Answer as Meaning
from tasks.links.resolve import Answer, Lookup, Resolver
from tasks.links.result import Result, Target
from tasks.links.robots import agent_of
from tasks.links.scrutiny import Rules
from tasks.links.transfer import Response, Transfer, TransferSettings
from tasks.links.trust import TrustStore
from tasks.links.verdict import Reason
from tasks.urls import is_literal

log = structlog.get_logger(__name__)

# Idle connections that are kept beside the active ones.
SPARE_CONNECTIONS = 50
# Hosts that are asked for at once: the script that answers holds up all others that want something of Redis.
HOSTS_AT_ONCE = 500
# Transfers that start in one turn of the loop: where servers answer at once, the connections of those that are done
# serve the next, and few are open at a time.
STARTS_AT_ONCE = 100
# To look up hundreds of texts in a long page takes a while; others have their turns in between.
FOLLOWING_S = 0.01
# What lands within this after another lands with it: what follows is written once for all of it.
TOGETHER_S = 0.02
# Whoever waits is asked so often whether that still has a use.
WANTED_EVERY_S = 2.0
# Verdicts that come of the host's wish for fewer requests, or of ourselves, and not of the link.
NOTABLE = (Reason.RATE_LIMITED, Reason.SERVICE_UNAVAILABLE, Reason.HOST_BACKOFF, Reason.CHECKER_ERROR)


@dataclass(frozen=True, kw_only=True)
class EngineSettings:
    """How the engine fetches; 0 lifts a limit by host. `ca_file` is PEM, trusted beside the system's authorities.

    With a `redis_url` the limits by host hold over all engines that share it. `backoff_cap_s` is the longest that a
    host is left alone, 0 heeds no such wish; links of a host that wants more than `backoff_patience_s` come back
    unchecked. So do those, of several that are asked for together, whose turn at a host is more than `queue_s` away.
    """

    allow_networks: tuple[IPv4Network | IPv6Network, ...] = ()
    allow_ports: tuple[tuple[int, int], ...] = ()
    concurrency: int = 500
    host_concurrency: int = 10
    host_interval_ms: int = 50
    backoff_cap_s: float = 3600.0
    backoff_patience_s: float = 2.0
    queue_s: float = 15.0
    redis_url: str = ""
    connect_timeout_s: float = 10.0
    total_timeout_s: float = 30.0
    retries: int = 1
    retry_delay_s: float = 0.5
    max_redirects: int = 10
    body_cap_bytes: int = 1_048_576
    ca_file: str = ""
    user_agent: str = "Pranala/0.1 (+https://pranala.example/about)"
    fragments: bool = True
    tls_warn_days: float = 14.0
    slow_ms: float = 0.0
    suggest_https: bool = False
    soft_404: bool = False
    robots: bool = False
    http2: bool = True
    mailto: bool = False

    @property
    def rules(self) -> Rules:
        """What is looked for in links that work."""
        return Rules(
            fragments=self.fragments,
            tls_warn=timedelta(days=self.tls_warn_days),
            slow_ms=self.slow_ms,
            suggest_https=self.suggest_https,
            soft_404=self.soft_404,
            robots=self.robots,
            mailto=self.mailto,
            agent=agent_of(self.user_agent),
        )


# Batches that are done: of each its place among those that were asked for, and its results.
Landed = list[tuple[int, list[Result]]]
# Told places of batches that are not done; says which of these nobody wants any more.
Unwanted = Callable[[Collection[int]], Collection[int]]


class FetcherStopped(Exception):
    """The fetcher stopped before all results were there."""


def all_wanted(_: Collection[int]) -> Collection[int]:
    """What is asked for is wanted until it is there."""
    return ()


class Batch:
    """Results that are asked for together, as they come in. Calls `over` when all are there, or will not come."""

    def __init__(self, count: int, over: Callable[[], object]) -> None:
        self.many = count > 1
        self._results: list[Result | None] = [None] * count
        self._left = count
        self._over = over
        if not count:
            over()

    def put(self, place: int, result: Result) -> bool:
        """Add a result; True when it was the last."""
        self._results[place] = result
        self._left -= 1
        if not self._left:
            self._over()
        return not self._left

    def give_up(self) -> None:
        """No more will come."""
        self._over()

    def results(self) -> list[Result] | None:
        """All results in order, now that it is over; None where some will not come."""
        results = [result for result in self._results if result is not None]
        return results if len(results) == len(self._results) else None


@dataclass(slots=True, eq=False)
class Errand:
    """A check, where its result belongs, and what is known of the name it asks for next."""

    check: Check
    batch: Recipient
    place: int
    answer: Answer | None = None
    begun_at: float = 0.0


@dataclass(slots=True, eq=False)
class Convoy:
    """Stands where a batch does, for the errand that fetches a page for others of that batch too."""

    leader: convoy.Fellow
    batch: Batch
    followers: deque[tuple[int, convoy.Fellow]]
    arrived: Callable[[Convoy, int, Result], None]
    many: bool = True

    def put(self, place: int, result: Result) -> bool:
        self.arrived(self, place, result)
        return False


class Fetcher:
    """Only `check_each`, `read` and `stop` are for other threads; everything else happens in the fetcher's own."""

    def __init__(self, settings: EngineSettings, lookup: Lookup) -> None:
        self._concurrency = settings.concurrency
        self._lookup_timeout_s = settings.connect_timeout_s
        self._limits = Limits(
            settings.total_timeout_s, settings.retries, settings.retry_delay_s, settings.max_redirects
        )
        self._trust = TrustStore(settings.ca_file)
        self._transfer_settings = TransferSettings(
            policy=AddressPolicy(settings.allow_networks, settings.allow_ports),
            user_agent=settings.user_agent,
            connect_timeout_s=settings.connect_timeout_s,
            body_cap_bytes=settings.body_cap_bytes,
            ca_file=self._trust.path,
            http2=settings.http2,
        )
        self._memory = Memory()
        self._rules = settings.rules
        self._inquiries: Inquiries[Errand] = Inquiries(
            self._memory, self._rules, settings.total_timeout_s, self._inquire, self._inform
        )
        self._heeds = settings.backoff_cap_s > 0
        self._patience_s = settings.backoff_patience_s
        self._queue_s = settings.queue_s
        self._idle: list[Transfer] = []
        self._active: dict[pycurl.Curl, tuple[Transfer, Errand, str]] = {}
        self._unnamed: dict[str, list[Errand]] = {}
        self._batches: set[Batch] = set()
        self._loop = Loop(self._done, settings.concurrency + SPARE_CONNECTIONS)
        self._resolver = Resolver(lookup, lambda answer: self._loop.post(partial(self._resolved, answer)))
        self._share(settings)
        self._lock = threading.Lock()
        self.alive = True
        self._thread = threading.Thread(target=self._run, name="fetcher", daemon=True)
        self._thread.start()

    def check_each(self, asked: Sequence[Sequence[Target]], unwanted: Unwanted) -> Iterator[Landed]:
        """See `Engine.check_each`; raises FetcherStopped."""
        landed: SimpleQueue[int] = SimpleQueue()
        waiting = {place: Batch(len(targets), partial(landed.put, place)) for place, targets in enumerate(asked)}
        self._send([(batch, self._errands(asked[place], batch)) for place, batch in waiting.items()])
        try:
            while waiting:
                places = _landing(landed, len(waiting))
                if places:
                    yield [(place, _results(waiting.pop(place))) for place in places]
                    continue
                for place in unwanted(waiting.keys()):
                    self._post(partial(self._abandon, waiting[place]))
        finally:
            for batch in waiting.values():
                self._post(partial(self._abandon, batch))

    def read(self, target: Target) -> tuple[Result, Page | None]:
        """Check one target and wait for its result and its page; raises FetcherStopped."""
        check = Check(target, self._limits, self._memory, self._rules, keeps_page=True)
        over = threading.Event()
        batch = Batch(1, over.set)
        self._send([(batch, [Errand(check, batch, 0)])])
        over.wait()
        return _results(batch)[0], check.page

    def _send(self, batches: Sequence[tuple[Batch, list[Errand]]]) -> None:
        if not self._post(partial(self._accept, batches)):
            raise FetcherStopped

    def _errands(self, targets: Sequence[Target], batch: Batch) -> list[Errand]:
        # Most parts have no fragments, and are spared the rest.
        groups = convoy.groups(targets) if any("#" in target.url for target in targets) else []
        errands = [self._led({place: targets[place] for place in group}, batch) for group in groups]
        led = frozenset(chain.from_iterable(groups))
        errands += [
            Errand(Check(target, self._limits, self._memory, self._rules), batch, place)
            for place, target in enumerate(targets)
            if place not in led
        ]
        if groups:
            errands.sort(key=attrgetter("place"))
        return errands

    def _post(self, work: Callable[[], None]) -> bool:
        """Have something done in the fetcher's own thread, while that lives."""
        with self._lock:
            if self.alive:
                self._loop.post(work)
            return self.alive

    def _led(self, targets: Mapping[int, Target], batch: Batch) -> Errand:
        """The errand of the link that needs most of a page, by place in the batch; the others come after it."""
        fellows = {
            place: convoy.Fellow(target, self._limits, self._memory, self._rules) for place, target in targets.items()
        }
        first = max(fellows, key=lambda place: fellows[place].need)
        leader = fellows.pop(first)
        leader.lead()
        return Errand(leader, Convoy(leader, batch, deque(fellows.items()), self._arrived), first)

    def _abandon(self, batch: Batch) -> None:
        """Give back what of a batch has not begun: nobody wants it any more."""
        for errand in self._lanes.discard(lambda errand: errand.batch is batch):
            self._deliver(errand, errand.check.put_off("nobody waits for it any more"))

    def _share(self, settings: EngineSettings) -> None:
        """Keep the limits by host over all processes, where there is a place to keep them."""
        self._pacing = Pacing(settings.host_concurrency, settings.host_interval_ms / 1000)
        back_off = BackOff(cap_s=settings.backoff_cap_s)
        shared = bool(settings.redis_url)
        self._lanes: Lanes[Errand] = Lanes(self._pacing, back_off, shared)
        self._asking = False
        self._ledger = (
            Ledger(
                settings.redis_url,
                back_off,
                granted=lambda grants: self._loop.post(partial(self._granted, grants)),
                shared=lambda shared: self._loop.post(partial(self._shared, shared)),
            )
            if shared
            else None
        )

    def stop(self) -> None:
        with self._lock:
            self._loop.stop()
        self._thread.join()

    def _run(self) -> None:
        try:
            self._loop.run(self._start_ready, self._next_at)
        except Exception:
            log.exception("fetch_loop_failed")
        with self._lock:
            self.alive = False
        for batch in self._batches:
            batch.give_up()
        if self._ledger is not None:
            self._ledger.close()
        self._loop.close()
        if self._ledger is not None:
            self._ledger.part(self._lanes.last_wishes())
        self._resolver.close()
        self._trust.close()

    def _accept(self, batches: Sequence[tuple[Batch, list[Errand]]]) -> None:
        for batch, errands in batches:
            if errands:
                self._batches.add(batch)
            for errand in errands:
                self._queue(errand)

    def _queue(self, errand: Errand, first: bool = False) -> None:
        """Bring an errand to the lane of its host, by way of the resolver where the host has a name."""
        check = errand.check
        if check.result is not None:
            self._deliver(errand, check.result)
            return
        if check.question is not None:
            self._inquiries.put(check.question, errand, check.host_limits)
            return
        host = check.address[0]
        errand.answer = None
        if is_literal(host):
            self._line_up(host, errand, first)
            return
        answer = self._resolver.find(host)
        if answer is not None:
            self._named(errand, answer, first)
        else:
            self._look_up(host, errand)

    def _inquire(self, inquiry: Inquiry) -> None:
        self._queue(Errand(inquiry.check, inquiry, 0), first=True)

    def _inform(self, errand: Errand, answer: Meaning) -> None:
        self._proceed(errand, partial(errand.check.informed, answer.meaning))

    def _look_up(self, host: str, errand: Errand) -> None:
        waiting = self._unnamed.setdefault(host, [])
        waiting.append(errand)
        if len(waiting) == 1:
            self._resolver.ask(host)
            self._loop.call_at(time.monotonic() + self._lookup_timeout_s, partial(self._lose_patience, host))

    def _lose_patience(self, host: str) -> None:
        """Give up a lookup that takes too long, counted from when a thread took it on."""
        if host not in self._unnamed:
            return
        now = time.monotonic()
        deadline = (self._resolver.waiting_since(host) or now) + self._lookup_timeout_s
        if deadline > now:
            self._loop.call_at(deadline, partial(self._lose_patience, host))
        else:
            late = f"{host}: no answer within {self._lookup_timeout_s:g} seconds"
            self._resolved(Answer(host, hindrance=Reason.DNS_TIMEOUT, detail=late))

    def _resolved(self, answer: Answer) -> None:
        for errand in self._unnamed.pop(answer.host, ()):
            errand.check.dns_ms = round(answer.elapsed_s * 1000, 3)
            self._named(errand, answer)

    def _named(self, errand: Errand, answer: Answer, first: bool = False) -> None:
        if answer.hindrance is not None:
            self._proceed(errand, partial(errand.check.unresolved, answer))
        elif errand.check.is_mail:
            self._proceed(errand, errand.check.takes_mail)
        else:
            errand.answer = answer
            self._line_up(answer.host, errand, first)

    def _line_up(self, host: str, errand: Errand, first: bool) -> None:
        now = time.monotonic()
        pacing = self._pacing_of(errand.check)
        if self._lanes.paused_s(host, now) > self._patience_s:
            self._put_off(errand)
        elif not first and errand.batch.many and self._is_far_off(host, errand.check, now, pacing):
            self._send_back(host, errand, now, pacing)
        else:
            self._lanes.put(host, errand, now, first, pacing)

    def _is_far_off(self, host: str, check: Check, now: float, pacing: Pacing | None) -> bool:
        """Would a link wait longer for its turn than a thread is to be held? Those that came back go before others."""
        if not (pacing or self._pacing).interval_s:
            return False
        turn_s = self._lanes.turn_s(host, now, pacing)
        return (turn_s if check.waited else max(turn_s, self._lanes.promised_s(host, now))) > self._queue_s

    def _send_back(self, host: str, errand: Errand, now: float, pacing: Pacing | None) -> None:
        """Have a link come back for its turn: before the host has nothing to do, and together with others.

        Half the time in line is what a tick and the rounding here may take without the host being idle.
        """
        turn_s = self._lanes.promise(host, now, pacing) - self._queue_s / 2
        together_s = max(self._queue_s / 5, 0.01)
        wait_s = max(math.ceil(turn_s / together_s), 1) * together_s
        result = errand.check.put_off(f"{host} has many links, and is asked for one at a time")
        self._deliver(errand, replace(result, wait_s=wait_s, paced=True))

    def _pacing_of(self, check: Check) -> Pacing | None:
        """How a check's host is to be spared; None where it is as the settings say."""
        limits = check.host_limits
        if limits is None and not check.crawl_delay_s:
            return None
        limit, interval_s = self._pacing.limit, self._pacing.interval_s
        if limits is not None and limits.concurrency is not None:
            limit = limits.concurrency
        if limits is not None and limits.interval_ms is not None:
            interval_s = limits.interval_ms / 1000
        return Pacing(limit, max(interval_s, check.crawl_delay_s))

    def _start_ready(self) -> None:
        now = time.monotonic()
        room = min(self._concurrency, len(self._active) + STARTS_AT_ONCE)
        while len(self._active) < room and (ready := self._lanes.take(now)):
            self._start(*ready)
        if self._ledger is not None and not self._asking:
            self._ask(self._ledger, now)

    def _next_at(self) -> float | None:
        ask_at = None if self._asking else self._lanes.ask_at()
        # While all places are taken, only an end makes room: a time that has come must not keep the loop spinning.
        start_at = self._lanes.next_at() if len(self._active) < self._concurrency else None
        return min((at for at in (ask_at, start_at) if at is not None), default=None)

    def _ask(self, ledger: Ledger, now: float) -> None:
        wishes = self._lanes.wishes(now, self._concurrency - len(self._active), HOSTS_AT_ONCE)
        if wishes:
            self._asking = True
            ledger.ask(wishes)

    def _granted(self, grants: list[Grant]) -> None:
        self._asking = False
        for host in self._lanes.grant(grants, time.monotonic()):
            self._leave_alone(host)

    def _shared(self, shared: bool) -> None:
        # While there is nobody to ask, nothing is asked: `wishes` are those of lanes that share.
        self._asking = False
        self._lanes.share(shared, time.monotonic())

    def _leave_alone(self, host: str) -> None:
        """Give back what waits for a host, where the wait is too long to be held by whoever asked."""
        if self._lanes.paused_s(host, time.monotonic()) > self._patience_s:
            for errand in self._lanes.drain(host):
                self._put_off(errand)

    def _put_off(self, errand: Errand) -> None:
        self._deliver(errand, errand.check.put_off(f"{errand.check.address[0]} asked for fewer requests"))

    def _start(self, host: str, errand: Errand) -> None:
        check, answer = errand.check, errand.answer
        transfer = self._idle.pop() if self._idle else Transfer(self._transfer_settings)
        try:
            check.begin()
            errand.begun_at = time.monotonic()
            origin = f"{check.address[0]}:{check.address[1]}"
            places = answer.places if answer else None
            transfer.prepare(check.method, check.url, check.left_s, origin, places, check.fresh, check.wish)
            self._loop.add(transfer.easy)
        except Exception as error:
            self._lanes.release(host, time.monotonic())
            self._fail(errand, error)
        else:
            self._active[transfer.easy] = (transfer, errand, host)

    def _done(self, easy: pycurl.Curl, code: int, text: str) -> None:
        transfer, errand, host = self._active.pop(easy)
        now = time.monotonic()
        self._lanes.release(host, now)
        try:
            delay_s = self._heard(errand, host, transfer.response(code, text), now)
        except Exception as error:
            self._fail(errand, error)
        else:
            self._go_on(errand, delay_s)
        self._idle.append(transfer)

    def _heard(self, errand: Errand, host: str, response: Response, now: float) -> float | None:
        """Do as the host asks, then go on with the check."""
        if self._heeds and (plea := _read(response)):
            self._lanes.heed(host, plea, now)
            self._leave_alone(host)
        elif response.status:
            self._lanes.ease(host, errand.begun_at, now)
        return errand.check.answered(response)

    def _proceed(self, errand: Errand, step: Callable[[], float | None]) -> None:
        try:
            delay_s = step()
        except Exception as error:
            self._fail(errand, error)
        else:
            self._go_on(errand, delay_s)

    def _go_on(self, errand: Errand, delay_s: float | None) -> None:
        if delay_s:
            self._loop.call_at(time.monotonic() + delay_s, partial(self._queue, errand, True))
        else:
            self._queue(errand, first=errand.check.has_begun)

    def _fail(self, errand: Errand, error: Exception) -> None:
        """A fault of ours costs one check, never the loop."""
        log.error("check_failed", url=errand.check.url, exc_info=error)
        self._deliver(errand, errand.check.fail(f"{type(error).__name__}: {error}"))

    def _deliver(self, errand: Errand, result: Result) -> None:
        if result.reason in NOTABLE and result.wait_s is None:
            result = self._noted(errand, result)
        if errand.batch.put(errand.place, result) and isinstance(errand.batch, Batch):
            self._batches.discard(errand.batch)

    def _arrived(self, led: Convoy, place: int, result: Result) -> None:
        if led.batch.put(place, result):
            self._batches.discard(led.batch)
        self._bring_up(led, result)

    def _bring_up(self, led: Convoy, result: Result) -> None:
        """Let followers go where their leader went that has this result, for a moment at a time."""
        until = time.monotonic() + FOLLOWING_S
        while led.followers and time.monotonic() < until:
            place, fellow = led.followers.popleft()
            self._follow(Errand(fellow, led.batch, place), fellow, led.leader, result)
        if led.followers:
            self._loop.call_at(time.monotonic(), partial(self._bring_up, led, result))
        else:
            led.leader.disband()

    def _follow(self, errand: Errand, fellow: convoy.Fellow, leader: convoy.Fellow, leading: Result) -> None:
        try:
            fellow.follow(leader)
        except Exception as error:
            self._fail(errand, error)
            return
        if fellow.result is not None:
            fellow.result = convoy.as_untimely(fellow.result, leading)
        self._go_on(errand, None)

    def _noted(self, errand: Errand, result: Result) -> Result:
        if result.reason is Reason.CHECKER_ERROR:
            log.warning("check_inconclusive", url=errand.check.url, detail=result.detail)
            return result
        wait_s = self._lanes.paused_s(errand.check.address[0], time.monotonic())
        return replace(result, wait_s=wait_s or None)


def _read(response: Response) -> Plea | None:
    # The headers of nearly all answers need not be parsed.
    if response.status not in (429, 503) and b"ratelimit" not in b"".join(response.lines).lower():
        return None
    return read_plea(response.status, response.headers(), clock.now())


def _landing(landed: SimpleQueue[int], most: int) -> list[int]:
    """Batches that are done: those that come soon after the first one come with it. None within a while."""
    places: list[int] = []
    patience_s, until = WANTED_EVERY_S, math.inf
    with suppress(Empty):
        while len(places) < most:
            places.append(landed.get(timeout=patience_s))
            until = min(until, time.monotonic() + TOGETHER_S)
            patience_s = max(0.0, until - time.monotonic())
    return places


def _results(batch: Batch) -> list[Result]:
    results = batch.results()
    if results is None:
        raise FetcherStopped
    return results
