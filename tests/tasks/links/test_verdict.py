"""What a check means, as tables."""

import errno
import re
import socket
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from tasks.links.verdict import (
    JUDGEMENTS,
    Fault,
    Judgement,
    Observation,
    Permanence,
    Phase,
    Reason,
    Verdict,
    head_settles,
    judge,
    judge_fault,
    judge_lookup,
    judge_redirects,
    judge_status,
    retry_after_s,
)

NOW = datetime(2030, 1, 2, 3, 4, 5, tzinfo=UTC)

GROUPS = {
    (Verdict.OK, None): "ok redirected_temporary",
    (Verdict.DEGRADED, None): "redirected_permanent fragment_missing text_fragment_missing tls_expiring slow"
    " insecure_http redirect_to_root soft_404_suspected",
    (Verdict.BROKEN, Permanence.HARD): "http_404 http_410 http_4xx dns_nxdomain url_invalid tls_expired"
    " tls_hostname_mismatch tls_untrusted redirect_loop redirect_limit redirect_invalid redirect_blocked_scheme"
    " assertion_failed",
    (
        Verdict.BROKEN,
        Permanence.TRANSIENT,
    ): "http_5xx timeout_connect timeout_tls timeout_ttfb timeout_total dns_timeout"
    " dns_servfail connection_refused connection_reset connection_closed network_unreachable tls_handshake"
    " protocol_error body_incomplete",
    (Verdict.INCONCLUSIVE, None): "auth_required payment_required forbidden bot_challenge rate_limited"
    " service_unavailable legal robots_disallowed",
    (Verdict.SKIPPED, None): "excluded unsupported_scheme blocked_address maintenance host_backoff missed_window"
    " checker_offline checker_error",
}


def test_every_reason_has_its_verdict_and_permanence() -> None:
    expected = {
        Reason(name): Judgement(verdict, Reason(name), permanence)
        for (verdict, permanence), names in GROUPS.items()
        for name in names.split()
    }
    assert expected == JUDGEMENTS


@pytest.mark.parametrize(
    ("statuses", "reason"),
    [
        ((200, 201, 202, 203, 204, 205, 206, 207, 226, 299, 300), Reason.OK),
        ((301, 302, 303, 307, 308), Reason.REDIRECT_INVALID),
        ((101, 304, 305, 306, 399, 600, 700, 998), Reason.PROTOCOL_ERROR),
        ((400, 405, 406, 408, 409, 411, 412, 418, 421, 422, 425, 426, 428, 431, 499), Reason.HTTP_4XX),
        ((401, 407), Reason.AUTH_REQUIRED),
        ((402,), Reason.PAYMENT_REQUIRED),
        ((403,), Reason.FORBIDDEN),
        ((404,), Reason.HTTP_404),
        ((410,), Reason.HTTP_410),
        ((429,), Reason.RATE_LIMITED),
        ((451,), Reason.LEGAL),
        ((500, 501, 502, 503, 504, 505, 507, 508, 511, 520, 522, 530, 599), Reason.HTTP_5XX),
        ((999,), Reason.BOT_CHALLENGE),
    ],
)
def test_every_status_has_its_reason(statuses: tuple[int, ...], reason: Reason) -> None:
    assert {status: judge_status(status).reason for status in statuses} == dict.fromkeys(statuses, reason)


@pytest.mark.parametrize("status", range(100, 1000))
def test_no_status_is_left_without_a_judgement_about_the_link(status: int) -> None:
    assert judge_status(status).verdict is not Verdict.SKIPPED


@pytest.mark.parametrize(
    ("status", "permanence"), [(400, "hard"), (408, "transient"), (421, "transient"), (425, "transient")]
)
def test_client_errors_that_pass_are_transient(status: int, permanence: str) -> None:
    assert judge_status(status) == Judgement(Verdict.BROKEN, Reason.HTTP_4XX, Permanence(permanence))


