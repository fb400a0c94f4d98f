"""The thread in which all transfers of a process happen: who may start, what came back, and where it belongs."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from ipaddress import IPv4Network, IPv6Network

import pycurl
import structlog

from tasks.guard import AddressPolicy
from tasks.links.check import Check, Limits
from tasks.links.lanes import Lanes
from tasks.links.loop import Loop
from tasks.links.memory import Memory
from tasks.links.resolve import Answer, Lookup, Resolver
from tasks.links.result import Result, Target
from tasks.links.transfer import Transfer, TransferSettings
from tasks.links.trust import TrustStore
from tasks.links.verdict import Reason
from tasks.urls import is_literal

log = structlog.get_logger(__name__)

# Idle connections that are kept beside the active ones.
SPARE_CONNECTIONS = 50


@dataclass(frozen=True, kw_only=True)
class EngineSettings:
    """How the engine fetches; 0 lifts a limit by host. `ca_file` is PEM, trusted beside the system's authorities."""

    allow_networks: tuple[IPv4Network | IPv6Network, ...] = ()
    concurrency: int = 500
    host_concurrency: int = 10
    host_interval_ms: int = 50
    connect_timeout_s: float = 10.0
    total_timeout_s: float = 30.0
    retries: int = 1
    retry_delay_s: float = 0.5
    max_redirects: int = 10
    body_cap_bytes: int = 1_048_576
    ca_file: str = ""
    user_agent: str = "Pranala/0.1 (+https://pranala.example/about)"


class Batch:
    """The results of one call, as they come in."""

    def __init__(self, count: int) -> None:
        self._results: list[Result | None] = [None] * count
        self._left = count
        self._over = threading.Event()

    def put(self, place: int, result: Result) -> bool:
        """Add a result; True when it was the last."""
        self._results[place] = result
        self._left -= 1
        if not self._left:
            self._over.set()
        return not self._left

    def give_up(self) -> None:
        self._over.set()

    def wait(self) -> list[Result] | None:
        """Return all results in order, once they are there; None when they will not come."""
        self._over.wait()
        results = [result for result in self._results if result is not None]
        return results if len(results) == len(self._results) else None


@dataclass(slots=True, eq=False)
class Errand:
    """A check, where its result belongs, and what is known of the name it asks for next."""

    check: Check
    batch: Batch
    place: int
    answer: Answer | None = None


class Fetcher:
    """Only `check` and `stop` are for other threads; everything else happens in the fetcher's own."""

    def __init__(self, settings: EngineSettings, lookup: Lookup) -> None:
        self._concurrency = settings.concurrency
        self._lookup_timeout_s = settings.connect_timeout_s
        self._limits = Limits(
            settings.total_timeout_s, settings.retries, settings.retry_delay_s, settings.max_redirects
        )
        self._trust = TrustStore(settings.ca_file)
        self._transfer_settings = TransferSettings(
            policy=AddressPolicy(settings.allow_networks),
            user_agent=settings.user_agent,
            connect_timeout_s=settings.connect_timeout_s,
            body_cap_bytes=settings.body_cap_bytes,
            ca_file=self._trust.path,
        )
        self._memory = Memory()
        self._lanes: Lanes[Errand] = Lanes(settings.host_concurrency, settings.host_interval_ms / 1000)
        self._idle: list[Transfer] = []
        self._active: dict[pycurl.Curl, tuple[Transfer, Errand, str]] = {}
        self._unnamed: dict[str, list[Errand]] = {}
        self._batches: set[Batch] = set()
        self._loop = Loop(self._done, settings.concurrency + SPARE_CONNECTIONS)
        self._resolver = Resolver(lookup, lambda answer: self._loop.post(partial(self._resolved, answer)))
        self._lock = threading.Lock()
        self.alive = True
        self._thread = threading.Thread(target=self._run, name="fetcher", daemon=True)
        self._thread.start()

    def check(self, targets: Sequence[Target]) -> list[Result] | None:
        """Check all targets and wait for their results; None when the fetcher stopped before they were there."""
        batch = Batch(len(targets))
        errands = [
            Errand(Check(target, self._limits, self._memory), batch, place) for place, target in enumerate(targets)
        ]
        with self._lock:
            if not self.alive:
                return None
            self._loop.post(partial(self._accept, batch, errands))
        return batch.wait()

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
        self._loop.close()
        self._resolver.close()
        self._trust.close()

    def _accept(self, batch: Batch, errands: list[Errand]) -> None:
        self._batches.add(batch)
        for errand in errands:
            self._queue(errand)

    def _queue(self, errand: Errand, first: bool = False) -> None:
        """Bring an errand to the lane of its host, by way of the resolver where the host has a name."""
        if errand.check.result is not None:
            self._deliver(errand, errand.check.result)
            return
        host = errand.check.address[0]
        errand.answer = None
        if is_literal(host):
            self._lanes.put(host, errand, time.monotonic(), first)
            return
        answer = self._resolver.find(host)
        if answer is not None:
            self._named(errand, answer, first)
        else:
            self._look_up(host, errand)

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
        else:
            errand.answer = answer
            self._lanes.put(answer.host, errand, time.monotonic(), first)

    def _start_ready(self) -> None:
        now = time.monotonic()
        while len(self._active) < self._concurrency and (ready := self._lanes.take(now)):
            self._start(*ready)

    def _next_at(self) -> float | None:
        # While all places are taken, only an end makes room: a time that has come must not keep the loop spinning.
        return self._lanes.next_at() if len(self._active) < self._concurrency else None

    def _start(self, host: str, errand: Errand) -> None:
        check, answer = errand.check, errand.answer
        transfer = self._idle.pop() if self._idle else Transfer(self._transfer_settings)
        try:
            check.begin()
            entry = answer.entry(check.address[1]) if answer else None
            transfer.prepare(check.method, check.url, check.left_s, entry, check.fresh)
            self._loop.add(transfer.easy)
        except Exception as error:
            self._lanes.release(host, time.monotonic())
            self._fail(errand, error)
        else:
            self._active[transfer.easy] = (transfer, errand, host)

    def _done(self, easy: pycurl.Curl, code: int, text: str) -> None:
        transfer, errand, host = self._active.pop(easy)
        self._lanes.release(host, time.monotonic())
        self._proceed(errand, lambda: errand.check.answered(transfer.response(code, text)))
        self._idle.append(transfer)

    def _proceed(self, errand: Errand, step: Callable[[], float | None]) -> None:
        try:
            delay_s = step()
        except Exception as error:
            self._fail(errand, error)
            return
        if delay_s:
            self._loop.call_at(time.monotonic() + delay_s, partial(self._queue, errand, True))
        else:
            self._queue(errand, first=True)

    def _fail(self, errand: Errand, error: Exception) -> None:
        """A fault of ours costs one check, never the loop."""
        log.error("check_failed", url=errand.check.url, exc_info=error)
        self._deliver(errand, errand.check.fail(f"{type(error).__name__}: {error}"))

    def _deliver(self, errand: Errand, result: Result) -> None:
        if result.reason is Reason.CHECKER_ERROR:
            log.warning("check_inconclusive", url=errand.check.url, detail=result.detail)
        if errand.batch.put(errand.place, result):
            self._batches.discard(errand.batch)
