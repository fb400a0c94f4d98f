"""A network that fails when told to: a TCP proxy in a process of its own, between the product and its servers.

`python -m tests.servers.proxy NAME=PORT:HOST:PORT …` obeys lines of JSON on stdin and answers each with a line.
"""

from __future__ import annotations

import errno
import heapq
import json
import select
import socket
import struct
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any, Self

CHUNK = 1 << 16
# With these options, closing a socket sends a reset instead of a farewell.
RESET = struct.pack("ii", 1, 0)
AWAY = (errno.ECONNRESET, errno.EPIPE, errno.ENOTCONN, errno.ETIMEDOUT)


@dataclass
class Route:
    """From a port of ours to a server. `delay_s` holds up every piece of traffic, `silent` all of it."""

    name: str
    port: int
    target: tuple[str, int]
    silent: bool = False
    delay_s: float = 0.0
    refuses: bool = False
    # The next connection that brings so many bytes more is cut off there.
    cut_after: int | None = None


@dataclass
class End:
    """One side of a connection. What it could not take yet is in `pending`."""

    route: Route
    socket: socket.socket
    is_client: bool
    peer: End | None = None
    pending: bytearray = field(default_factory=bytearray)
    # What the loop listens for on it; 0 is nothing.
    wants: int = 0


class Proxy:
    """All routes in one loop."""

    def __init__(self, routes: Mapping[str, Route]) -> None:
        self.routes = routes
        self._poll = select.epoll()
        self._ends: dict[int, End] = {}
        self._listeners: dict[int, tuple[Route, socket.socket]] = {}
        self._later: list[tuple[float, int, End, bytes]] = []
        self._number = 0
        # Kept open, and never listened to again.
        self._abandoned: list[End] = []
        for route in routes.values():
            listener = socket.create_server(("127.0.0.1", route.port), backlog=1024)
            listener.setblocking(False)
            self._listeners[listener.fileno()] = (route, listener)
            self._poll.register(listener, select.EPOLLIN)
        self._poll.register(sys.stdin, select.EPOLLIN)

    def run(self) -> None:
        """Until stdin ends."""
        while True:
            for number, events in self._poll.poll(self._patience()):
                if number == sys.stdin.fileno():
                    line = sys.stdin.readline()
                    if not line:
                        return
                    self._obey(json.loads(line))
                    print("done", flush=True)
                elif number in self._listeners:
                    self._accept(*self._listeners[number])
                elif number in self._ends:
                    self._serve(self._ends[number], events)
            self._send_due()

    def _patience(self) -> float:
        return max(0.0, self._later[0][0] - time.monotonic()) if self._later else -1

    def _obey(self, order: dict[str, Any]) -> None:
        route = self.routes[order.pop("route")]
        action = order.pop("action", None)
        for name, value in order.items():
            setattr(route, name, value)
        mine = [end for end in self._ends.values() if end.route is route and end.is_client]
        for end in mine:
            if action == "reset":
                self._cut(end)
            elif action == "half_open":
                self._abandon(end)
        for end in [each for each in self._ends.values() if each.route is route]:
            self._hear(end)

    def _accept(self, route: Route, listener: socket.socket) -> None:
        with suppress(BlockingIOError):
            client, _ = listener.accept()
            if route.refuses:
                _reset(client)
                return
            server = socket.socket()
            server.setblocking(False)
            server.connect_ex(route.target)
            self._join(End(route, client, True), End(route, server, False))

    def _join(self, client: End, server: End) -> None:
        for end, peer in ((client, server), (server, client)):
            end.peer = peer
            end.socket.setblocking(False)
            end.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._ends[end.socket.fileno()] = end
        self._listen_as_told(client)

    def _serve(self, end: End, events: int) -> None:
        try:
            if events & select.EPOLLOUT:
                self._flush(end)
            if events & select.EPOLLIN:
                self._read(end)
            elif events & (select.EPOLLHUP | select.EPOLLERR):
                self._cut(end)
        except OSError as error:
            if error.errno not in (*AWAY, errno.ECONNREFUSED):
                raise
            self._cut(end)

    def _read(self, end: End) -> None:
        try:
            data = end.socket.recv(CHUNK)
        except BlockingIOError:
            return
        if not data:
            self._finish(end)
            return
        route = end.route
        if route.cut_after is not None and end.is_client:
            data, route.cut_after = data[: route.cut_after], route.cut_after - len(data)
            if route.cut_after <= 0:
                route.cut_after = None
                self._send(end.peer, data)
                self._cut(end)
                return
        if route.delay_s:
            self._number += 1
            heapq.heappush(self._later, (time.monotonic() + route.delay_s, self._number, end, data))
        else:
            self._send(end.peer, data)

    def _send_due(self) -> None:
        while self._later and self._later[0][0] <= time.monotonic():
            _, _, end, data = heapq.heappop(self._later)
            self._send(end.peer, data)

    def _send(self, end: End | None, data: bytes) -> None:
        if end is None or end.socket.fileno() < 0:
            return
        end.pending += data
        self._flush(end)

    def _flush(self, end: End) -> None:
        try:
            sent = end.socket.send(end.pending) if end.pending else 0
        except BlockingIOError:
            sent = 0
        except OSError as error:
            # A connection that is not made yet takes its bytes later.
            if error.errno != errno.ENOTCONN:
                self._cut(end)
                return
            sent = 0
        del end.pending[:sent]
        self._listen_as_told(end)

    def _listen_as_told(self, end: End) -> None:
        """Hear of both sides only what may go on: who sends more than the other takes is held up, as by any network."""
        for side in (end, end.peer):
            if side is not None and side.socket.fileno() >= 0:
                self._hear(side)

    def _hear(self, end: End) -> None:
        full = end.peer is not None and len(end.peer.pending) > CHUNK
        wants = (0 if full else select.EPOLLIN) | (select.EPOLLOUT if end.pending else 0)
        # Its end of life would be told even of a socket of which nothing is asked.
        wants = 0 if end.route.silent else wants
        if wants == end.wants:
            return
        if wants and end.wants:
            self._poll.modify(end.socket, wants)
        elif wants:
            self._poll.register(end.socket, wants)
        elif end.wants:
            self._poll.unregister(end.socket)
        end.wants = wants

    def _finish(self, end: End) -> None:
        """It said farewell; what it had said before is passed on first."""
        peer = end.peer
        self._forget(end)
        if peer is not None and peer.socket.fileno() >= 0:
            with suppress(OSError):
                peer.socket.setblocking(True)
                peer.socket.settimeout(1)
                peer.socket.sendall(peer.pending)
            self._forget(peer)

    def _cut(self, end: End) -> None:
        """Reset both sides."""
        for side in (end, end.peer):
            if side is not None:
                self._forget(side, reset=True)

    def _abandon(self, end: End) -> None:
        """The client sees a reset, the server nothing at all."""
        if end.peer is not None:
            self._ends.pop(end.peer.socket.fileno())
            self._poll.unregister(end.peer.socket)
            self._abandoned.append(end.peer)
        self._forget(end, reset=True)

    def _forget(self, end: End, reset: bool = False) -> None:
        number = end.socket.fileno()
        if number < 0:
            return
        self._ends.pop(number, None)
        if end.wants:
            self._poll.unregister(number)
            end.wants = 0
        if reset:
            _reset(end.socket)
        end.socket.close()