@pytest.mark.parametrize(
    ("status", "headers", "reason"),
    [
        (403, {"cf-mitigated": "challenge"}, Reason.BOT_CHALLENGE),
        (503, {"cf-mitigated": "challenge", "retry-after": "5"}, Reason.BOT_CHALLENGE),
        (429, {"x-vercel-mitigated": "challenge"}, Reason.BOT_CHALLENGE),
        (403, {"x-datadome": "protected"}, Reason.BOT_CHALLENGE),
        (200, {"x-datadome": "protected"}, Reason.OK),
        (202, {"x-amzn-waf-action": "challenge"}, Reason.BOT_CHALLENGE),
        (405, {"x-amzn-waf-action": "captcha"}, Reason.BOT_CHALLENGE),
        (503, {"retry-after": "120"}, Reason.SERVICE_UNAVAILABLE),
        (500, {"retry-after": "120"}, Reason.HTTP_5XX),
        (404, {"retry-after": "120"}, Reason.HTTP_404),
    ],
)
def test_headers_say_who_answered(status: int, headers: dict[str, str], reason: Reason) -> None:
    assert judge_status(status, headers).reason is reason


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        (Fault(1, Phase.REQUEST, "Received HTTP/0.9 when not allowed"), Reason.PROTOCOL_ERROR),
        (Fault(3, Phase.DNS), Reason.URL_INVALID),
        (Fault(6, Phase.DNS), Reason.DNS_NXDOMAIN),
        (Fault(7, Phase.CONNECT, os_errno=errno.ECONNREFUSED), Reason.CONNECTION_REFUSED),
        (Fault(7, Phase.CONNECT, os_errno=errno.ECONNRESET), Reason.CONNECTION_RESET),
        (Fault(7, Phase.CONNECT, os_errno=errno.ENETUNREACH), Reason.NETWORK_UNREACHABLE),
        (Fault(7, Phase.CONNECT, os_errno=errno.EHOSTUNREACH), Reason.NETWORK_UNREACHABLE),
        (Fault(7, Phase.CONNECT, os_errno=errno.ETIMEDOUT), Reason.TIMEOUT_CONNECT),
        (Fault(7, Phase.CONNECT, os_errno=errno.EMFILE), Reason.CHECKER_ERROR),
        (Fault(8, Phase.REQUEST, "Weird server reply"), Reason.PROTOCOL_ERROR),
        (Fault(18, Phase.BODY), Reason.BODY_INCOMPLETE),
        (Fault(28, Phase.DNS), Reason.DNS_TIMEOUT),
        (Fault(28, Phase.CONNECT), Reason.TIMEOUT_CONNECT),
        (Fault(28, Phase.TLS), Reason.TIMEOUT_TLS),
        (Fault(28, Phase.REQUEST), Reason.TIMEOUT_TTFB),
        (Fault(28, Phase.BODY), Reason.TIMEOUT_TOTAL),
        (Fault(35, Phase.TLS, "wrong version number"), Reason.TLS_HANDSHAKE),
        (Fault(52, Phase.REQUEST, "Empty reply from server"), Reason.CONNECTION_CLOSED),
        (Fault(55, Phase.REQUEST, os_errno=errno.EPIPE), Reason.CONNECTION_RESET),
        (Fault(56, Phase.REQUEST, "Recv failure: Connection reset by peer"), Reason.CONNECTION_RESET),
        (Fault(56, Phase.REQUEST, os_errno=errno.ECONNRESET), Reason.CONNECTION_RESET),
        (Fault(56, Phase.REQUEST, "SSL_read: unexpected eof while reading"), Reason.CONNECTION_CLOSED),
        (Fault(56, Phase.REQUEST, "Too large response headers"), Reason.PROTOCOL_ERROR),
        (Fault(56, Phase.BODY, "Recv failure: Connection reset by peer"), Reason.BODY_INCOMPLETE),
        (Fault(60, Phase.TLS, tls_verify=10), Reason.TLS_EXPIRED),
        (
            Fault(60, Phase.TLS, "SSL: no alternative certificate subject name matches target hostname", tls_verify=1),
            Reason.TLS_HOSTNAME_MISMATCH,
        ),
        (Fault(60, Phase.TLS, tls_verify=62), Reason.TLS_HOSTNAME_MISMATCH),
        (Fault(60, Phase.TLS, tls_verify=18), Reason.TLS_UNTRUSTED),
        (Fault(60, Phase.TLS, tls_verify=20), Reason.TLS_UNTRUSTED),
        (Fault(60, Phase.TLS, tls_verify=9), Reason.TLS_UNTRUSTED),
        (Fault(61, Phase.BODY), Reason.PROTOCOL_ERROR),
        (Fault(27, Phase.CONNECT, "Out of memory"), Reason.CHECKER_ERROR),
        (Fault(77, Phase.TLS, "error setting certificate file"), Reason.CHECKER_ERROR),
    ],
)
def test_every_fault_has_its_reason(fault: Fault, reason: Reason) -> None:
    assert judge_fault(fault) is reason


BROKE_OFF = Fault(18, Phase.BODY, "transfer closed with 10 bytes remaining")
TLS_EOF = Fault(56, Phase.BODY, "SSL_read: unexpected eof while reading")
TOO_SLOW = Fault(28, Phase.BODY, "Operation timed out")


