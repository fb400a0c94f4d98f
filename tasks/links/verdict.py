"""What a check means: from what was seen on the wire to verdict, reason and permanence."""

import errno
import socket
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from enum import StrEnum


class Verdict(StrEnum):
    OK = "ok"
    DEGRADED = "degraded"
    BROKEN = "broken"
    INCONCLUSIVE = "inconclusive"
    SKIPPED = "skipped"


class Permanence(StrEnum):
    """Will the same check come out better soon? Asked only of what is broken."""

    HARD = "hard"
    TRANSIENT = "transient"


class Reason(StrEnum):
    OK = "ok"
    REDIRECTED_TEMPORARY = "redirected_temporary"

    REDIRECTED_PERMANENT = "redirected_permanent"
    FRAGMENT_MISSING = "fragment_missing"
    TEXT_FRAGMENT_MISSING = "text_fragment_missing"
    TLS_EXPIRING = "tls_expiring"
    SLOW = "slow"
    INSECURE_HTTP = "insecure_http"
    REDIRECT_TO_ROOT = "redirect_to_root"
    SOFT_404_SUSPECTED = "soft_404_suspected"

    HTTP_404 = "http_404"
    HTTP_410 = "http_410"
    HTTP_4XX = "http_4xx"
    DNS_NXDOMAIN = "dns_nxdomain"
    URL_INVALID = "url_invalid"
    TLS_EXPIRED = "tls_expired"
    TLS_HOSTNAME_MISMATCH = "tls_hostname_mismatch"
    TLS_UNTRUSTED = "tls_untrusted"
    REDIRECT_LOOP = "redirect_loop"
    REDIRECT_LIMIT = "redirect_limit"
    REDIRECT_INVALID = "redirect_invalid"
    REDIRECT_BLOCKED_SCHEME = "redirect_blocked_scheme"
    ASSERTION_FAILED = "assertion_failed"

    HTTP_5XX = "http_5xx"
    TIMEOUT_CONNECT = "timeout_connect"
    TIMEOUT_TLS = "timeout_tls"
    TIMEOUT_TTFB = "timeout_ttfb"
    TIMEOUT_TOTAL = "timeout_total"
    DNS_TIMEOUT = "dns_timeout"
    DNS_SERVFAIL = "dns_servfail"
    CONNECTION_REFUSED = "connection_refused"
    CONNECTION_RESET = "connection_reset"
    CONNECTION_CLOSED = "connection_closed"
    NETWORK_UNREACHABLE = "network_unreachable"
    TLS_HANDSHAKE = "tls_handshake"
    PROTOCOL_ERROR = "protocol_error"
    BODY_INCOMPLETE = "body_incomplete"

    AUTH_REQUIRED = "auth_required"
    PAYMENT_REQUIRED = "payment_required"
    FORBIDDEN = "forbidden"
    BOT_CHALLENGE = "bot_challenge"
    RATE_LIMITED = "rate_limited"
    SERVICE_UNAVAILABLE = "service_unavailable"
    LEGAL = "legal"
    ROBOTS_DISALLOWED = "robots_disallowed"

    EXCLUDED = "excluded"
    UNSUPPORTED_SCHEME = "unsupported_scheme"
    BLOCKED_ADDRESS = "blocked_address"
    MAINTENANCE = "maintenance"
    HOST_BACKOFF = "host_backoff"
    MISSED_WINDOW = "missed_window"
    CHECKER_OFFLINE = "checker_offline"
    CHECKER_ERROR = "checker_error"


@dataclass(frozen=True, slots=True)
class Judgement:
    """The outcome of a check in three fields that can be filtered independently."""

    verdict: Verdict
    reason: Reason
    permanence: Permanence | None


_FIRST_OF_GROUP = {
    Reason.OK: (Verdict.OK, None),
    Reason.REDIRECTED_PERMANENT: (Verdict.DEGRADED, None),
    Reason.HTTP_404: (Verdict.BROKEN, Permanence.HARD),
    Reason.HTTP_5XX: (Verdict.BROKEN, Permanence.TRANSIENT),
    Reason.AUTH_REQUIRED: (Verdict.INCONCLUSIVE, None),
    Reason.EXCLUDED: (Verdict.SKIPPED, None),
}


