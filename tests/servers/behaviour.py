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
from pathlib import Path
from typing import cast

from tests.servers import pages
from tests.servers.answers import ANSWERS, Exchange, Memory
from tests.servers.certificates import Certificates
from tests.servers.table import BEHAVIOURS, Behaviour

__all__ = ["BEHAVIOURS", "Behaviour", "BehaviourServer"]

RESET_ON_CLOSE = struct.pack("ii", 1, 0)
TLS_HANDSHAKE = b"\x16"


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
        url = self.bases[behaviour.listener] + behaviour.path.replace("{plain}", self.bases["plain"])
        if number is None:
            return url
        url, hash_sign, fragment = url.partition("#")
        return f"{url}{'&' if '?' in url else '?'}n={number}{hash_sign}{fragment}"

    def urls(self, count: int, slow: bool = True) -> Iterator[tuple[str, Behaviour]]:
        """So many distinct URLs, going again and again through the behaviours that need no setting of the engine."""
        rows = [row for row in BEHAVIOURS if (slow or not row.slow) and not row.settings]
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
        for kind in (*pages.ROBOTS, "403", "500", "slow", "moved", "members"):
            self.bases[f"robots-{kind}"] = f"http://127.0.0.1:{await self._serve(robots=kind)}"
        for kind, context in self.certificates.contexts.items():
            name = "tls" if kind == "good" else f"tls-{kind}"
            self.bases[name] = f"https://localhost:{await self._serve(context=context)}"
        self.bases["both"] = f"http://localhost:{await self._serve_both()}"

    async def _serve(
        self,
        port: int = 0,
        protocol: type[asyncio.Protocol] | None = None,
        context: ssl.SSLContext | None = None,
        robots: str = "",
    ) -> int:
        make = protocol or (lambda: Connection(self.memory, robots))
        server = await self._loop.create_server(make, "127.0.0.1", port, ssl=context, backlog=4096)
        return cast("int", server.sockets[0].getsockname()[1])

    async def _serve_both(self) -> int:
        """A port that speaks HTTP and, to those who begin so, TLS."""
        ports = {name: int(self.bases[name].rpartition(":")[2]) for name in ("plain", "tls")}

        async def introduce(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            first = await reader.read(65_536)
            port = ports["tls" if first[:1] == TLS_HANDSHAKE else "plain"]
            far_reader, far_writer = await asyncio.open_connection("127.0.0.1", port)
            far_writer.write(first)
            await asyncio.gather(_pour(reader, far_writer), _pour(far_reader, writer))

        server = await asyncio.start_server(introduce, "127.0.0.1", 0)
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


async def _pour(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while data := await reader.read(65_536):
            writer.write(data)
    writer.close()


class Slam(asyncio.Protocol):
    """Resets every connection as soon as it is open."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        _reset(cast("asyncio.Transport", transport))


class Connection(asyncio.Protocol):
    """A keep-alive HTTP/1.1 connection that hands every request to its answer, one after the other."""

    def __init__(self, memory: Memory, robots: str = "") -> None:
        self._memory = memory
        self._robots = robots
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
        headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
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
            headers=headers,
            robots=self._robots,
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