@pytest.mark.parametrize(
    ("seen", "reason"),
    [
        (Observation(200), Reason.OK),
        (Observation(404), Reason.HTTP_404),
        (Observation(200, fault=BROKE_OFF), Reason.BODY_INCOMPLETE),
        (Observation(404, fault=BROKE_OFF), Reason.HTTP_404),
        (Observation(503, {"retry-after": "1"}, BROKE_OFF), Reason.SERVICE_UNAVAILABLE),
        (Observation(200, fault=TLS_EOF), Reason.OK),
        (Observation(200, {"content-length": "100"}, TLS_EOF), Reason.BODY_INCOMPLETE),
        (Observation(200, {"transfer-encoding": "chunked"}, TLS_EOF), Reason.BODY_INCOMPLETE),
        (Observation(200, {"content-type": "text/html"}, TOO_SLOW), Reason.TIMEOUT_TOTAL),
        (Observation(200, {"content-type": "text/event-stream; charset=utf-8"}, TOO_SLOW), Reason.OK),
        (Observation(200, {"content-type": "Audio/mpeg"}, TOO_SLOW), Reason.OK),
        (Observation(0, fault=Fault(52, Phase.REQUEST)), Reason.CONNECTION_CLOSED),
        (Observation(200, redirects=(302,)), Reason.REDIRECTED_TEMPORARY),
        (Observation(200, redirects=(301, 308)), Reason.REDIRECTED_PERMANENT),
        (Observation(404, redirects=(301,)), Reason.HTTP_404),
        (Observation(403, redirects=(302,)), Reason.FORBIDDEN),
        (Observation(302, redirects=(302,), hindrance=Reason.REDIRECT_LOOP), Reason.REDIRECT_LOOP),
        (Observation(302, redirects=(302,), hindrance=Reason.BLOCKED_ADDRESS), Reason.BLOCKED_ADDRESS),
        (Observation(hindrance=Reason.DNS_NXDOMAIN), Reason.DNS_NXDOMAIN),
    ],
)
def test_a_check_is_judged_by_all_that_it_saw(seen: Observation, reason: Reason) -> None:
    assert judge(seen) == JUDGEMENTS[reason]


@pytest.mark.parametrize(
    ("seen", "settled"),
    [
        (Observation(200), True),
        (Observation(204), True),
        (Observation(200, redirects=(302,)), True),
        (Observation(429), True),
        (Observation(202, {"x-amzn-waf-action": "challenge"}), False),
        (Observation(401), False),
        (Observation(403), False),
        (Observation(404), False),
        (Observation(405), False),
        (Observation(410), False),
        (Observation(500), False),
        (Observation(503, {"retry-after": "5"}), False),
        (Observation(fault=Fault(28, Phase.CONNECT)), True),
        (Observation(fault=Fault(28, Phase.REQUEST)), True),
        (Observation(fault=Fault(7, Phase.CONNECT)), True),
        (Observation(fault=Fault(35, Phase.TLS)), True),
        (Observation(fault=Fault(60, Phase.TLS)), True),
        (Observation(fault=Fault(52, Phase.REQUEST)), False),
        (Observation(fault=Fault(56, Phase.REQUEST)), False),
        (Observation(fault=Fault(1, Phase.REQUEST)), False),
        (Observation(hindrance=Reason.DNS_NXDOMAIN), True),
        (Observation(hindrance=Reason.BLOCKED_ADDRESS), True),
        (Observation(302, hindrance=Reason.REDIRECT_LOOP), False),
        (Observation(302, hindrance=Reason.REDIRECT_BLOCKED_SCHEME), False),
    ],
)
def test_what_a_head_brought_is_believed_only_where_a_get_could_not_differ(seen: Observation, settled: bool) -> None:
    assert head_settles(seen) is settled


@pytest.mark.parametrize(
    ("statuses", "permanent"),
    [((301,), True), ((308, 301), True), ((302,), False), ((303,), False), ((307,), False), ((301, 302), False)],
)
def test_a_chain_is_permanent_only_when_every_hop_is(statuses: tuple[int, ...], permanent: bool) -> None:
    assert (judge_redirects(statuses) is Reason.REDIRECTED_PERMANENT) is permanent


@pytest.mark.parametrize(
    ("eai", "elapsed_s", "reason"),
    [
        (socket.EAI_NONAME, 0.1, Reason.DNS_NXDOMAIN),
        (socket.EAI_NODATA, 0.1, Reason.DNS_NXDOMAIN),
        (socket.EAI_AGAIN, 0.1, Reason.DNS_SERVFAIL),
        (socket.EAI_AGAIN, 10.0, Reason.DNS_TIMEOUT),
        (socket.EAI_FAIL, 0.1, Reason.DNS_SERVFAIL),
        (socket.EAI_MEMORY, 0.1, Reason.CHECKER_ERROR),
        (socket.EAI_SYSTEM, 0.1, Reason.CHECKER_ERROR),
    ],
)
def test_a_name_that_does_not_resolve_says_why(eai: int, elapsed_s: float, reason: Reason) -> None:
    assert judge_lookup(eai, elapsed_s) is reason


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("120", 120.0),
        (" 0 ", 0.0),
        ("9" * 400, 999_999_999.0),
        (format_datetime(NOW + timedelta(seconds=90), usegmt=True), 90.0),
        ("Sunday, 06-Nov-94 08:49:37 GMT", 0.0),
        ("soon", None),
        ("-5", None),
        ("1.5", None),
        ("٣", None),
        ("", None),
    ],
)
def test_retry_after_is_read_in_both_forms(value: str, seconds: float | None) -> None:
    assert retry_after_s(value, NOW) == seconds


def test_reasons_are_written_as_stable_plain_words() -> None:
    assert all(re.fullmatch(r"[a-z0-9_]+", reason) for reason in Reason)