def _judgements() -> dict[Reason, Judgement]:
    """Read the groups of Reason, in the order they are declared in."""
    found: dict[Reason, Judgement] = {}
    verdict, permanence = _FIRST_OF_GROUP[Reason.OK]
    for reason in Reason:
        verdict, permanence = _FIRST_OF_GROUP.get(reason, (verdict, permanence))
        found[reason] = Judgement(verdict, reason, permanence)
    return found


JUDGEMENTS = _judgements()

# Client errors that say "not now" rather than "not here": request time-out, misdirected request, too early.
_PASSING_4XX = frozenset((408, 421, 425))
_JUDGED_4XX = {
    401: Reason.AUTH_REQUIRED,
    402: Reason.PAYMENT_REQUIRED,
    403: Reason.FORBIDDEN,
    404: Reason.HTTP_404,
    407: Reason.AUTH_REQUIRED,
    410: Reason.HTTP_410,
    429: Reason.RATE_LIMITED,
    451: Reason.LEGAL,
}
REDIRECTS = frozenset((301, 302, 303, 307, 308))
PERMANENT_REDIRECTS = frozenset((301, 308))


class Phase(StrEnum):
    """How far a transfer came before it failed."""

    DNS = "dns"
    CONNECT = "connect"
    TLS = "tls"
    REQUEST = "request"
    BODY = "body"


@dataclass(frozen=True, slots=True)
class Fault:
    """Why a transfer failed: libcurl's error code, and what tells its causes apart."""

    code: int
    phase: Phase
    text: str = ""
    os_errno: int = 0
    tls_verify: int = 0


_NO_HEADERS: Mapping[str, str] = {}


@dataclass(frozen=True, slots=True)
class Observation:
    """All that a check saw.

    `status` and `headers` (names in lower case) are those of the last response; `fault` ended the last
    transfer; `hindrance` is why there was nothing more to fetch (a redirect that leads nowhere, an address that is
    refused, a name that does not resolve); `redirects` are the statuses that were followed.
    """

    status: int = 0
    headers: Mapping[str, str] = field(default_factory=lambda: _NO_HEADERS)
    fault: Fault | None = None
    hindrance: Reason | None = None
    redirects: tuple[int, ...] = ()


def judge(seen: Observation) -> Judgement:
    if seen.hindrance is not None:
        return JUDGEMENTS[seen.hindrance]
    if seen.fault is not None and not _status_stands(seen):
        return JUDGEMENTS[judge_fault(seen.fault)]
    judged = judge_status(seen.status, seen.headers)
    if judged.verdict is Verdict.OK and seen.redirects:
        return JUDGEMENTS[judge_redirects(seen.redirects)]
    return judged


def head_settles(seen: Observation) -> bool:
    """Is what a HEAD brought worth believing without a GET?

    Only success, and what has nothing to do with the method: a time-out, a host that cannot be found, reached or
    trusted, an address that is refused, and a server that asks for fewer requests.
    """
    if seen.hindrance is not None:
        return seen.hindrance not in _REDIRECTS_ASTRAY
    if seen.fault is not None:
        return seen.fault.code == OPERATION_TIMEDOUT or seen.fault.phase in (Phase.DNS, Phase.CONNECT, Phase.TLS)
    return seen.status == 429 or judge_status(seen.status, seen.headers).verdict is Verdict.OK


_REDIRECTS_ASTRAY = frozenset(
    (Reason.REDIRECT_LOOP, Reason.REDIRECT_LIMIT, Reason.REDIRECT_INVALID, Reason.REDIRECT_BLOCKED_SCHEME)
)


def judge_status(status: int, headers: Mapping[str, str] = _NO_HEADERS) -> Judgement:
    """Judge a final status; `headers` have lower-case names."""
    if status == 200:
        return JUDGEMENTS[Reason.OK]
    if is_challenge(status, headers):
        return JUDGEMENTS[Reason.BOT_CHALLENGE]
    if status in _PASSING_4XX:
        return Judgement(Verdict.BROKEN, Reason.HTTP_4XX, Permanence.TRANSIENT)
    return JUDGEMENTS[_reason_of(status, headers)]


