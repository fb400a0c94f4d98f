"""Mail over SMTP: plain text to one address."""

from __future__ import annotations

import re
import smtplib
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from email import policy
from email.message import EmailMessage
from email.utils import localtime, parseaddr
from urllib.parse import parse_qs, unquote, urlsplit

from tasks.notifications.channels.sending import LONGEST_ANSWER, Envelope, InvalidTarget, Outcome, failed
from tasks.notifications.channels.trust import authority_files

STARTTLS = ("auto", "require", "never")
FORM = "smtp://host:port or smtps://user:password@host:port, with ?starttls=auto, require or never"

_LONGEST_ADDRESS = 254
_LOCAL = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]{1,64}"
_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_ADDRESS = re.compile(rf"{_LOCAL}@{_LABEL}(?:\.{_LABEL})*")
# Everything is written in 7 bits: not every server takes 8.
_WIRE = policy.SMTP.clone(cte_type="7bit")


def valid_target(text: str) -> str:
    """The mail address. Raises InvalidTarget."""
    address = text.strip()
    local = address.rpartition("@")[0]
    misdotted = local.startswith(".") or local.endswith(".") or ".." in local
    if len(address) > _LONGEST_ADDRESS or misdotted or not _ADDRESS.fullmatch(address):
        raise InvalidTarget("not a mail address; write one, in ASCII, such as ops@example.com")
    return address


@dataclass(frozen=True)
class SmtpServer:
    """Where mail is handed over. With `tls` from the first byte; otherwise `starttls` says whether to change to it."""

    host: str
    port: int
    user: str = ""
    password: str = ""
    tls: bool = False
    starttls: str = "auto"


def smtp_server(url: str) -> SmtpServer:
    """The server that PRANALA_SMTP_URL names. Raises ValueError, without the URL, which may hold a password."""
    try:
        return _parse(url)
    except ValueError:
        raise ValueError(f"expected {FORM}; percent-encode what is special in user and password") from None


def _parse(url: str) -> SmtpServer:
    parts = urlsplit(url)
    starttls = parse_qs(parts.query).get("starttls", ["auto"])[-1]
    if parts.scheme not in ("smtp", "smtps") or not parts.hostname or starttls not in STARTTLS:
        raise ValueError
    tls = parts.scheme == "smtps"
    port = parts.port or (465 if tls else 25)
    return SmtpServer(parts.hostname, port, unquote(parts.username or ""), unquote(parts.password or ""), tls, starttls)


class EmailSender:
    """Hands mail to one SMTP server. 5xx for the recipient or the message means never again."""

    def __init__(self, server: SmtpServer | None, sender: str, timeout_s: float, ca_file: str = "") -> None:
        self._server = server
        self._sender = sender
        self._timeout_s = timeout_s
        self._tls = ssl.create_default_context()
        for file in authority_files(ca_file):
            self._tls.load_verify_locations(file)

    def __call__(self, envelope: Envelope) -> Outcome:
        """Make one attempt."""
        if self._server is None:
            return failed("mail is not set up: whoever runs this installation sets PRANALA_SMTP_URL")
        try:
            with self._connected(self._server) as client:
                return self._hand_over(client, envelope)
        except smtplib.SMTPResponseException as error:
            return _refused(error.smtp_code, error.smtp_error)
        except (smtplib.SMTPException, OSError) as error:
            return failed(f"{self._server.host}:{self._server.port}: {error}")

    @contextmanager
    def _connected(self, server: SmtpServer) -> Iterator[smtplib.SMTP]:
        client = self._client(server)
        with _deadline(client, self._timeout_s):
            try:
                client.connect(server.host, server.port)
                self._secure(client, server)
                if server.user:
                    client.login(server.user, server.password)
                yield client
            finally:
                client.close()

    def _client(self, server: SmtpServer) -> smtplib.SMTP:
        # The name we greet with is given, because looking it up may take longer than the whole time-out.
        name = _domain(self._sender)
        if server.tls:
            client: smtplib.SMTP = smtplib.SMTP_SSL(local_hostname=name, timeout=self._timeout_s, context=self._tls)
        else:
            client = smtplib.SMTP(local_hostname=name, timeout=self._timeout_s)
        # TLS checks the certificate against this, and only a constructor that connects at once would set it.
        client._host = server.host  # type: ignore[attr-defined]  # not in the stubs
        return client

    def _secure(self, client: smtplib.SMTP, server: SmtpServer) -> None:
        client.ehlo_or_helo_if_needed()
        if server.tls or server.starttls == "never":
            return
        if client.has_extn("starttls"):
            client.starttls(context=self._tls)
            client.ehlo()
        elif server.starttls == "require" or server.user:
            raise smtplib.SMTPNotSupportedError("the server offers no STARTTLS; use smtps://, or allow ?starttls=never")

    def _hand_over(self, client: smtplib.SMTP, envelope: Envelope) -> Outcome:
        code, text = client.mail(parseaddr(self._sender)[1])
        if code != 250:
            return _refused(code, text)
        code, text = client.rcpt(envelope.target)
        if code not in (250, 251):
            return _refused(code, text, permanent=code >= 500)
        code, text = client.data(compose(envelope, self._sender).as_bytes(policy=_WIRE))
        if code != 250:
            return _refused(code, text, permanent=code >= 500)
        with suppress(smtplib.SMTPException, OSError):
            client.quit()
        return Outcome(ok=True, status=code, answer=_text(text))


def compose(envelope: Envelope, sender: str) -> EmailMessage:
    """The mail. Its Message-ID is the delivery's id: a mail program shows what comes twice once."""
    mail = EmailMessage(policy=_WIRE)
    mail["From"] = sender
    mail["To"] = envelope.target
    mail["Subject"] = envelope.title
    mail["Date"] = localtime()
    mail["Message-ID"] = f"<{envelope.id}@{_domain(sender)}>"
    # Keeps out-of-office programs from answering.
    mail["Auto-Submitted"] = "auto-generated"
    mail.set_content(f"{envelope.body}\n")
    return mail


@contextmanager
def _deadline(client: smtplib.SMTP, seconds: float) -> Iterator[None]:
    """Break the connection off when the time is up: smtplib's own time-out begins anew with every byte."""
    is_up = threading.Event()
    timer = threading.Timer(seconds, _break_off, (client, is_up))
    timer.daemon = True
    timer.start()
    try:
        yield
    except (smtplib.SMTPException, OSError) as error:
        if not is_up.is_set():
            raise
        raise TimeoutError(f"not done within {seconds:g} s") from error
    finally:
        timer.cancel()


def _break_off(client: smtplib.SMTP, is_up: threading.Event) -> None:
    # Said first: whoever reads from the socket fails at once, and then asks whether this was why.
    is_up.set()
    if client.sock is not None:
        with suppress(OSError):
            client.sock.shutdown(socket.SHUT_RDWR)


def _refused(code: int, text: bytes | str, permanent: bool = False) -> Outcome:
    return Outcome(ok=False, status=code, answer=_text(text), permanent=permanent)


def _text(text: bytes | str) -> str:
    decoded = text.decode(errors="replace") if isinstance(text, bytes) else text
    return decoded.replace("\0", "\N{REPLACEMENT CHARACTER}")[:LONGEST_ANSWER]


def _domain(sender: str) -> str:
    return parseaddr(sender)[1].rpartition("@")[2] or "localhost"
