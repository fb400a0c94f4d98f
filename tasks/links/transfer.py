"""One HTTP request by libcurl: how it is asked, what came back, and which addresses it may connect to."""

from __future__ import annotations

import socket
import ssl
from dataclasses import dataclass, field
from datetime import UTC, datetime

import pycurl

from tasks.guard import AddressPolicy
from tasks.links.verdict import (
    COULDNT_CONNECT,
    COULDNT_RESOLVE_HOST,
    FILESIZE_EXCEEDED,
    HTTP2_ERROR,
    HTTP2_STREAM,
    OPERATION_TIMEDOUT,
    Fault,
    Phase,
)

ACCEPT = ("Accept: text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", "Accept-Language: en,*;q=0.5")


@dataclass(frozen=True, slots=True)
class TransferSettings:
    policy: AddressPolicy
    user_agent: str
    connect_timeout_s: float
    body_cap_bytes: int
    ca_file: str
    http2: bool = False


@dataclass(frozen=True, slots=True)
class Wish:
    """What a request asks for beyond the usual: the body, headers of its own, and how long it may take to connect."""

    body: bool = False
    headers: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    connect_timeout_s: float | None = None


@dataclass(slots=True)
class Response:
    """What one request brought: a status where a whole head came, a fault where something went wrong, or both.

    `refusal` says why the guard let it connect nowhere; `stale` that it died with a connection that is not its own,
    kept from an earlier request or shared by HTTP/2, which proves nothing; `timings_ms` are how long the phases took.
    `body` is there where it was wished for, and `whole` unless it was longer than the cap.
    """

    status: int
    fault: Fault | None
    refusal: str | None
    stale: bool
    ip: str | None
    elapsed_s: float
    timings_ms: dict[str, float]
    bytes_read: int
    tls_not_after: datetime | None
    lines: list[bytes] = field(repr=False)
    body: bytes | None = field(default=None, repr=False)
    whole: bool = True

    def headers(self) -> dict[str, str]:
        """The headers of the final head, names in lower case; of repeated ones the first."""
        found: dict[str, str] = {}
        for line in self.lines[_final_head(self.lines) + 1 :]:
            name, colon, value = line.decode("utf-8", "replace").partition(":")
            if colon:
                found.setdefault(name.strip().lower(), value.strip())
        return found

    def values(self, name: bytes) -> list[str]:
        """All values of a header, its name in lower case."""
        lines = (line.partition(b":") for line in self.lines[_final_head(self.lines) + 1 :])
        return [value.decode("utf-8", "replace").strip() for each, _, value in lines if each.strip().lower() == name]


