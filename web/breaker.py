"""A circuit breaker: a dependency that keeps failing is left alone for a while, so that nobody waits for it in vain."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

FAILURES = 5
REST_S = 5.0


class CircuitOpen(Exception):
    """The dependency failed too often. Try again in `retry_after_s`."""

    def __init__(self, retry_after_s: float) -> None:
        super().__init__(f"resting for {retry_after_s:.1f} s")
        self.retry_after_s = retry_after_s


class Breaker:
    """Opens after failures in a row; when it has rested, one call is let through and decides.

    Calls run beside each other: the lock is held to count, never during a call.
    """

    def __init__(
        self, failures: int = FAILURES, rest_s: float = REST_S, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._most = failures
        self._rest_s = rest_s
        self._clock = clock
        self._lock = threading.Lock()
        self._failures = 0
        self._opened_at: float | None = None
        self.on_change: Callable[[bool], None] = lambda _is_open: None

    @property
    def is_open(self) -> bool:
        """Whether calls are refused now, or were until a call that is still under way."""
        return self._opened_at is not None

    @contextmanager
    def guard(self, counts: Callable[[Exception], bool]) -> Iterator[None]:
        """Run one call, or raise `CircuitOpen`; `counts` says which errors are the dependency's fault."""
        self._admit()
        try:
            yield
        except Exception as error:
            self._failed() if counts(error) else self._succeeded()
            raise
        self._succeeded()

    def _admit(self) -> None:
        with self._lock:
            if self._opened_at is None:
                return
            left_s = self._opened_at + self._rest_s - self._clock()
            if left_s > 0:
                raise CircuitOpen(left_s)
            # This call is the trial; the others rest once more, until it is back.
            self._opened_at = self._clock()

    def _failed(self) -> None:
        with self._lock:
            self._failures += 1
            was_open = self.is_open
            if self._failures >= self._most:
                self._opened_at = self._clock()
            self._tell(was_open)

    def _succeeded(self) -> None:
        with self._lock:
            was_open = self.is_open
            self._failures, self._opened_at = 0, None
            self._tell(was_open)

    def _tell(self, was_open: bool) -> None:
        if self.is_open != was_open:
            self.on_change(self.is_open)
