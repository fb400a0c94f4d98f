"""A web server on a loopback address of its own, which can be slow, fail, go down and come back on the same port."""

from __future__ import annotations

import threading
import time
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self


class Host:
    """Answers every path with `status`, or as `statuses` say, after `delay_s`; each of these may change at any time.

    `most` is how many requests for a path were ever open at once.
    """

    def __init__(self, address: str = "127.0.0.1") -> None:
        self.status = 200
        self.statuses: dict[str, int] = {}
        self.delay_s = 0.0
        self.hits: Counter[str] = Counter()
        self.most: Counter[str] = Counter()
        self._open: Counter[str] = Counter()
        self._lock = threading.Lock()
        self._place = (address, 0)
        self._server: _Server | None = None
        self.start()

    @property
    def place(self) -> str:
        """Its address and port."""
        return f"{self._place[0]}:{self._place[1]}"

    def url(self, path: str) -> str:
        """Where a path of it is."""
        return f"http://{self.place}/{path}"

    def start(self) -> None:
        """Listen, where it did before."""
        self._server = _Server(self._place, self._handler())
        self._place = (self._place[0], self._server.server_port)
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def stop(self) -> None:
        """Refuse connections from now on."""
        if self._server:
            self._server.shutdown()
            self._server.server_close()
            self._server = None

    def answer(self, path: str) -> int:
        """Serve one request as far as its status."""
        with self._lock:
            self.hits[path] += 1
            self._open[path] += 1
            self.most[path] = max(self.most[path], self._open[path])
        # What it is when the request comes, however long the answer takes.
        status = self.statuses.get(path, self.status)
        time.sleep(self.delay_s)
        with self._lock:
            self._open[path] -= 1
        return status

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        host = self

        class Handler(BaseHTTPRequestHandler):
            """Hands each request to the host; one connection each, so that none outlives the host."""

            def do_GET(self) -> None:
                body = b"" if self.command == "HEAD" else b"<!doctype html><title>Page</title>"
                status = host.answer(self.path.lstrip("/"))
                self.send_response(status)
                self.send_header("Content-Type", "text/html")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            do_HEAD = do_GET  # noqa: N815  # as the library calls it

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        return Handler


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 1024

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A checker that was killed has hung up: nothing to say."""