class Transfer:
    """An easy handle with its settings, used for one request after another."""

    def __init__(self, settings: TransferSettings) -> None:
        self.easy = pycurl.Curl()
        self._policy = settings.policy
        self._lines: list[bytes] = []
        self._refusal: str | None = None
        self._os_errno = 0
        self._url = ""
        self._method = "GET"
        self._timeout_s = 0.0
        self._origin = ""
        self._entries: list[str] = []
        self._fresh = False
        self._wish: Wish | None = None
        # By TLS alone: there the server says that it speaks HTTP/2, as it does to browsers.
        self._version = pycurl.CURL_HTTP_VERSION_2TLS if settings.http2 else pycurl.CURL_HTTP_VERSION_1_1
        self._cap = settings.body_cap_bytes
        self._connect_timeout_s = settings.connect_timeout_s
        self._body = bytearray()
        self._is_cut = False
        self._set_up(settings)

    def _set_up(self, settings: TransferSettings) -> None:
        set_option = self.easy.setopt
        set_option(pycurl.NOSIGNAL, 1)
        set_option(pycurl.PROXY, "")  # also forbids the proxies of the environment
        set_option(pycurl.PROTOCOLS, pycurl.PROTO_HTTP | pycurl.PROTO_HTTPS)
        set_option(pycurl.HTTP_VERSION, self._version)
        set_option(pycurl.DNS_CACHE_TIMEOUT, -1)  # we say when to forget
        set_option(pycurl.FOLLOWLOCATION, 0)
        set_option(pycurl.PATH_AS_IS, 1)
        set_option(pycurl.USERAGENT, settings.user_agent)
        set_option(pycurl.ACCEPT_ENCODING, "")  # all that libcurl can decode
        set_option(pycurl.CAINFO, settings.ca_file)
        set_option(pycurl.OPT_CERTINFO, 1)
        set_option(pycurl.OPENSOCKETFUNCTION, self._open_socket)
        # A builtin: it is called for every line without a step of Python.
        set_option(pycurl.HEADERFUNCTION, self._lines.append)
        self._adapt(None)

    def prepare(
        self,
        method: str,
        url: str,
        timeout_s: float,
        origin: str,
        addresses: str | None,
        fresh: bool = False,
        wish: Wish | None = None,
    ) -> None:
        """Make ready for a request; `origin` is host:port, which is at `addresses` (with commas between) if it has
        a name; `fresh` asks for a new connection that is nobody else's."""
        self._lines.clear()
        self._refusal = None
        self._os_errno = 0
        self._url = url
        self.easy.setopt(pycurl.URL, url)
        if timeout_s != self._timeout_s:
            self.easy.setopt(pycurl.TIMEOUT_MS, max(int(timeout_s * 1000), 1))
            self._timeout_s = timeout_s
        if method != self._method:
            self.easy.setopt(pycurl.NOBODY if method == "HEAD" else pycurl.HTTPGET, 1)
            self._method = method
        if fresh != self._fresh:
            self.easy.setopt(pycurl.FRESH_CONNECT, fresh)
            # Over HTTP/2 another request could share it, and its end would prove nothing again.
            self.easy.setopt(pycurl.HTTP_VERSION, pycurl.CURL_HTTP_VERSION_1_1 if fresh else self._version)
            self._fresh = fresh
        if wish is not None or self._wish is not None:
            self._adapt(wish)
        self._introduce(origin, addresses)

    def _introduce(self, origin: str, addresses: str | None) -> None:
        """Tell libcurl where a name is, and have it forget the last one.

        What it remembers it goes through after each request: with thousands of hosts that took longer than all else.
        """
        entries = [f"-{self._origin}"] if self._origin not in ("", origin) else []
        if addresses:
            entries.append(f"{origin}:{addresses}")
        if entries or self._entries:
            self.easy.setopt(pycurl.RESOLVE, entries)
        self._origin, self._entries = origin, entries

    def _adapt(self, wish: Wish | None) -> None:
        """Ask for what is wished, or for the usual again."""
        set_option = self.easy.setopt
        own = dict(wish.headers) if wish else {}
        names = {name.lower() for name in own}
        lines = [line for line in ACCEPT if line.partition(":")[0].lower() not in names]
        # A semicolon is how libcurl is told to send a header without a value.
        lines += [f"{name}: {value}" if value else f"{name};" for name, value in own.items()]
        set_option(pycurl.HTTPHEADER, lines)
        patience_s = (wish and wish.connect_timeout_s) or self._connect_timeout_s
        set_option(pycurl.CONNECTTIMEOUT_MS, max(int(patience_s * 1000), 1))
        if wish and wish.body:
            # The cap is ours to keep: libcurl would bring nothing of a body that is announced as longer.
            set_option(pycurl.MAXFILESIZE_LARGE, 0)
            set_option(pycurl.WRITEFUNCTION, self._take, use_memoryview=True)
        else:
            set_option(pycurl.MAXFILESIZE_LARGE, self._cap)  # as sent and as decoded, announced or not
            # A builtin again: len() says "all of it taken".
            set_option(pycurl.WRITEFUNCTION, len, use_memoryview=True)
        self._wish = wish
        self._body = bytearray()
        self._is_cut = False

    def _take(self, chunk: memoryview) -> int:
        """Keep a piece of the body; to take less than all of it ends the transfer."""
        room = self._cap - len(self._body)
        self._body += chunk[:room]
        self._is_cut = len(chunk) > room
        return 0 if self._is_cut else len(chunk)

    def response(self, code: int, text: str) -> Response:
        """Read what came of the request that ended with libcurl's error code (0: none)."""
        info = self.easy.getinfo
        status = self._status()
        fine = code in (0, FILESIZE_EXCEEDED) or self._is_cut
        fault = None if fine else self._fault(code, text, status)
        opened = info(pycurl.NUM_CONNECTS) > 0
        refused = fault is not None and fault.code == COULDNT_CONNECT
        shared = fault is not None and self._was_shared(fault)
        died = fault is not None and fault.code != OPERATION_TIMEDOUT and (shared or fault.phase is Phase.REQUEST)
        return Response(
            status=status,
            fault=fault,
            refusal=self._refusal if refused else None,
            stale=died and (shared or not opened),
            ip=info(pycurl.PRIMARY_IP) or None,
            elapsed_s=info(pycurl.TOTAL_TIME),
            timings_ms=self._timings_ms(opened),
            bytes_read=0 if self._method == "HEAD" else int(info(pycurl.SIZE_DOWNLOAD_T)),
            tls_not_after=self._tls_not_after() if opened else None,
            lines=self._lines.copy(),
            body=bytes(self._body) if self._wish and self._wish.body else None,
            whole=not self._is_cut,
        )

    def _open_socket(self, _purpose: int, address: pycurl.CurlSockAddr) -> socket.socket | int:
        """Judge the very address that is about to be connected to. Must not raise: libcurl could not hear it."""
        if isinstance(address.addr, bytes):
            self._refusal = "neither IPv4 nor IPv6"
            return pycurl.SOCKET_BAD
        refusal = self._policy.refusal(address.addr[0], address.addr[1])
        if refusal is not None:
            self._refusal = refusal
            return pycurl.SOCKET_BAD
        try:
            return socket.socket(address.family, address.socktype, address.protocol)
        except OSError as error:
            self._os_errno = error.errno or 0
            return pycurl.SOCKET_BAD

    def _status(self) -> int:
        status = int(self.easy.getinfo(pycurl.RESPONSE_CODE))
        # An interim response (1xx) with nothing after it is no answer.
        return status if status >= 200 and self._head_is_whole() else 0

    def _head_is_whole(self) -> bool:
        lines = self._lines
        if lines and lines[-1] in _ENDS_OF_HEAD:
            return True
        return any(line in _ENDS_OF_HEAD for line in lines[_final_head(lines) :])

    def _fault(self, code: int, text: str, status: int) -> Fault:
        info = self.easy.getinfo
        os_errno = self._os_errno or int(info(pycurl.OS_ERRNO))
        return Fault(code, self._phase(code, status), text, os_errno, int(info(pycurl.SSL_VERIFYRESULT)))

    def _phase(self, code: int, status: int) -> Phase:
        info = self.easy.getinfo
        if status:
            return Phase.BODY
        if code == COULDNT_RESOLVE_HOST:
            return Phase.DNS
        if not info(pycurl.PRIMARY_IP):
            return Phase.CONNECT
        opened = info(pycurl.NUM_CONNECTS) > 0
        if opened and self._url.startswith("https:") and not info(pycurl.APPCONNECT_TIME):
            return Phase.TLS
        return Phase.REQUEST

    def _was_shared(self, fault: Fault) -> bool:
        """Did a transfer fail over HTTP/2? Before the answer begins, only the fault itself can tell."""
        version = self.easy.getinfo(pycurl.INFO_HTTP_VERSION)
        return version == pycurl.CURL_HTTP_VERSION_2_0 or fault.code in (HTTP2_ERROR, HTTP2_STREAM)

    def _timings_ms(self, opened: bool) -> dict[str, float]:
        info = self.easy.getinfo
        ttfb = in_ms(info(pycurl.STARTTRANSFER_TIME) - info(pycurl.PRETRANSFER_TIME))
        if not opened:
            return {"connect": 0.0, "tls": 0.0, "ttfb": ttfb}
        found, connected = info(pycurl.NAMELOOKUP_TIME), info(pycurl.CONNECT_TIME)
        secured = info(pycurl.APPCONNECT_TIME)
        return {"connect": in_ms(connected - found), "tls": in_ms(secured - connected), "ttfb": ttfb}

    def _tls_not_after(self) -> datetime | None:
        if not self._url.startswith("https:"):
            return None
        for certificate in self.easy.getinfo(pycurl.INFO_CERTINFO)[:1]:
            expires = dict(certificate).get("Expire date")
            return datetime.fromtimestamp(ssl.cert_time_to_seconds(expires), UTC) if expires else None
        return None


_ENDS_OF_HEAD = (b"\r\n", b"\n")


def _final_head(lines: list[bytes]) -> int:
    """Where the last status line is: interim responses come before it."""
    return max((at for at, line in enumerate(lines) if line.startswith(b"HTTP/")), default=0)


def in_ms(seconds: float) -> float:
    """Milliseconds, to the microsecond."""
    # round() takes several times as long.
    return int(seconds * 1e6 + 0.5) / 1000 if seconds > 0 else 0.0
