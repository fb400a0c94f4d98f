"""An archive that speaks the CDX API, as far as it is asked of us, over copies that a test puts into it."""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self
from urllib.parse import parse_qs, urlsplit

FIELDS = ("urlkey", "timestamp", "original", "mimetype", "statuscode", "digest", "length")


class Archive:
    """`copies` are timestamps and statuses by URL; `asked` are the queries that came.

    The next answers are those of `answers` instead, each a status, headers and a body, as long as there are some.
    """

    def __init__(self) -> None:
        self.copies: dict[str, list[tuple[str, str]]] = {}
        self.asked: list[dict[str, str]] = []
        self.answers: list[tuple[int, dict[str, str], bytes]] = []
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)

    @property
    def url(self) -> str:
        """Where it is."""
        return f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def answer(self, path: str) -> tuple[int, dict[str, str], bytes]:
        """What is said to one request."""
        parts = urlsplit(path)
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        self.asked.append(query)
        if self.answers:
            return self.answers.pop(0)
        if parts.path != "/cdx/search/cdx" or query.get("output") != "json" or "url" not in query:
            return 400, {}, b"bad query"
        return 200, {"Content-Type": "application/json"}, json.dumps(self._table(query)).encode()

    def _table(self, query: dict[str, str]) -> list[list[str]]:
        """Rows as the index has them: filtered, by nearness, cut, and under a row of names unless there are none."""
        name, _, wanted = query.get("filter", "").partition(":")
        found = [
            dict(zip(FIELDS, ("key", timestamp, query["url"], "text/html", status, "D", "1"), strict=True))
            for timestamp, status in sorted(self.copies.get(query["url"], []))
        ]
        found = [row for row in found if not name or row[name] == wanted]
        if query.get("sort") == "closest":
            found.sort(key=lambda row: abs(int(row["timestamp"]) - int(query["closest"])))
        names = query.get("fl", ",".join(FIELDS)).split(",")
        rows = [[row[each] for each in names] for row in found[: int(query.get("limit", 150_000))]]
        return [names, *rows] if rows else []

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        archive = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                status, headers, body = archive.answer(self.path)
                self.send_response(status)
                for name, value in {**headers, "Content-Length": str(len(body))}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: Any) -> None:
                """Say nothing."""

        return Handler
