"""A server that behaves in every way a link can, with the verdict each behaviour deserves."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import inspect
import itertools
import json
import socket
import ssl
import struct
import tempfile
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from tests.servers.answers import ANSWERS, Exchange, Memory
from tests.servers.certificates import Certificates

RESET_ON_CLOSE = struct.pack("ii", 1, 0)


@dataclass(frozen=True)
class Behaviour:
    """A URL's behaviour and the judgement it deserves.

    `listener` is where it lives (see `BehaviourServer.bases`); `slow` ones cost a time-out to find out. The verdict
    is that of a first check, which starts with HEAD; `full` is the reason that a GET gives where it differs.
    """

    listener: str
    path: str
    verdict: str
    reason: str
    permanence: str | None = None
    slow: bool = False
    full: str | None = None


BEHAVIOURS = (
    Behaviour("plain", "/ok", "ok", "ok"),
    Behaviour("plain", "/ok/päge with space?q=ü#part", "ok", "ok"),
    Behaviour("plain", "/status/204", "ok", "ok"),
    Behaviour("plain", "/status/206", "ok", "ok"),
    Behaviour("plain", "/status/300", "ok", "ok"),
    Behaviour("plain", "/status/304", "broken", "protocol_error", "transient"),
    Behaviour("plain", "/status/400", "broken", "http_4xx", "hard"),
    Behaviour("plain", "/status/401", "inconclusive", "auth_required"),
    Behaviour("plain", "/status/402", "inconclusive", "payment_required"),
    Behaviour("plain", "/status/403", "inconclusive", "forbidden"),
    Behaviour("plain", "/status/404", "broken", "http_404", "hard"),
    Behaviour("plain", "/status/405", "broken", "http_4xx", "hard"),
    Behaviour("plain", "/status/407", "inconclusive", "auth_required"),
    Behaviour("plain", "/status/408", "broken", "http_4xx", "transient"),
    Behaviour("plain", "/status/410", "broken", "http_410", "hard"),
    Behaviour("plain", "/status/418", "broken", "http_4xx", "hard"),
    Behaviour("plain", "/status/451", "inconclusive", "legal"),
    Behaviour("plain", "/status/500", "broken", "http_5xx", "transient"),
    Behaviour("plain", "/status/502", "broken", "http_5xx", "transient"),
    Behaviour("plain", "/status/503", "broken", "http_5xx", "transient"),
    Behaviour("plain", "/status/522", "broken", "http_5xx", "transient"),
    Behaviour("plain", "/status/999", "inconclusive", "bot_challenge"),
    Behaviour("plain", "/rate-limited", "inconclusive", "rate_limited"),
    Behaviour("plain", "/unavailable", "inconclusive", "service_unavailable"),
    Behaviour("plain", "/challenge", "inconclusive", "bot_challenge"),
    Behaviour("plain", "/aws-challenge", "inconclusive", "bot_challenge"),
    Behaviour("head", "/head/405", "ok", "ok"),
    Behaviour("head", "/head/404", "ok", "ok"),
    Behaviour("head", "/head/403", "ok", "ok"),
    Behaviour("head", "/head/500", "ok", "ok"),
    Behaviour("head", "/head-reset", "ok", "ok"),
    Behaviour("plain", "/head-body", "ok", "ok"),
    Behaviour("plain", "/early-hints", "ok", "ok"),
    Behaviour("plain", "/bare-lf", "ok", "ok"),
    Behaviour("plain", "/only-hints", "broken", "connection_closed", "transient"),
    Behaviour("plain", "/flaky", "ok", "ok"),
    Behaviour("plain", "/redirect/1/301", "degraded", "redirected_permanent"),
    Behaviour("plain", "/redirect/3/308", "degraded", "redirected_permanent"),
    Behaviour("plain", "/redirect/1/302", "ok", "redirected_temporary"),
    Behaviour("plain", "/redirect/2/303", "ok", "redirected_temporary"),
    Behaviour("plain", "/redirect/10/307", "ok", "redirected_temporary"),
    Behaviour("plain", "/redirect/11/302", "broken", "redirect_limit", "hard"),
    Behaviour("plain", "/redirect-endless/0", "broken", "redirect_limit", "hard"),
    Behaviour("plain", "/redirect-mixed", "ok", "redirected_temporary"),
    Behaviour("plain", "/redirect-loop", "broken", "redirect_loop", "hard"),
    Behaviour("plain", "/redirect-nowhere", "broken", "redirect_invalid", "hard"),
    Behaviour("plain", "/redirect-to/302?url=http://[bad", "broken", "redirect_invalid", "hard"),
    Behaviour("plain", "/redirect-to/302?url=file:///etc/passwd", "broken", "redirect_blocked_scheme", "hard"),
    Behaviour("plain", "/redirect-to/301?url=ftp://127.0.0.1/", "broken", "redirect_blocked_scheme", "hard"),
    Behaviour("plain", "/redirect-to/302?url=http://10.0.0.1/", "skipped", "blocked_address"),
    Behaviour("plain", "/redirect-to/302?url=http://169.254.169.254/latest", "skipped", "blocked_address"),
    Behaviour("plain", "/redirect-to/302?url=http://[::ffff:a00:1]/", "skipped", "blocked_address"),
    Behaviour("plain", "/redirect-to/302?url=http://gone.invalid/", "broken", "dns_nxdomain", "hard"),
    Behaviour("plain", "/redirect-to/302?url=/status/404", "broken", "http_404", "hard"),
    Behaviour("plain", "/redirect-to/301?url=/status/403", "inconclusive", "forbidden"),
    Behaviour("plain", "/reset", "broken", "connection_reset", "transient"),
    Behaviour("plain", "/close", "broken", "connection_closed", "transient"),
    Behaviour("plain", "/reset-after-headers", "ok", "ok", full="body_incomplete"),
    Behaviour("plain", "/reset-mid-body", "ok", "ok", full="body_incomplete"),
    Behaviour("plain", "/truncated", "ok", "ok", full="body_incomplete"),
    Behaviour("plain", "/truncated-chunked", "ok", "ok", full="body_incomplete"),
    Behaviour("plain", "/truncated-404", "broken", "http_404", "hard"),
    Behaviour("plain", "/undelimited", "ok", "ok"),
    Behaviour("plain", "/slow-headers", "broken", "timeout_ttfb", "transient", slow=True),
    Behaviour("plain", "/slow-body", "ok", "ok", slow=True, full="timeout_total"),
    Behaviour("plain", "/event-stream", "ok", "ok", slow=True),
    Behaviour("plain", "/garbage", "broken", "protocol_error", "transient"),
    Behaviour("plain", "/huge-headers", "broken", "protocol_error", "transient"),
    Behaviour("plain", "/endless-headers", "broken", "protocol_error", "transient"),
    Behaviour("plain", "/gzip", "ok", "ok"),
    Behaviour("plain", "/bad-gzip", "ok", "ok", full="protocol_error"),
    Behaviour("plain", "/gzip-bomb", "ok", "ok"),
    Behaviour("plain", "/endless", "ok", "ok"),
    Behaviour("plain", "/big", "ok", "ok"),
    Behaviour("slam", "/", "broken", "connection_reset", "transient"),
    Behaviour("refused", "/", "broken", "connection_refused", "transient"),
    Behaviour("blackhole", "/", "broken", "timeout_connect", "transient", slow=True),
    Behaviour("silent", "/", "broken", "timeout_ttfb", "transient", slow=True),
    Behaviour("tls", "/ok", "ok", "ok"),
    Behaviour("tls", "/redirect/1/301", "degraded", "redirected_permanent"),
    Behaviour("tls", "/status/404", "broken", "http_404", "hard"),
    Behaviour("tls", "/undelimited", "ok", "ok"),
    Behaviour("tls", "/truncated", "ok", "ok", full="body_incomplete"),
    Behaviour("tls-expired", "/ok", "broken", "tls_expired", "hard"),
    Behaviour("tls-hostname", "/ok", "broken", "tls_hostname_mismatch", "hard"),
    Behaviour("tls-untrusted", "/ok", "broken", "tls_untrusted", "hard"),
    Behaviour("tls-handshake", "/ok", "broken", "tls_handshake", "transient"),
    Behaviour("tls-silent", "/ok", "broken", "timeout_tls", "transient", slow=True),
    Behaviour("nxdomain", "/", "broken", "dns_nxdomain", "hard"),
    Behaviour("metadata", "/latest", "skipped", "blocked_address"),
    Behaviour("private", "/", "skipped", "blocked_address"),
    Behaviour("mapped", "/", "skipped", "blocked_address"),
    Behaviour("ftp", "/file", "skipped", "unsupported_scheme"),
)


class BehaviourServer:
    """All listeners on 127.0.0.1, in one thread; use it as a context manager.

    `bases` maps listeners to the start of their URLs; `memory` holds hit counters, toggles and the peak of /pause.
    """

    def __init__(self, port: int = 0) -> None:
        self.memory = Memory()
        self.bases: dict[str, str] = {}
        self._port = port
        self._folder = tempfile.TemporaryDirectory(prefix="behaviour-")
        self.certificates = Certificates(Path(self._folder.name))
        self._loop = asyncio.new_event_loop()
        self._held: list[socket.socket] = []
        self._thread = threading.Thread(target=self._loop.run_forever, name="behaviour", daemon=True)

    @property
    def ca_file(self) -> str:
        return str(self.certificates.ca_file)

    def __enter__(self) -> BehaviourServer:
        self._thread.start()
        asyncio.run_coroutine_threadsafe(self._listen(), self._loop).result()
        return self

    def __exit__(self, *_: object) -> None:
        asyncio.run_coroutine_threadsafe(self._hang_up(), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()
        for held in self._held:
            held.close()
        self._folder.cleanup()

    def url(self, behaviour: Behaviour, number: int | None = None) -> str:
        """The behaviour's URL; a number makes it one of many distinct ones that behave alike."""
        url = self.bases[behaviour.listener] + behaviour.path
        if number is None:
            return url
        url, hash_sign, fragment = url.partition("#")
        return f"{url}{'&' if '?' in url else '?'}n={number}{hash_sign}{fragment}"

    def urls(self, count: int, slow: bool = True) -> Iterator[tuple[str, Behaviour]]:
        """So many distinct URLs, going through the behaviours again and again."""
        rows = [row for row in BEHAVIOURS if slow or not row.slow]
        for number, row in zip(range(count), itertools.cycle(rows), strict=False):
            yield self.url(row, number), row

    def expected(self, behaviour: Behaviour, full: bool = False) -> tuple[str, str, str | None]:
        """Verdict, reason and permanence of a check of this behaviour."""
        if full and behaviour.full:
            return "broken", behaviour.full, "transient"
        return behaviour.verdict, behaviour.reason, behaviour.permanence

    def hits(self, path: str) -> int:
        """How often a path and query was asked for."""
        return self.memory.hits[path if "?" in path else f"{path}?"]

    def toggle(self, name: str, status: int) -> str:
        """Let /toggle/name answer this status from now on; return its URL."""
        self.memory.toggles[name] = status
        return f"{self.bases['plain']}/toggle/{name}"

    async def _listen(self) -> None:
        plain = await self._serve(self._port)
        self.bases |= {
            "plain": f"http://127.0.0.1:{plain}",
            # Apart from the others, because a checker remembers of a server that its HEAD lies.
            "head": f"http://127.0.0.1:{await self._serve()}",
            "slam": f"http://127.0.0.1:{await self._serve(protocol=Slam)}",
            "silent": f"http://127.0.0.1:{(silent := await self._serve(protocol=asyncio.Protocol))}",
            "refused": f"http://127.0.0.1:{self._refused()}",
            "blackhole": f"http://127.0.0.1:{self._blackhole()}",
            "tls-handshake": f"https://localhost:{plain}",
            "tls-silent": f"https://localhost:{silent}",
            "nxdomain": "http://no-such-name.invalid",
            "metadata": "http://169.254.169.254",
            "private": "http://10.0.0.1:8080",
            "mapped": "http://[::ffff:10.0.0.1]",
            "ftp": "ftp://127.0.0.1",
        }
        for kind, context in self.certificates.contexts.items():
            name = "tls" if kind == "good" else f"tls-{kind}"
            self.bases[name] = f"https://localhost:{await self._serve(context=context)}"

    async def _serve(
        self, port: int = 0, protocol: type[asyncio.Protocol] | None = None, context: ssl.SSLContext | None = None
    ) -> int:
        make = protocol or (lambda: Connection(self.memory))
        server = await self._loop.create_server(make, "127.0.0.1", port, ssl=context, backlog=4096)
        return cast("int", server.sockets[0].getsockname()[1])

    def _refused(self) -> int:
        # Bound but not listening: nobody else can take the port while the tests rely on its refusal.
        return cast("int", self._hold().getsockname()[1])

    def _blackhole(self) -> int:
        listener = self._hold()
        listener.listen(0)
        address = listener.getsockname()
        # Two connections fill the backlog of a listener that never accepts; Linux drops the rest without a word.
        for _ in range(2):
            filler = socket.socket()
            filler.setblocking(False)
            with contextlib.suppress(BlockingIOError):
                filler.connect(address)
            self._held.append(filler)
        return cast("int", address[1])

    def _hold(self) -> socket.socket:
        held = socket.socket()
        held.bind(("127.0.0.1", 0))
        self._held.append(held)
        return held

    async def _hang_up(self) -> None:
        for task in asyncio.all_tasks() - {asyncio.current_task()}:
            task.cancel()
        await asyncio.sleep(0)