def _reset(sock: socket.socket) -> None:
    with suppress(OSError):
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
    sock.close()


class Network:
    """The proxy from outside: `ports` by route, and what may happen to the traffic of each."""

    def __init__(self, targets: Mapping[str, tuple[str, int]], ports: Mapping[str, int]) -> None:
        self.ports = dict(ports)
        routes = [f"{name}={self.ports[name]}:{host}:{port}" for name, (host, port) in targets.items()]
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.servers.proxy", *routes],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._process.stdout
        assert self._process.stdout.readline() == "ready\n"

    def reset(self, route: str) -> None:
        """Reset every connection, on both sides."""
        self._tell(route, action="reset")

    def half_open(self, route: str) -> None:
        """Reset every connection on the client's side; the server is left waiting."""
        self._tell(route, action="half_open")

    def truncate(self, route: str, after: int) -> None:
        """Cut off the next connection that sends, so many bytes further on."""
        self._tell(route, cut_after=after)

    @contextmanager
    def silent(self, route: str) -> Iterator[None]:
        """Nothing comes through, and nobody is told."""
        with self._while(route, silent=True):
            yield

    @contextmanager
    def slow(self, route: str, delay_s: float) -> Iterator[None]:
        """Everything takes so much longer, each way."""
        with self._while(route, delay_s=delay_s):
            yield

    @contextmanager
    def refusing(self, route: str) -> Iterator[None]:
        """Connections are reset, and so are new ones."""
        with self._while(route, refuses=True):
            self.reset(route)
            yield

    def close(self) -> None:
        """End the process, and with it all connections."""
        assert self._process.stdin
        self._process.stdin.close()
        self._process.wait(10)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @contextmanager
    def _while(self, route: str, **state: Any) -> Iterator[None]:
        usual = Route("", 0, ("", 0))
        self._tell(route, **state)
        try:
            yield
        finally:
            self._tell(route, **{name: getattr(usual, name) for name in state})

    def _tell(self, route: str, **order: Any) -> None:
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write(json.dumps({"route": route, **order}) + "\n")
        self._process.stdin.flush()
        assert self._process.stdout.readline() == "done\n", "the proxy is gone"


def _route(text: str) -> Route:
    name, _, place = text.partition("=")
    port, host, target = place.split(":")
    return Route(name, int(port), (host, int(target)))


def main() -> None:
    """Serve the routes named on the command line."""
    proxy = Proxy({route.name: route for route in map(_route, sys.argv[1:])})
    print("ready", flush=True)
    proxy.run()


if __name__ == "__main__":
    main()
