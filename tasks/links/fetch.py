"""The engine: checks links for many threads at once, over one libcurl multi loop."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator, Sequence

from tasks.errors import ShuttingDown
from tasks.links.exchange import both, system_exchangers
from tasks.links.fetcher import EngineSettings, Fetcher, FetcherStopped, Landed, Unwanted, all_wanted
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

    def check(self, targets: Sequence[Target]) -> list[Result]:
        """Check all targets and return their results in the same order; raises nothing but EngineClosed.

        May be called by many threads at once. Whatever goes wrong with a target is in its result.
        """
        [[(_, results)]] = self.check_each([targets])
        return results

    def check_each(self, asked: Sequence[Sequence[Target]], unwanted: Unwanted = all_wanted) -> Iterator[Landed]:
        """Check several batches side by side; those whose results are all there are given as they land.

        What nobody wants any more, which is asked now and then, is not begun where it still waits, and its result is
        worth nothing.
        """
        try:
            yield from self._running().check_each(asked, unwanted)
        except FetcherStopped as error:
            raise EngineClosed("the engine was closed before the checks were done") from error

    def read(self, target: Target) -> tuple[Result, Page | None]:
        """Check one target and return what came back too, where the check came to a page; raises EngineClosed."""
        try:
            return self._running().read(target)
        except FetcherStopped as error:
            raise EngineClosed("the engine was closed before the page was read") from error

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
