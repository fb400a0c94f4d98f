"""The engine: every check of a process over one libcurl multi loop, asked for by many threads at once."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Sequence
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
from tasks.links.resolve import Answer, Lookup, Resolver, system_lookup
from tasks.links.result import Hop, Result, Target
from tasks.links.transfer import Transfer, TransferSettings
from tasks.links.trust import TrustStore
from tasks.links.verdict import Reason
from tasks.urls import is_literal

__all__ = ["Engine", "EngineClosed", "EngineSettings", "Hop", "Result", "Target"]

log = structlog.get_logger(__name__)


@dataclass(frozen=True, kw_only=True)
class EngineSettings:
    """How the engine fetches; 0 lifts the limits by host. `ca_file` is PEM, trusted beside the system's authorities."""

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


class EngineClosed(RuntimeError):
    """The engine was closed before the checks were done; ask again after the restart."""


class Batch:
    """The targets of one call and the results that have come so far."""

    def __init__(self, targets: Sequence[Target]) -> None:
        self.targets = targets
        self.results: list[Result | None] = [None] * len(targets)
        self._left = len(targets)
        self._over = threading.Event()

    def put(self, place: int, result: Result) -> None:
        self.results[place] = result
        self._left -= 1
        if not self._left:
            self._over.set()

    def give_up(self) -> None:
        self._over.set()

    def wait(self) -> list[Result]:
        self._over.wait()
        results = [result for result in self.results if result is not None]
        if len(results) < len(self.targets):
            raise EngineClosed("the engine was closed before the checks were done")
        return results


class Engine:
    """Checks links. One thread does all transfers; it starts with the first call, after any fork."""

    def __init__(self, settings: EngineSettings, lookup: Lookup = system_lookup) -> None:
        self._settings = settings
        self._lookup = lookup
        self._lock = threading.Lock()
        self._worker: Worker | None = None
        self._closed = False

    def check(self, targets: Sequence[Target]) -> list[Result]:
        """Check all targets and return their results in the same order; raises nothing but EngineClosed.

        May be called by many threads at once. What goes wrong with a target is in its result.
        """
        if not targets:
            return []
        batch = Batch(targets)
        self._running().submit(batch)
        return batch.wait()

    def close(self) -> None:
        """Stop; calls that still wait raise EngineClosed."""
        with self._lock:
            self._closed = True
            worker, self._worker = self._worker, None
        if worker is not None and worker.pid == os.getpid():
            worker.stop()

    def _running(self) -> Worker:
        with self._lock:
            if self._closed:
                raise EngineClosed("the engine is closed")
            # A forked child inherits the object but not the thread, and must not touch its parent's connections.
            if self._worker is None or self._worker.pid != os.getpid():
                self._worker = Worker(self._settings, self._lookup)
            return self._worker


@dataclass(slots=True, eq=False)
class Errand:
    """A check, and where its result belongs."""

    check: Check
    batch: Batch
    place: int


class Worker:
    """The engine's thread and all that lives in it. Only `submit` and `stop` are for other threads."""

    def __init__(self, settings: EngineSettings, lookup: Lookup) -> None:
        self.pid = os.getpid()
        self._settings = settings
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
        self._names: dict[str, list[Errand]] = {}
        self._batches: set[Batch] = set()
        self._loop = Loop(self._done, settings.concurrency + 50)
        self._resolver = Resolver(lookup, lambda answer: self._loop.post(partial(self._resolved, answer)))
        self._thread = threading.Thread(target=self._run, name="fetch", daemon=True)
        self._thread.start()

    def submit(self, batch: Batch) -> None:
        self._loop.post(partial(self._accept, batch))

    def stop(self) -> None:
        self._loop.stop()
        self._thread.join()
        self._resolver.close()
        self._trust.close()

    def _run(self) -> None:
        try:
            self._loop.run(self._start_ready, self._lanes.next_at)
        except Exception:
            log.exception("fetch_loop_failed")
        ...