def _reason_of(status: int, headers: Mapping[str, str]) -> Reason:
    if 200 <= status <= 300:  # 300 Multiple Choices: the resource is there, in several forms
        return Reason.OK
    if status in REDIRECTS:
        return Reason.REDIRECT_INVALID  # it would have been followed, had it said where to
    if 400 <= status < 500:
        return _JUDGED_4XX.get(status, Reason.HTTP_4XX)
    if status == 503 and "retry-after" in headers:
        return Reason.SERVICE_UNAVAILABLE
    return Reason.HTTP_5XX if 500 <= status < 600 else Reason.PROTOCOL_ERROR


def is_challenge(status: int, headers: Mapping[str, str]) -> bool:
    """Does a wall against robots answer here, rather than the site?"""
    if status == 999:  # LinkedIn's answer to anything that is not a browser
        return True
    if "x-amzn-waf-action" in headers:  # AWS WAF: 202 with "challenge", 405 with "captcha"
        return True
    return status >= 400 and bool(_CHALLENGE_HEADERS.intersection(headers))


_CHALLENGE_HEADERS = frozenset(("cf-mitigated", "x-vercel-mitigated", "x-datadome"))


def judge_redirects(statuses: tuple[int, ...]) -> Reason:
    """Judge a chain that ended well: permanent only if every hop is, as only then may the link be rewritten."""
    permanent = PERMANENT_REDIRECTS.issuperset(statuses)
    return Reason.REDIRECTED_PERMANENT if permanent else Reason.REDIRECTED_TEMPORARY


def _status_stands(seen: Observation) -> bool:
    """Is the status an answer in itself, whatever became of the body?

    A 404 is one even when its page breaks off. A success is not, except where the server never promised a length
    and closed TLS without saying so, which many do and browsers accept, and where the body is an endless stream.
    """
    if seen.status >= 300:
        return True
    if seen.status < 200 or seen.fault is None:
        return False
    if seen.fault.code == OPERATION_TIMEDOUT:
        return is_endless(seen.headers)
    if seen.fault.code == BAD_CONTENT_ENCODING and "unrecognized" in seen.fault.text.lower():
        return True  # zstd, where nobody asked for it: what libcurl cannot read, browsers can
    promised = "content-length" in seen.headers or "transfer-encoding" in seen.headers
    return seen.fault.code == RECV_ERROR and "eof" in seen.fault.text.lower() and not promised


def is_endless(headers: Mapping[str, str]) -> bool:
    """Is this a kind of body that goes on for as long as somebody listens?"""
    kind = headers.get("content-type", "").strip().lower()
    return kind.startswith(("text/event-stream", "multipart/x-mixed-replace", "audio/", "video/"))


# libcurl's error codes (CURLE_*), which never change their number.
UNSUPPORTED_PROTOCOL, URL_MALFORMAT, COULDNT_RESOLVE_HOST, COULDNT_CONNECT, WEIRD_SERVER_REPLY = 1, 3, 6, 7, 8
HTTP2_ERROR, PARTIAL_FILE, WRITE_ERROR, OPERATION_TIMEDOUT, SSL_CONNECT_ERROR = 16, 18, 23, 28, 35
GOT_NOTHING, SEND_ERROR, RECV_ERROR, PEER_FAILED_VERIFICATION, BAD_CONTENT_ENCODING, FILESIZE_EXCEEDED = (
    52,
    55,
    56,
    60,
    61,
    63,
)
SSL_ISSUER_ERROR, SSL_INVALIDCERTSTATUS, HTTP2_STREAM, TOO_LARGE = 83, 91, 92, 100

