"""Can we reach anything at all? While we cannot, a failure says nothing of a link."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterable
from contextlib import closing
from dataclasses import replace

from tasks.links.result import Result
from tasks.links.verdict import JUDGEMENTS, Reason, Verdict

Address = tuple[str, int]

TIMEOUT_S = 3.0
# An answer is good for this long, so that a part of failures asks once.
FRESH_S = 5.0


def reaches(address: Address) -> bool:
    """Does something there accept a connection?"""
    try:
        with closing(socket.create_connection(address, TIMEOUT_S)):
            return True
    except OSError:
        return False


class Connectivity:
    """Asks the probes in turn until one answers. Without a probe we believe to be online."""

    def __init__(
        self,
        probes: Iterable[Address],
        reach: Callable[[Address], bool] = reaches,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._probes = tuple(probes)
        self._reach = reach
        self._clock = clock
        self._lock = threading.Lock()
        self._answer = True
        self._asked_at = float("-inf")

    def is_online(self) -> bool:
        """Does any probe answer?"""
        if not self._probes:
            return True
        with self._lock:
            if self._clock() - self._asked_at >= FRESH_S:
                self._answer = any(self._reach(probe) for probe in self._probes)
                self._asked_at = self._clock()
            return self._answer

    def believed(self, results: list[Result]) -> list[Result]:
        """The results, with those that our being offline explains as such."""
        if not any(_needs_proof(each) for each in results) or self.is_online():
            return results
        return [_offline(each) if _needs_proof(each) else each for each in results]


def _needs_proof(result: Result) -> bool:
    """A server that answered proves that we were online, whatever it said."""
    return result.verdict is Verdict.BROKEN and result.status_code is None and result.reason is not Reason.URL_INVALID


def _offline(result: Result) -> Result:
    judged = JUDGEMENTS[Reason.CHECKER_OFFLINE]
    detail = f"{result.reason}, while nothing could be reached"
    return replace(result, verdict=judged.verdict, reason=judged.reason, permanence=judged.permanence, detail=detail)
