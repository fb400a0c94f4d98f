"""A listener where nobody may come, and a name server that changes its mind."""

from __future__ import annotations

import itertools
import socket
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from dnslib import AAAA, QTYPE, RR, A, DNSRecord
from dnslib.server import BaseResolver, DNSServer


class Canary:
    """Listens on an address and counts who connects."""

    def __init__(self, address: str = "127.0.0.1") -> None:
        self.visits = 0
        self._listener = socket.create_server((address, 0))
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._count, daemon=True).start()

    def _count(self) -> None:
        while True:
            try:
                self._listener.accept()[0].close()
            except OSError:
                return
            self.visits += 1

    def close(self) -> None:
        # A connection that is on its way is counted too.
        time.sleep(0.05)
        self._listener.close()


@contextmanager
def canary(address: str = "127.0.0.1") -> Iterator[Canary]:
    """A canary that must live: none may have come when it is left."""
    bird = Canary(address)
    try:
        yield bird
    finally:
        bird.close()
    assert bird.visits == 0, "something connected to a forbidden address"


class Rebinding(BaseResolver):  # type: ignore[misc]  # dnslib publishes no types
    """Answers each question for a name with the next of its answers, each to be forgotten at once."""

    def __init__(self, answers: Sequence[Sequence[str]]) -> None:
        self._answers = itertools.cycle(answers)
        self.asked = 0

    def resolve(self, request: DNSRecord, _handler: object) -> DNSRecord:
        self.asked += 1
        reply = request.reply()
        for address in next(self._answers):
            kind, data = (QTYPE.AAAA, AAAA(address)) if ":" in address else (QTYPE.A, A(address))
            reply.add_answer(RR(request.q.qname, kind, rdata=data, ttl=0))
        return reply


class NameServer:
    """A name server on loopback; `lookup` asks it over the wire, as a resolver without a cache would."""

    def __init__(self, *answers: Sequence[str]) -> None:
        self.resolver = Rebinding(answers)
        self._server = DNSServer(self.resolver, address="127.0.0.1", port=0)
        self._port = self._server.server.server_address[1]

    def __enter__(self) -> NameServer:
        self._server.start_thread()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.stop()
        self._server.server.server_close()

    def lookup(self, host: str) -> Sequence[str]:
        reply = DNSRecord.parse(DNSRecord.question(host).send("127.0.0.1", self._port, timeout=5))
        return [str(record.rdata) for record in reply.rr]