_REASON_OF_CODE = {
    UNSUPPORTED_PROTOCOL: Reason.PROTOCOL_ERROR,  # HTTP/0.9: the answer has no status line
    URL_MALFORMAT: Reason.URL_INVALID,
    COULDNT_RESOLVE_HOST: Reason.DNS_NXDOMAIN,
    WEIRD_SERVER_REPLY: Reason.PROTOCOL_ERROR,
    HTTP2_ERROR: Reason.PROTOCOL_ERROR,
    PARTIAL_FILE: Reason.BODY_INCOMPLETE,
    WRITE_ERROR: Reason.PROTOCOL_ERROR,  # a body that cannot be decoded; our own cap is no fault
    SSL_CONNECT_ERROR: Reason.TLS_HANDSHAKE,
    GOT_NOTHING: Reason.CONNECTION_CLOSED,
    BAD_CONTENT_ENCODING: Reason.PROTOCOL_ERROR,
    SSL_ISSUER_ERROR: Reason.TLS_UNTRUSTED,
    SSL_INVALIDCERTSTATUS: Reason.TLS_UNTRUSTED,
    HTTP2_STREAM: Reason.PROTOCOL_ERROR,
    TOO_LARGE: Reason.PROTOCOL_ERROR,
}
_REASON_OF_TIMEOUT = {
    Phase.DNS: Reason.DNS_TIMEOUT,
    Phase.CONNECT: Reason.TIMEOUT_CONNECT,
    Phase.TLS: Reason.TIMEOUT_TLS,
    Phase.REQUEST: Reason.TIMEOUT_TTFB,
    Phase.BODY: Reason.TIMEOUT_TOTAL,
}


def judge_fault(fault: Fault) -> Reason:
    if fault.code == OPERATION_TIMEDOUT:
        return _REASON_OF_TIMEOUT[fault.phase]
    if fault.code == COULDNT_CONNECT:
        return _judge_connect(fault)
    if fault.code in (SEND_ERROR, RECV_ERROR):
        return _judge_lost(fault)
    if fault.code == PEER_FAILED_VERIFICATION:
        return _judge_certificate(fault)
    return _REASON_OF_CODE.get(fault.code, Reason.CHECKER_ERROR)


def _judge_connect(fault: Fault) -> Reason:
    if fault.os_errno in (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM):
        return Reason.CHECKER_ERROR
    if fault.os_errno == errno.ECONNREFUSED:
        return Reason.CONNECTION_REFUSED
    if fault.os_errno == errno.ECONNRESET:
        return Reason.CONNECTION_RESET
    return Reason.TIMEOUT_CONNECT if fault.os_errno == errno.ETIMEDOUT else Reason.NETWORK_UNREACHABLE


def _judge_lost(fault: Fault) -> Reason:
    if fault.phase is Phase.BODY:
        return Reason.BODY_INCOMPLETE
    if fault.os_errno in (errno.ECONNRESET, errno.EPIPE) or "reset" in fault.text.lower():
        return Reason.CONNECTION_RESET
    return Reason.PROTOCOL_ERROR if "header" in fault.text.lower() else Reason.CONNECTION_CLOSED


# OpenSSL's X509_V_ERR_*. Where libcurl compares the host name itself, only its text says so.
_EXPIRED, _HOSTNAME_MISMATCH, _IP_MISMATCH = 10, 62, 64


def _judge_certificate(fault: Fault) -> Reason:
    if fault.tls_verify == _EXPIRED:
        return Reason.TLS_EXPIRED
    if fault.tls_verify in (_HOSTNAME_MISMATCH, _IP_MISMATCH) or "match" in fault.text:
        return Reason.TLS_HOSTNAME_MISMATCH
    return Reason.TLS_UNTRUSTED


# After this long the resolver was waiting for an answer, not refused one.
_RESOLVER_WAITED_S = 3.0


def judge_lookup(eai: int, elapsed_s: float) -> Reason:
    """Judge a failed getaddrinfo by its EAI_* code and the seconds it took."""
    if eai in (socket.EAI_NONAME, socket.EAI_NODATA):
        return Reason.DNS_NXDOMAIN
    if eai == socket.EAI_AGAIN and elapsed_s >= _RESOLVER_WAITED_S:
        return Reason.DNS_TIMEOUT
    return Reason.DNS_SERVFAIL if eai in (socket.EAI_AGAIN, socket.EAI_FAIL) else Reason.CHECKER_ERROR


def retry_after_s(value: str, now: datetime) -> float | None:
    """Read a Retry-After header, seconds or HTTP date, as seconds from `now`; None when it is neither."""
    value = value.strip()
    if value.isascii() and value.isdigit():
        return float(value[:9])
    try:
        at = parsedate_to_datetime(value)
    except (TypeError, ValueError):
        return None
    at = at if at.tzinfo else at.replace(tzinfo=UTC)
    return max((at - now).total_seconds(), 0.0)
