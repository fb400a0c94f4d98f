"""Why a link is broken, and what to do about it, in words for people."""

from __future__ import annotations

from dataclasses import dataclass
from http import HTTPStatus


@dataclass(frozen=True)
class Explanation:
    """Two sentences: what was seen, and what helps."""

    why: str
    remedy: str


GONE = "Correct the address where the link is used, or remove the link; if the page has moved, link to its new place."
OWNER = "If the site is yours, look at its server; if not, wait: you are told when the link works again."
NAME = "Check the spelling of the host name, and whether its registration has run out."
CERTIFICATE = "If the site is yours, renew or correct its certificate; if not, tell its owner, or remove the link."
REDIRECT = "If the site is yours, correct its redirects; if not, open the page by hand and link to where it now is."
ADDRESS = "Correct the address where the link is used."

REASONS = {
    "http_404": Explanation("The server says that there is no such page", GONE),
    "http_410": Explanation("The server says that the page is gone for good", GONE),
    "http_4xx": Explanation("The server refused the request", GONE),
    "dns_nxdomain": Explanation("The host name does not exist, or leads to no server", NAME),
    "url_invalid": Explanation("The address cannot be read as a URL", ADDRESS),
    "tls_expired": Explanation("The site's certificate has expired", CERTIFICATE),
    "tls_hostname_mismatch": Explanation("The site's certificate was issued for another host name", CERTIFICATE),
    "tls_untrusted": Explanation("The site's certificate was issued by nobody who is trusted", CERTIFICATE),
    "redirect_loop": Explanation("The redirects lead in a circle", REDIRECT),
    "redirect_limit": Explanation("There are too many redirects, one after another", REDIRECT),
    "redirect_invalid": Explanation("The redirect leads to something that is no address", REDIRECT),
    "redirect_blocked_scheme": Explanation("The redirect leads to something that is no web page", REDIRECT),
    "assertion_failed": Explanation("The page came, but not with what it must contain", OWNER),
    "http_5xx": Explanation("The server failed", OWNER),
    "timeout_connect": Explanation("The server could not be reached in time", OWNER),
    "timeout_tls": Explanation("The server did not finish the secure connection in time", OWNER),
    "timeout_ttfb": Explanation("The server took the request and did not begin to answer in time", OWNER),
    "timeout_total": Explanation("The server did not finish its answer in time", OWNER),
    "dns_timeout": Explanation("The name servers of the host did not answer", OWNER),
    "dns_servfail": Explanation("The name servers of the host failed", OWNER),
    "connection_refused": Explanation("Nothing answers at this address: the connection was refused", OWNER),
    "connection_reset": Explanation("The server broke the connection", OWNER),
    "connection_closed": Explanation("The server closed the connection without an answer", OWNER),
    "network_unreachable": Explanation("There is no way to the server's network", OWNER),
    "tls_handshake": Explanation("No secure connection could be agreed on with the server", OWNER),
    "protocol_error": Explanation("The server's answer is not HTTP", OWNER),
    "body_incomplete": Explanation("The server broke off in the middle of its answer", OWNER),
}


def explain(reason: str, status_code: int | None) -> Explanation:
    """What a reason means; one that is not known yet is told by its name."""
    known = REASONS.get(reason) or Explanation(f"The check ended with {reason.replace('_', ' ')}", OWNER)
    return Explanation(f"{known.why}{_status(status_code)}.", known.remedy)


def _status(code: int | None) -> str:
    if code is None:
        return ""
    try:
        return f" (HTTP {code} {HTTPStatus(code).phrase})"
    except ValueError:
        return f" (HTTP {code})"
