"""Every behaviour of the behaviour server, with the judgement it deserves."""

from __future__ import annotations

from dataclasses import dataclass

from tasks.links.options import CheckOptions
from tasks.links.verdict import Verdict


@dataclass(frozen=True)
class Behaviour:
    """A URL's behaviour and the judgement it deserves.

    `listener` is where it lives (see `BehaviourServer.bases`); `slow` ones cost a time-out to find out. The verdict
    is that of a first check, which starts with HEAD; `full` is the reason that a GET gives where it differs. Some need
    `options` of the link, or `settings` of the engine.
    """

    listener: str
    path: str
    verdict: str
    reason: str
    permanence: str | None = None
    slow: bool = False
    full: str | None = None
    options: CheckOptions | None = None
    settings: tuple[tuple[str, object], ...] = ()


SLOW = (("slow_ms", 300.0),)
HTTPS = (("suggest_https", True),)
SOFT_404 = (("soft_404", True),)
ROBOTS = (("robots", True),)
NO_FRAGMENTS = (("fragments", False),)


def plain(path: str, verdict: str, reason: str, permanence: str | None = None, **more: object) -> Behaviour:
    return Behaviour("plain", path, verdict, reason, permanence, **more)  # type: ignore[arg-type]


def found(path: str) -> Behaviour:
    """An article with what its fragment promises."""
    return plain(path, "ok", "ok")


def lacking(path: str, text: bool = False) -> Behaviour:
    return plain(path, "degraded", "text_fragment_missing" if text else "fragment_missing")


def kept(path: str, **options: object) -> Behaviour:
    """An answer that is as the link's options expect it."""
    return plain(path, "ok", "ok", options=CheckOptions(**options))  # type: ignore[arg-type]


def unkept(path: str, **options: object) -> Behaviour:
    return plain(path, "broken", "assertion_failed", "hard", options=CheckOptions(**options))  # type: ignore[arg-type]


