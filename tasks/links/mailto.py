"""mailto links (RFC 6068): whose mail servers they rely on."""

from __future__ import annotations

import re
from collections.abc import Iterator
from ipaddress import ip_address
from urllib.parse import unquote

from tasks import urls

# Each is a question to the DNS, and a link costs no more than so many.
MOST_DOMAINS = 20

_RECEIVERS = ("to", "cc", "bcc")
_QUOTED = re.compile(r'"[^"]*"')
_IMPOSSIBLE = re.compile(r"[\s/?#:@\\%<>()\[\]]")


class InvalidMailto(ValueError):  # reads as what it is, as InvalidUrl
    """The link cannot be written to; the message says why."""


def domains_of(url: str) -> tuple[str, ...]:
    """Return the domains that a normalised mailto URL sends to, each once, in ASCII, at most MOST_DOMAINS.

    None where it leaves the address to the reader (`?subject=…` alone), or gives IP addresses. Raises InvalidMailto.
    """
    receivers, asks, fields = url.removeprefix("mailto:").partition("#")[0].partition("?")
    domains = [_domain(address) for text in (receivers, *_received(fields)) for address in _addresses(text)]
    if not (domains or asks):
        raise InvalidMailto("has no mail address; write mailto:name@example.com")
    return tuple(dict.fromkeys(domain for domain in domains if domain))[:MOST_DOMAINS]


def _received(fields: str) -> Iterator[str]:
    for field in fields.split("&"):
        name, _, value = field.partition("=")
        if unquote(name).lower() in _RECEIVERS:
            yield value


def _addresses(text: str) -> Iterator[str]:
    # Many write the comma between addresses as %2C, which RFC 6068 keeps for those in quotes.
    for part in _QUOTED.sub("_", unquote(text)).split(","):
        address = part.strip()
        if address.endswith(">"):
            address = address[:-1].rpartition("<")[2]
        if address:
            yield address


def _domain(address: str) -> str:
    """The domain as the DNS has it; nothing for an IP address, which needs no DNS."""
    name, _, domain = address.rpartition("@")
    if not (name and domain):
        raise InvalidMailto(f"has no domain in {urls.excerpt(address)}; write name@example.com")
    if domain.startswith("[") and domain.endswith("]") and _is_ip(domain[1:-1]):
        return ""
    try:
        host = "" if _IMPOSSIBLE.search(domain) else urls.host_of(urls.normalise(f"http://{domain}/"))
    except urls.InvalidUrl:
        host = ""
    host = host.removesuffix(".")
    if not _is_possible(host):
        raise InvalidMailto(f"has an impossible domain in {urls.excerpt(address)}")
    return host


def _is_ip(text: str) -> bool:
    try:
        ip_address(re.sub("^IPv6:", "", text, flags=re.IGNORECASE))
    except ValueError:
        return False
    return True


def _is_possible(host: str) -> bool:
    labels = host.split(".")
    return len(host) <= 253 and not urls.is_literal(host) and all(0 < len(label) <= 63 for label in labels)