class Slam(asyncio.Protocol):
    """Resets every connection as soon as it is open."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        _reset(cast("asyncio.Transport", transport))


class Connection(asyncio.Protocol):
    """A keep-alive HTTP/1.1 connection that hands every request to its answer, one after the other."""

    def __init__(self, memory: Memory) -> None:
        self._memory = memory
        self._buffer = b""
        self._task: asyncio.Task[None] | None = None
        self._writable = asyncio.Event()
        self._writable.set()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def connection_lost(self, exc: Exception | None) -> None:
        if self._task:
            self._task.cancel()

    def pause_writing(self) -> None:
        self._writable.clear()

    def resume_writing(self) -> None:
        self._writable.set()

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        if not self._buffer[:1].isalpha():
            self._transport.write(b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n")
            self._transport.close()
        self._proceed()

    def _proceed(self) -> None:
        while self._task is None and b"\r\n\r\n" in self._buffer and not self._transport.is_closing():
            request, _, self._buffer = self._buffer.partition(b"\r\n\r\n")
            try:
                self._answer(request.decode("latin-1"))
            except (ValueError, KeyError):
                self._transport.write(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")

    def _answer(self, request: str) -> None:
        first, *lines = request.split("\r\n")
        method, target, _ = first.split(" ")
        path, _, query = target.partition("?")
        self._remember(method, target, lines)
        ask = Exchange(
            method=method,
            path=path,
            query=query,
            write=self._transport.write,
            drain=self._drain,
            close=self._transport.close,
            reset=lambda: _reset(self._transport),
            cut=self._cut,
            memory=self._memory,
        )
        pending = ANSWERS[path.split("/")[1]](ask)
        if inspect.isawaitable(pending):
            self._task = asyncio.ensure_future(pending)
            self._task.add_done_callback(self._next)

    def _remember(self, method: str, target: str, lines: list[str]) -> None:
        target = target if "?" in target else f"{target}?"
        self._memory.hits[target] += 1
        self._memory.methods[f"{method} {target}"] += 1
        if target.startswith("/ok?headers"):
            self._memory.headers[target] = dict(line.lower().split(": ", 1) for line in lines)

    def _next(self, _: asyncio.Task[None]) -> None:
        self._task = None
        self._proceed()

    async def _drain(self) -> None:
        await self._writable.wait()
        # A loop that only writes would never let go of the thread.
        await asyncio.sleep(0)
        if self._transport.is_closing():
            raise asyncio.CancelledError

    def _cut(self) -> None:
        """Close without TLS's close_notify, once what was written is on its way."""
        asyncio.get_running_loop().call_later(0.1, self._transport.abort)


def _reset(transport: asyncio.Transport) -> None:
    sock = transport.get_extra_info("socket")
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_ON_CLOSE)
    transport.abort()


def main() -> None:
    """Serve until interrupted; print where everything is, as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="port of the plain listener (default: a free one)")
    with BehaviourServer(parser.parse_args().port) as server, contextlib.suppress(KeyboardInterrupt):
        print(json.dumps({"ca_file": server.ca_file, "bases": server.bases}), flush=True)
        threading.Event().wait()


if __name__ == "__main__":
    main()