BEHAVIOURS = (
    Behaviour("plain", "/ok", "ok", "ok"),
    Behaviour("plain", "/ok/päge with space?q=ü#here", "ok", "ok"),
    Behaviour("plain", "/status/204", "ok", "ok"),
    Behaviour("plain", "/status/206", "ok", "ok"),
    Behaviour("plain", "/status/300", "ok", "ok"),
    Behaviour("plain", "/status/304", "broken", "protocol_error", "transient"),
    Behaviour("plain", "/status/400", "broken", "http_4xx", "hard"),
    Behaviour("plain", "/status/401", "inconclusive", "auth_required"),
    Behaviour("plain", "/status/402", "inconclusive", "payment_required"),
    Behaviour("plain", "/status/403", "inconclusive", "forbidden"),
    Behaviour("plain", "/status/404", "broken", "http_404", "hard"),
    Behaviour("plain", "/status/405", "broken", "http_4xx", "hard"),
    Behaviour("plain", "/status/407", "inconclusive", "auth_required"),
    Behaviour("plain", "/status/408", "broken", "http_4xx", "transient"),
    Behaviour("plain", "/status/410", "broken", "http_410", "hard"),
    Behaviour("plain", "/status/418", "broken", "http_4xx", "hard"),
    Behaviour("plain", "/status/451", "inconclusive", "legal"),
    Behaviour("plain", "/status/500", "broken", "http_5xx", "transient"),
    Behaviour("plain", "/status/502", "broken", "http_5xx", "transient"),
    Behaviour("plain", "/status/503", "broken", "http_5xx", "transient"),
    Behaviour("plain", "/status/522", "broken", "http_5xx", "transient"),
    Behaviour("plain", "/status/999", "inconclusive", "bot_challenge"),
    Behaviour("plain", "/rate-limited", "inconclusive", "rate_limited"),
    Behaviour("plain", "/unavailable", "inconclusive", "service_unavailable"),
    Behaviour("plain", "/challenge", "inconclusive", "bot_challenge"),
    Behaviour("plain", "/aws-challenge", "inconclusive", "bot_challenge"),
    Behaviour("head", "/head/405", "ok", "ok"),
    Behaviour("head", "/head/404", "ok", "ok"),
    Behaviour("head", "/head/403", "ok", "ok"),
    Behaviour("head", "/head/500", "ok", "ok"),
    Behaviour("head", "/head-reset", "ok", "ok"),
    Behaviour("plain", "/head-body", "ok", "ok"),
    Behaviour("plain", "/early-hints", "ok", "ok"),
    Behaviour("plain", "/bare-lf", "ok", "ok"),
    Behaviour("plain", "/only-hints", "broken", "connection_closed", "transient"),
    Behaviour("plain", "/flaky", "ok", "ok"),
    Behaviour("plain", "/redirect/1/301", "degraded", "redirected_permanent"),
    Behaviour("plain", "/redirect/3/308", "degraded", "redirected_permanent"),
    Behaviour("plain", "/redirect/1/302", "ok", "redirected_temporary"),
    Behaviour("plain", "/redirect/2/303", "ok", "redirected_temporary"),
    Behaviour("plain", "/redirect/10/307", "ok", "redirected_temporary"),
    Behaviour("plain", "/redirect/11/302", "broken", "redirect_limit", "hard"),
    Behaviour("plain", "/redirect-endless/0", "broken", "redirect_limit", "hard"),
    Behaviour("plain", "/redirect-mixed", "ok", "redirected_temporary"),
    Behaviour("plain", "/redirect-loop", "broken", "redirect_loop", "hard"),
    Behaviour("plain", "/cookie-wall/302", "ok", "redirected_temporary"),
    Behaviour("plain", "/cookie-wall/301", "ok", "redirected_temporary"),
    Behaviour("plain", "/redirect-to/301?url=/cookie-wall/301", "ok", "redirected_temporary"),
    Behaviour("plain", "/zstd", "ok", "ok"),
    Behaviour("plain", "/zstd#part", "ok", "ok"),
    Behaviour("plain", "/cookie-mill", "broken", "redirect_limit", "hard"),
    Behaviour("plain", "/cookie-refused", "broken", "redirect_loop", "hard"),
    Behaviour("plain", "/redirect-nowhere", "broken", "redirect_invalid", "hard"),
    Behaviour("plain", "/redirect-to/302?url=http://[bad", "broken", "redirect_invalid", "hard"),
    Behaviour("plain", "/redirect-to/302?url=file:///etc/passwd", "broken", "redirect_blocked_scheme", "hard"),
    Behaviour("plain", "/redirect-to/301?url=ftp://127.0.0.1/", "broken", "redirect_blocked_scheme", "hard"),
    Behaviour("plain", "/redirect-to/302?url=http://10.0.0.1/", "skipped", "blocked_address"),
    Behaviour("plain", "/redirect-to/302?url=http://169.254.169.254/latest", "skipped", "blocked_address"),
    Behaviour("plain", "/redirect-to/302?url=http://[::ffff:a00:1]/", "skipped", "blocked_address"),
    Behaviour("plain", "/redirect-to/302?url=http://gone.invalid/", "broken", "dns_nxdomain", "hard"),
    Behaviour("plain", "/redirect-to/302?url=/status/404", "broken", "http_404", "hard"),
    Behaviour("plain", "/redirect-to/301?url=/status/403", "inconclusive", "forbidden"),
    Behaviour("plain", "/reset", "broken", "connection_reset", "transient"),
    Behaviour("plain", "/close", "broken", "connection_closed", "transient"),
    Behaviour("plain", "/reset-after-headers", "ok", "ok", full="body_incomplete"),
    Behaviour("plain", "/reset-mid-body", "ok", "ok", full="body_incomplete"),
    Behaviour("plain", "/truncated", "ok", "ok", full="body_incomplete"),
    Behaviour("plain", "/truncated-chunked", "ok", "ok", full="body_incomplete"),
    Behaviour("plain", "/truncated-404", "broken", "http_404", "hard"),
    Behaviour("plain", "/undelimited", "ok", "ok"),
    Behaviour("plain", "/slow-headers", "broken", "timeout_ttfb", "transient", slow=True),
    Behaviour("plain", "/slow-body", "ok", "ok", slow=True, full="timeout_total"),
    Behaviour("plain", "/event-stream", "ok", "ok", slow=True),
    Behaviour("plain", "/garbage", "broken", "protocol_error", "transient"),
    Behaviour("plain", "/huge-headers", "broken", "protocol_error", "transient"),
    Behaviour("plain", "/endless-headers", "broken", "protocol_error", "transient"),
    Behaviour("plain", "/gzip", "ok", "ok"),
    Behaviour("plain", "/bad-gzip", "ok", "ok", full="protocol_error"),
    Behaviour("plain", "/gzip-bomb", "ok", "ok"),
    Behaviour("plain", "/endless", "ok", "ok"),
    Behaviour("plain", "/big", "ok", "ok"),
    plain("/limited/429", "inconclusive", "rate_limited"),
    plain("/limited/429?after=Fri,%2031%20Dec%202100%2023:59:59%20GMT", "inconclusive", "rate_limited"),
    plain("/limited/429?after=soon", "inconclusive", "rate_limited"),
    plain("/limited/503?after=0", "inconclusive", "service_unavailable"),
    plain("/limited/503?after=120", "inconclusive", "service_unavailable"),
    plain("/limited/500?after=120", "broken", "http_5xx", "transient"),
    plain("/http10", "ok", "ok"),
    plain("/http09", "broken", "protocol_error", "transient"),
    plain("/bad-status-line", "broken", "protocol_error", "transient"),
    plain("/bad-length", "broken", "protocol_error", "transient"),
    plain("/bad-chunk", "ok", "ok", full="body_incomplete"),
    plain("/trailers", "ok", "ok"),
    plain("/no-content-type", "ok", "ok"),
    plain("/location/slashes", "broken", "connection_refused", "transient"),
    plain("/location/query", "broken", "redirect_loop", "hard"),
    plain("/location/dots", "ok", "redirected_temporary"),
    plain("/location/spaces", "ok", "redirected_temporary"),
    plain("/location/umlaut", "ok", "redirected_temporary"),
    plain("/location/backslash", "ok", "redirected_temporary"),
    plain("/location/userinfo", "ok", "redirected_temporary"),
    plain("/location/upper", "ok", "redirected_temporary"),
    plain("/location/data", "broken", "redirect_blocked_scheme", "hard"),
    plain("/location/javascript", "broken", "redirect_blocked_scheme", "hard"),
    plain("/location/mailto", "broken", "redirect_blocked_scheme", "hard"),
    plain("/location/self", "broken", "redirect_loop", "hard"),
    plain("/location/port", "broken", "redirect_invalid", "hard"),
    found("/article#here"),
    found("/article#menu"),
    found("/article#"),
    found("/article#top"),
    found("/article#TOP"),
    found("/article#%C3%BCbung"),
    found("/article#übung"),
    found("/article#with%20space"),
    found("/article#readme"),
    found("/article#/a/route"),
    found("/article#!hash-bang"),
    found("/article#tab=two"),
    found("/article#L10-L20"),
    found("/article-gzip#here"),
    found("/article-latin1#%C3%BCbung"),
    found("/article-long#first"),
    found("/article-long#last"),
    found("/script#part"),
    found("/pdf#page-3"),
    lacking("/article#gone"),
    lacking("/article#Here"),
    lacking("/article-gzip#gone"),
    lacking("/redirect-to/301?url=/article#gone"),
    plain("/redirect-to/302?url=/article#here", "ok", "redirected_temporary"),
    plain("/redirect-to/301?url=/article#here", "degraded", "redirected_permanent"),
    plain("/location/fragment#gone", "ok", "redirected_temporary"),
    plain("/status/404#here", "broken", "http_404", "hard"),
    plain("/article#gone", "ok", "ok", settings=NO_FRAGMENTS),
    found("/article#:~:text=quick%20brown%20fox"),
    found("/article#:~:text=The%20Quick"),
    found("/article#:~:text=the-,quick,-brown"),
    found("/article#:~:text=quick,dog"),
    found("/article#:~:text=software"),
    found("/article#here:~:text=And%20so%20on%2C,-says"),
    found("/article#:~:text=zo%C3%AB&text=of%20foxes"),
    found("/article#:~:unknown=directive"),
    lacking("/article#:~:text=slow%20brown%20fox", text=True),
    lacking("/article#:~:text=uick", text=True),
    lacking("/article#:~:text=a-,quick", text=True),
    lacking("/article#:~:text=quick,-red", text=True),
    lacking("/article#:~:text=dog,quick", text=True),
    lacking("/article#:~:text=never%20seen", text=True),
    lacking("/article#:~:text=quick&text=gone", text=True),
    lacking("/article#gone:~:text=quick"),
    plain("/redirect-to/301?url=/", "degraded", "redirect_to_root"),
    plain("/redirect-to/302?url=/", "degraded", "redirect_to_root"),
    plain("/redirect-to/301?url=/index.html", "degraded", "redirect_to_root"),
    plain("/redirect-to/302?url=/?page=5", "ok", "redirected_temporary"),
    plain("/redirect-to/302?url=/%23/page", "ok", "redirected_temporary"),
    plain("/index.html", "degraded", "redirected_permanent"),
    plain("/de", "ok", "redirected_temporary"),
    Behaviour("tls-expiring", "/ok", "degraded", "tls_expiring"),
    Behaviour("tls-expiring", "/status/404", "broken", "http_404", "hard"),
    Behaviour("tls-expiring", "/redirect/1/301", "degraded", "tls_expiring"),
    Behaviour("tls-expiring", "/ok", "ok", "ok", settings=(("tls_warn_days", 2.0),)),
    plain("/pause/400", "degraded", "slow", settings=SLOW),
    plain("/ok", "ok", "ok", settings=SLOW),
    Behaviour("both", "/ok", "degraded", "insecure_http", settings=HTTPS),
    Behaviour("both", "/redirect/1/301", "degraded", "redirected_permanent", settings=HTTPS),
    Behaviour("both", "/status/404", "broken", "http_404", "hard", settings=HTTPS),
    plain("/ok", "ok", "ok", settings=HTTPS),
    Behaviour("tls", "/ok", "ok", "ok", settings=HTTPS),
    plain("/soft/gone", "degraded", "soft_404_suspected", settings=SOFT_404),
    plain("/soft/gone-too?id=5", "degraded", "soft_404_suspected", settings=SOFT_404),
    plain("/soft-moved/gone", "degraded", "soft_404_suspected", settings=SOFT_404),
    plain("/soft/real", "ok", "ok", settings=SOFT_404),
    plain("/soft/real#gone", "degraded", "fragment_missing", settings=SOFT_404),
    plain("/article", "ok", "ok", settings=SOFT_404),
    plain("/", "ok", "ok", settings=SOFT_404),
    plain("/script/page", "ok", "ok", settings=SOFT_404),
    plain("/members/page", "ok", "ok", settings=SOFT_404),
    plain("/status/404", "broken", "http_404", "hard", settings=SOFT_404),
    Behaviour("robots-deny", "/ok", "inconclusive", "robots_disallowed", settings=ROBOTS),
    Behaviour("robots-deny", "/redirect-to/302?url=/ok", "inconclusive", "robots_disallowed", settings=ROBOTS),
    Behaviour("robots-deny", "/status/200", "ok", "ok", settings=ROBOTS),
    Behaviour("robots-deny", "/ok", "ok", "ok"),
    Behaviour("robots-agent", "/status/200", "inconclusive", "robots_disallowed", settings=ROBOTS),
    Behaviour("robots-moved", "/ok", "inconclusive", "robots_disallowed", settings=ROBOTS),
    Behaviour("robots-other", "/ok", "ok", "ok", settings=ROBOTS),
    Behaviour("robots-garbage", "/ok", "ok", "ok", settings=ROBOTS),
    Behaviour("robots-403", "/ok", "ok", "ok", settings=ROBOTS),
    Behaviour("robots-500", "/ok", "ok", "ok", settings=ROBOTS),
    Behaviour("robots-slow", "/ok", "ok", "ok", slow=True, settings=ROBOTS),
    Behaviour("refused", "/", "broken", "connection_refused", "transient", settings=ROBOTS),
    plain("/ok", "ok", "ok", settings=ROBOTS),
    plain("/status/403", "ok", "forbidden", options=CheckOptions(verdicts={"403": Verdict.OK})),
    plain("/status/404", "degraded", "http_404", options=CheckOptions(verdicts={"404": Verdict.DEGRADED})),
    plain("/status/500", "inconclusive", "http_5xx", options=CheckOptions(verdicts={"5xx": Verdict.INCONCLUSIVE})),
    plain("/status/410", "skipped", "http_410", options=CheckOptions(verdicts={"4xx": Verdict.SKIPPED})),
    plain("/close", "broken", "connection_closed", "transient", options=CheckOptions(verdicts={"5xx": Verdict.OK})),
    unkept("/status/202", verdicts={"202": Verdict.BROKEN}),
    kept("/redirect/1/301", accepted_redirects=("/redirect/0/",)),
    kept("/redirect-to/302?url=/", accepted_redirects=("/$",)),
    unkept("/redirect/1/302", accepted_redirects=("/elsewhere$",)),
    kept("/ok", accepted_redirects=("/elsewhere$",)),
    kept("/article", required_text=("quick brown fox",)),
    kept("/article", required_text=("never seen",)),
    unkept("/article", required_text=("slow brown fox",)),
    kept("/article", forbidden_text=("slow brown fox",)),
    unkept("/article", forbidden_text=("lazy",)),
    plain("/status/404", "broken", "http_404", "hard", options=CheckOptions(forbidden_text=("Page",))),
    kept("/json", required_headers={"X-Version": r"^2\.", "content-type": "json"}),
    kept("/json", required_headers={"X-Version": ""}),
    unkept("/json", required_headers={"X-Version": "^3"}),
    unkept("/json", required_headers={"X-Missing": ""}),
    kept("/json", json_values={"status.ok": True, "items.0.name": "first", "status.load": 0.5, "none": None}),
    unkept("/json", json_values={"status.ok": 1}),
    unkept("/json", json_values={"items.1.name": "first"}),
    unkept("/article", json_values={"status": "ok"}),
    kept("/needs-token", request_headers={"X-Token": "sesame"}),
    kept("/needs-login", request_headers={"Authorization": "Basic dXNlcjpzZWNyZXQ="}),
    plain("/needs-login", "inconclusive", "auth_required"),
    Behaviour(
        "both",
        "/redirect-to/302?url={plain}/needs-token",
        "inconclusive",
        "forbidden",
        options=CheckOptions(request_headers={"X-Token": "sesame"}),
    ),
    plain("/head/405", "broken", "http_4xx", "hard", options=CheckOptions(method="HEAD")),
    kept("/head/405", method="GET"),
    plain("/pause/500", "broken", "timeout_ttfb", "transient", slow=True, options=CheckOptions(timeout_s=0.2)),
    plain("/ok", "skipped", "checker_error", options=CheckOptions(accepted_redirects=("(",))),
    Behaviour("slam", "/", "broken", "connection_reset", "transient"),
    Behaviour("refused", "/", "broken", "connection_refused", "transient"),
    Behaviour("blackhole", "/", "broken", "timeout_connect", "transient", slow=True),
    Behaviour("silent", "/", "broken", "timeout_ttfb", "transient", slow=True),
    Behaviour("tls", "/ok", "ok", "ok"),
    Behaviour("tls", "/redirect/1/301", "degraded", "redirected_permanent"),
    Behaviour("tls", "/status/404", "broken", "http_404", "hard"),
    Behaviour("tls", "/undelimited", "ok", "ok"),
    Behaviour("tls", "/truncated", "ok", "ok", full="body_incomplete"),
    Behaviour("tls-expired", "/ok", "broken", "tls_expired", "hard"),
    Behaviour("tls-hostname", "/ok", "broken", "tls_hostname_mismatch", "hard"),
    Behaviour("tls-untrusted", "/ok", "broken", "tls_untrusted", "hard"),
    Behaviour("tls-handshake", "/ok", "broken", "tls_handshake", "transient"),
    Behaviour("tls-silent", "/ok", "broken", "timeout_tls", "transient", slow=True),
    Behaviour("nxdomain", "/", "broken", "dns_nxdomain", "hard"),
    Behaviour("metadata", "/latest", "skipped", "blocked_address"),
    Behaviour("private", "/", "skipped", "blocked_address"),
    Behaviour("mapped", "/", "skipped", "blocked_address"),
    Behaviour("ftp", "/file", "skipped", "unsupported_scheme"),
)
