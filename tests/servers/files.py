"""A web server that serves what it was given, by path."""

from __future__ import annotations

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType


class _Server(ThreadingHTTPServer):
    request_queue_size = 128


class Files:
    """`pages` are bodies with their content type, or a status alone; what is not there is 404. `hits` are the paths."""

    def __init__(self) -> None:
        self.pages: dict[str, tuple[bytes, str] | int] = {}
        self.hits: list[str] = []
        self._server = _Server(("127.0.0.1", 0), self._handler())
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> Files:
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._server.shutdown()
        self._server.server_close()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        files = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                files.hits.append(self.path)
                found = files.pages.get(self.path, 404)
                body, content_type = (b"", "text/plain") if isinstance(found, int) else found
                self.send_response(found if isinstance(found, int) else 200)
                self.send_header("Content-Type", content_type)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                if self.command == "GET":
                    self.wfile.write(body)

            do_HEAD = do_GET  # noqa: N815  # the base class's spelling

            def log_message(self, *_: object) -> None:
                return

        return Handler
