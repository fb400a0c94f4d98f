"""A real webhook receiver on loopback, which believes only what is signed."""

from __future__ import annotations

import json
import ssl
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self

from standardwebhooks.webhooks import Webhook, WebhookVerificationError


@dataclass(frozen=True)
class Answer:
    """What the receiver says to one request; `body` may be longer than anybody wants to read."""

    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""


@dataclass(frozen=True)
class Call:
    """One request as it came, whether or not it was believed."""

    headers: dict[str, str]
    body: bytes


class Receiver:
    """`received` are the payloads whose signature was right and that were answered with 2xx, in order.

    Calls are answered with the `answers` in turn, and with `usual` when those are used up. A wrong signature is
    answered with 401. A receiver that was told no secret yet believes anybody. With a `context` it speaks TLS, and
    another one may be put in its place at any time.
    """

    def __init__(self, secret: str = "", context: ssl.SSLContext | None = None) -> None:
        self.received: list[dict[str, Any]] = []
        # The `webhook-id` of each of them.
        self.ids: list[str] = []
        self.calls: list[Call] = []
        self.answers: list[Answer] = []
        self.usual = Answer()
        self.context = context
        self._secret = secret
        self._lock = threading.Lock()
        self._server = _Server(self)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)

    @property
    def url(self) -> str:
        """Where to send webhooks."""
        return f"{'https' if self.context else 'http'}://127.0.0.1:{self._server.server_port}/hook"

    def trust(self, secret: str) -> None:
        """From now on believe only what this secret signs."""
        self._secret = secret

    def take(self, call: Call) -> Answer:
        """Judge one request."""
        with self._lock:
            self.calls.append(call)
            if not self._is_signed(call):
                return Answer(401, body=b"the signature is wrong")
            answer = self.answers.pop(0) if self.answers else self.usual
            if 200 <= answer.status < 300:
                self.received.append(json.loads(call.body))
                self.ids.append(call.headers.get("webhook-id", ""))
            return answer

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def _is_signed(self, call: Call) -> bool:
        if not self._secret:
            return True
        try:
            Webhook(self._secret).verify(call.body, call.headers)
        except WebhookVerificationError:
            return False
        return True

    def handler(self) -> type[BaseHTTPRequestHandler]:
        """What serves one request."""
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            """Hands each request to the receiver."""

            def do_POST(self) -> None:
                length = int(self.headers.get("Content-Length", 0))
                answer = receiver.take(Call(dict(self.headers.items()), self.rfile.read(length)))
                self.send_response(answer.status)
                for name, value in answer.headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(answer.body)))
                self.end_headers()
                self.wfile.write(answer.body)

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        return Handler


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, receiver: Receiver) -> None:
        self._receiver = receiver
        super().__init__(("127.0.0.1", 0), receiver.handler())

    def get_request(self) -> tuple[Any, Any]:
        """A connection; its handshake is left to the thread that serves it."""
        connection, address = super().get_request()
        context = self._receiver.context
        if context is None:
            return connection, address
        return context.wrap_socket(connection, server_side=True, do_handshake_on_connect=False), address

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A sender that does not like our certificate, or that was killed, has hung up: nothing to say."""
