"""A name server on loopback that knows a few domains, one that fails, and one that never answers."""

from __future__ import annotations

import socket
import threading
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from dns.nameserver import Do53Nameserver
from dnslib import QTYPE, RCODE, RR, DNSRecord
from dnslib.server import BaseResolver, DNSServer

from tasks.links.exchange import system_exchangers


class _Zone(BaseResolver):  # type: ignore[misc]  # dnslib publishes no types
    def __init__(self, zone: str, failing: Sequence[str]) -> None:
        self._records = RR.fromZone(zone)
        self._failing = failing
        self.asked: Counter[tuple[str, str]] = Counter()

    def resolve(self, request: DNSRecord, _handler: object) -> DNSRecord:
        name, kind = str(request.q.qname).rstrip(".").lower(), QTYPE[request.q.qtype]
        self.asked[name, kind] += 1
        reply = request.reply()
        known = [record for record in self._records if str(record.rname).rstrip(".").lower() == name]
        for record in known:
            if QTYPE[record.rtype] == kind:
                reply.add_answer(record)
        if name in self._failing:
            reply.header.rcode = RCODE.SERVFAIL
        elif not known:
            reply.header.rcode = RCODE.NXDOMAIN
        return reply


class MailNames:
    """Serves a zone; `lookup` asks it as the engine asks the system's name servers. Remembers which threads asked."""

    def __init__(self, zone: str, failing: Sequence[str] = ()) -> None:
        self._zone = _Zone(zone, failing)
        self._server = DNSServer(self._zone, address="127.0.0.1", port=0)
        self._at = Do53Nameserver("127.0.0.1", self._server.server.server_address[1])
        self.threads: set[str] = set()

    @property
    def asked(self) -> Counter[tuple[str, str]]:
        """How often for which name and kind of record."""
        return self._zone.asked

    def __enter__(self) -> MailNames:
        self._server.start_thread()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.stop()
        self._server.server.server_close()

    def lookup(self, domain: str) -> Sequence[str]:
        self.threads.add(threading.current_thread().name)
        return system_exchangers(domain, [self._at])


@contextmanager
def silent_name_server() -> Iterator[Do53Nameserver]:
    """Takes questions, and answers none."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as listener:
        listener.bind(("127.0.0.1", 0))
        yield Do53Nameserver("127.0.0.1", listener.getsockname()[1])
