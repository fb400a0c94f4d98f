"""Webhooks by the Standard Webhooks specification: signed, never redirected, and only to permitted addresses."""

from __future__ import annotations

import base64
import secrets
from datetime import UTC
from email.utils import parsedate_to_datetime
from pathlib import Path

import pycurl
from standardwebhooks.webhooks import Webhook

from tasks import clock, urls
from tasks.guard import AddressPolicy
from tasks.notifications.channels.gate import Gate
from tasks.notifications.channels.sending import LONGEST_ANSWER, Envelope, InvalidTarget, Outcome, failed
from tasks.notifications.channels.trust import authority_files

GONE = 410
SECRET_BYTES = 32
USER_AGENT = "Pranala-Webhooks/1 (+https://www.standardwebhooks.com)"


def new_secret() -> str:
    """A signing secret in the form that every Standard Webhooks library reads."""
    return "whsec_" + base64.b64encode(secrets.token_bytes(SECRET_BYTES)).decode()


def valid_target(text: str) -> str:
    """The URL in normal form. Raises InvalidTarget."""
    try:
        url = urls.normalise(text)
    except urls.InvalidUrl as error:
        raise InvalidTarget(f"the URL {error}") from error
    if urls.scheme_of(url) not in ("http", "https"):
        raise InvalidTarget("a webhook needs an http:// or https:// URL")
    return url


class WebhookSender:
    """Posts payloads. 2xx is success, anything else is not; 410 means never again."""

    def __init__(self, policy: AddressPolicy, timeout_s: float, ca_file: str = "") -> None:
        self._policy = policy
        self._timeout_ms = round(timeout_s * 1000)
        self._authorities = b"\n".join(Path(file).read_bytes() for file in authority_files(ca_file))

    def __call__(self, envelope: Envelope) -> Outcome:
        """Make one attempt."""
        gate, answer = Gate(self._policy), _Answer()
        curl = pycurl.Curl()
        try:
            self._prepare(curl, envelope, gate, answer)
            curl.perform()
        except pycurl.error as error:
            if not answer.is_cut:
                unusable = bool(gate.refusal) or error.args[0] == pycurl.E_URL_MALFORMAT
                return failed(gate.refusal or str(error.args[-1]), permanent=unusable)
        finally:
            status = curl.getinfo(pycurl.RESPONSE_CODE)
            curl.close()
        return answer.outcome(status)

    def _prepare(self, curl: pycurl.Curl, envelope: Envelope, gate: Gate, answer: _Answer) -> None:
        curl.setopt(pycurl.URL, envelope.target)
        curl.setopt(pycurl.POSTFIELDS, envelope.payload.encode())
        curl.setopt(pycurl.HTTPHEADER, [f"{name}: {value}" for name, value in headers(envelope).items()])
        curl.setopt(pycurl.PROTOCOLS, pycurl.PROTO_HTTP | pycurl.PROTO_HTTPS)
        curl.setopt(pycurl.FOLLOWLOCATION, 0)
        # The environment's proxies would connect in our stead, past the gate.
        curl.setopt(pycurl.PROXY, "")
        curl.setopt(pycurl.OPENSOCKETFUNCTION, gate.open)
        curl.setopt(pycurl.CAINFO_BLOB, self._authorities)
        curl.setopt(pycurl.TIMEOUT_MS, self._timeout_ms)
        curl.setopt(pycurl.NOSIGNAL, 1)
        curl.setopt(pycurl.HEADERFUNCTION, answer.take_header)
        curl.setopt(pycurl.WRITEFUNCTION, answer.take_body)


def headers(envelope: Envelope) -> dict[str, str]:
    """The request's headers: the same id at every attempt, a timestamp and signature of its own for each."""
    now = clock.now()
    found = {
        "Content-Type": "application/json",
        "User-Agent": USER_AGENT,
        "webhook-id": str(envelope.id),
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": Webhook(envelope.secret).sign(str(envelope.id), now, envelope.payload),
    }
    return found | ({"traceparent": envelope.traceparent} if envelope.traceparent else {})


class _Answer:
    """What a receiver answers, as far as it is kept."""

    def __init__(self) -> None:
        self.is_cut = False
        self._body = b""
        self._headers: dict[str, str] = {}

    def take_header(self, line: bytes) -> None:
        """Called by libcurl for each header line; a status line begins anew, because 103 may come before 200."""
        name, colon, value = line.decode("latin-1").partition(":")
        if line.startswith(b"HTTP/"):
            self._headers = {}
        elif colon:
            self._headers[name.strip().lower()] = value.strip()

    def take_body(self, chunk: bytes) -> int:
        """Called by libcurl for each piece. Taking none of it ends the transfer: the answer has no end, or is long."""
        room = LONGEST_ANSWER - len(self._body)
        self._body += chunk[:room]
        self.is_cut = len(chunk) > room
        return 0 if self.is_cut else len(chunk)

    def outcome(self, status: int) -> Outcome:
        """What the receiver's answer means."""
        if 300 <= status < 400:
            place = self._headers.get("location", "")[:LONGEST_ANSWER]
            return Outcome(False, status, f"redirects are not followed; this one leads to {place or 'nowhere'}")
        return Outcome(
            ok=200 <= status < 300,
            status=status,
            answer=self._body.decode(errors="replace").replace("\0", "\N{REPLACEMENT CHARACTER}"),
            permanent=status == GONE,
            retry_after_s=_seconds(self._headers.get("retry-after", "")),
        )


def _seconds(retry_after: str) -> float | None:
    """Retry-After as seconds from now: it is a number of them, or a date; anything else is nothing."""
    if retry_after.isascii() and retry_after.isdigit():
        return float(retry_after[:9])
    try:
        at = parsedate_to_datetime(retry_after)
    except ValueError:
        return None
    now = clock.now()
    return max(((at if at.tzinfo else at.replace(tzinfo=UTC)) - now).total_seconds(), 0.0)
