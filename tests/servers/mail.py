"""A real SMTP server on loopback, which keeps what it is given."""

from __future__ import annotations

import asyncio
import ssl
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any, Self

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, Envelope, LoginPassword, Session


class _AnyPort(Controller):
    """Listens wherever there is room."""

    server: asyncio.Server

    def _trigger_server(self) -> None:
        self.port = self.server.sockets[0].getsockname()[1]
        super()._trigger_server()  # type: ignore[no-untyped-call]  # aiosmtpd leaves it untyped


class Mailbox:
    """`messages` are the mails that were taken, parsed, in order; `refusals` answers recipients by address.

    With a `tls` context it offers STARTTLS, or speaks TLS from the first byte where `implicit`. With `users` it takes
    mail only from those who log in.
    """

    def __init__(
        self, tls: ssl.SSLContext | None = None, implicit: bool = False, users: dict[str, str] | None = None
    ) -> None:
        self.messages: list[EmailMessage] = []
        self.refusals: dict[str, str] = {}
        self._users = users or {}
        options: dict[str, Any] = {"ssl_context" if implicit else "tls_context": tls}
        self._controller = _AnyPort(
            self,
            hostname="127.0.0.1",
            port=0,
            auth_required=bool(users),
            auth_require_tls=False,
            authenticator=self._authenticate,
            **options,
        )

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(self._controller.port)

    async def handle_RCPT(  # noqa: N802  # aiosmtpd's name
        self, _server: object, _session: Session, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        """Take the recipient, unless a refusal was set for it."""
        if address in self.refusals:
            return self.refusals[address]
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(  # noqa: N802  # aiosmtpd's name
        self, _server: object, _session: Session, envelope: Envelope
    ) -> str:
        """Keep the mail."""
        content = envelope.content
        assert isinstance(content, bytes)
        message = message_from_bytes(content, policy=policy.default)
        assert isinstance(message, EmailMessage)
        self.messages.append(message)
        return f"250 OK queued as {len(self.messages)}"

    def __enter__(self) -> Self:
        self._controller.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._controller.stop()

    def _authenticate(self, _server: object, _session: Session, _envelope: Envelope, _method: str, login: Any) -> Any:
        known = isinstance(login, LoginPassword) and self._users.get(login.login.decode()) == login.password.decode()
        return AuthResult(success=known, handled=False)
