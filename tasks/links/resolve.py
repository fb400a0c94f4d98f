"""Names to addresses, by the system's resolver, in threads of their own and remembered for a while.

libcurl has at most twenty resolver threads and counts the wait for one as connecting; a few dead name servers would
make healthy links time out. It also cannot tell a name that does not exist from a server that does not answer.
"""

from __future__ import annotations

import queue
import socket
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from tasks.links.verdict import JUDGEMENTS, Permanence, Reason, judge_lookup

Lookup = Callable[[str], Sequence[str]]

KEEP_FOUND_S = 60.0
KEEP_MISSING_S = 5.0
REMEMBERED = 50_000


class Unfound(Exception):
    """A lookup that found nothing and knows why; the message says it of the name."""

    def __init__(self, reason: Reason, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Answer:
    """What a name resolves to, or the reason why it does not."""

    host: str
    addresses: tuple[str, ...] = ()
    hindrance: Reason | None = None
    detail: str = ""
    elapsed_s: float = 0.0
    expires_at: float = 0.0

    @property
    def places(self) -> str:
        """The addresses as libcurl's RESOLVE wants them."""
        return ",".join(f"[{address}]" if ":" in address else address for address in self.addresses)


def system_lookup(host: str) -> Sequence[str]:
    """The addresses of a name in the system's order of preference; raises OSError as getaddrinfo does."""
    found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(address[0]) for *_, address in found))


class Resolver:
    """Looks names up in the background; answers are handed to `deliver` from one of its threads."""

    def __init__(self, lookup: Lookup, deliver: Callable[[Answer], None], threads: int = 64) -> None:
        self._lookup = lookup
        self._deliver = deliver
        self._most = threads
        self._threads = 0
        self._asked: queue.SimpleQueue[str] = queue.SimpleQueue()
        self._started: dict[str, float] = {}
        self._known: dict[str, Answer] = {}

    def find(self, host: str) -> Answer | None:
        """Return a fresh answer that is at hand."""
        if host == "invalid" or host.endswith(".invalid"):  # RFC 6761: never exists, never asked for
            return Answer(host, hindrance=Reason.DNS_NXDOMAIN, detail=f"{host} does not exist")
        answer = self._known.get(host)
        return answer if answer is not None and answer.expires_at > time.monotonic() else None

    def ask(self, host: str) -> None:
        """Have a name looked up."""
        self._asked.put(host)
        if self._asked.qsize() and self._threads < self._most:
            self._threads += 1
            threading.Thread(target=self._work, name="resolver", daemon=True).start()

    def waiting_since(self, host: str) -> float | None:
        """When the lookup of this name began; None while it waits for its turn."""
        return self._started.get(host)

    def _work(self) -> None:
        while host := self._asked.get():
            self._started[host] = time.monotonic()
            answer = self._resolve(host)
            self._remember(answer)
            self._started.pop(host, None)
            self._deliver(answer)

    def close(self) -> None:
        """Let the threads go, once they have an answer."""
        for _ in range(self._threads):
            self._asked.put("")

    def _resolve(self, host: str) -> Answer:
        started = time.monotonic()
        try:
            addresses = tuple(self._lookup(host))
        except socket.gaierror as error:
            elapsed_s = time.monotonic() - started
            reason = judge_lookup(error.errno or 0, elapsed_s)
            return self._missing(host, reason, f"{host}: {error.strerror}", elapsed_s)
        except Unfound as error:
            return self._missing(host, error.reason, f"{host}: {error}", time.monotonic() - started)
        except UnicodeError:  # a label that is empty or longer than 63 characters
            return self._missing(host, Reason.DNS_NXDOMAIN, f"{host} is not a possible name", 0.0)
        except Exception as error:  # whatever it is, somebody waits for an answer
            return self._missing(host, Reason.CHECKER_ERROR, f"{host}: {error}", 0.0)
        ended = time.monotonic()
        return Answer(host, addresses, elapsed_s=ended - started, expires_at=ended + KEEP_FOUND_S)

    def _missing(self, host: str, reason: Reason, detail: str, elapsed_s: float) -> Answer:
        keep_s = KEEP_MISSING_S if JUDGEMENTS[reason].permanence is Permanence.HARD else 0.0
        return Answer(host, (), reason, detail, elapsed_s, time.monotonic() + keep_s)

    def _remember(self, answer: Answer) -> None:
        if len(self._known) >= REMEMBERED:
            self._known = {}
        self._known[answer.host] = answer
