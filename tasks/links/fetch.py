"""The engine: checks links for many threads at once, over one libcurl multi loop."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Sequence

from tasks.errors import ShuttingDown
from tasks.links.exchange import both, system_exchangers
from tasks.links.fetcher import EngineSettings, Fetcher, always
from tasks.links.page import Page
from tasks.links.resolve import Lookup, system_lookup
from tasks.links.result import Hop, Result, Target

__all__ = ["Engine", "EngineClosed", "EngineSettings", "Hop", "Result", "Target"]


class EngineClosed(ShuttingDown):
    """The engine was closed before the checks were done; they may be asked for again."""


class Engine:
    """Checks links. All transfers happen in one thread, which starts with the first call."""

    def __init__(
        self, settings: EngineSettings, lookup: Lookup = system_lookup, mail_lookup: Lookup = system_exchangers
    ) -> None:
        self._settings = settings
        self._lookup = both(lookup, mail_lookup)
        self._lock = threading.Lock()
        self._fetcher: Fetcher | None = None
        self._pid = 0
        self._closed = False

    def check(self, targets: Sequence[Target], is_wanted: Callable[[], bool] = always) -> list[Result]:
        """Check all targets and return their results in the same order; raises nothing but EngineClosed.

        May be called by many threads at once. Whatever goes wrong with a target is in its result. Once nothing is
        wanted any more, which is asked now and then, what still waits is not begun, and its result worth nothing.
        """
        if not targets:
            return []
        results = self._running().check(targets, is_wanted)
        if results is None:
            raise EngineClosed("the engine was closed before the checks were done")
        return results

    def read(self, target: Target) -> tuple[Result, Page | None]:
        """Check one target and return what came back too, where the check came to a page; raises EngineClosed."""
        found = self._running().read(target)
        if found is None:
            raise EngineClosed("the engine was closed before the page was read")
        return found

    def close(self) -> None:
        """Stop; calls that wait raise EngineClosed."""
        with self._lock:
            self._closed = True
            fetcher, self._fetcher = self._fetcher, None
        if fetcher is not None and self._pid == os.getpid():
            fetcher.stop()

    def _running(self) -> Fetcher:
        with self._lock:
            if self._closed:
                raise EngineClosed("the engine is closed")
            # A forked child inherits the object but not the thread, and must leave its parent's connections alone.
            if self._fetcher is None or self._pid != os.getpid() or not self._fetcher.alive:
                self._fetcher = Fetcher(self._settings, self._lookup)
                self._pid = os.getpid()
            return self._fetcher
