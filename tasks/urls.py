"""URLs as browsers read them: one normal form, so that the same link is stored and fetched once."""

import re

from ada_url import URL

LONGEST_URL = 8192

_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.\-]*:")
_HOST_AND_PORT = re.compile(r"(?:localhost|[^/?#:]*\.[^/?#:]*):\d+(?:[/?#]|$)", re.IGNORECASE)

# Most URLs are in their normal form already, and seeing that costs a tenth of taking one apart. What is not surely
# so is left out: `xn--`, a last label that may be a number, a default port, segments that begin with a dot. Possessive
# quantifiers would say the same, but Python 3.11 before its fourth patch gets them wrong.
_NAME = r"(?:(?!xn--)[a-z0-9][a-z0-9-]*\.)*(?!xn--)[a-z][a-z0-9-]*"
_OCTET = r"(?:25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])"
_HOST = rf"(?:{_NAME}|{_OCTET}(?:\.{_OCTET}){{3}})"
_PORT = r"(?:[1-5][0-9]{4}|[1-9][0-9]{0,3})"
_WORD = r"A-Za-z0-9._~!$&()*+,;=:@%\-"
_NORMAL = re.compile(
    rf"(?:http://{_HOST}(?::(?!80/){_PORT})?|https://{_HOST}(?::(?!443/){_PORT})?)"
    rf"(?:/(?!\.|%2[eE])[{_WORD}]*)+(?:\?[{_WORD}/?]*)?(?:#[{_WORD}/?]*)?"
)


class InvalidUrl(ValueError):  # reads as what it is: not every refusal is an error
    """The text is not a URL that can be checked; the message says what to write instead."""


def normalise(text: str) -> str:
    """Return the WHATWG serialisation of an absolute URL, at most 8,192 characters long.

    White space around it is dropped, scheme and host are lower-cased, the host is written in ASCII (IDNA,
    canonical IP addresses), the scheme's default port is dropped, dot segments are resolved, and what must be
    percent-encoded is. The query keeps its order and the fragment is kept; nothing else changes. Raises InvalidUrl.
    """
    text = text.strip()
    if is_normal(text):
        return text
    _refuse_unreadable(text)
    try:
        url = URL(text)
    except ValueError as error:
        raise InvalidUrl(f"cannot be read as a URL; check host name and port: {excerpt(text)}") from error
    if url.username or url.password:
        raise InvalidUrl("contains a user name or password; a stored link is no place for them")
    return _short_enough(url.href)


def is_normal(text: str) -> bool:
    """Whether this is surely the normal form of a URL. Of those that are it may overlook some."""
    return len(text) <= LONGEST_URL and _NORMAL.fullmatch(text) is not None


def join(base: str, reference: str) -> str:
    """Return the normal form of a reference found at `base`, without credentials. Raises InvalidUrl."""
    try:
        url = URL(reference, base=base)
        if url.username or url.password:
            url.username = url.password = ""
    except ValueError as error:
        raise InvalidUrl(f"cannot be read as a URL: {excerpt(reference)}") from error
    return _short_enough(url.href)


def host_of(url: str) -> str:
    """Return the host of a normalised URL, IPv6 in brackets; empty where the scheme has none."""
    return address_of(url)[0] if url.startswith(("http://", "https://")) else URL(url).hostname


def address_of(url: str) -> tuple[str, int]:
    """Return host and port of a normalised http or https URL, IPv6 in brackets."""
    scheme, _, authority, *_ = url.split("/", 3)
    host, colon, port = authority.rpartition(":")
    if colon and not port.endswith("]"):
        return host, int(port)
    return authority, 443 if scheme == "https:" else 80


def is_literal(host: str) -> bool:
    """Is the host of a normalised URL an IP address? WHATWG reads any name that ends in a number as one."""
    return host.startswith("[") or host.rpartition(".")[2].isdigit()


def scheme_of(url: str) -> str:
    """Return the scheme of a normalised URL, without the colon."""
    return url.partition(":")[0]


def _refuse_unreadable(text: str) -> None:
    if not text:
        raise InvalidUrl("is empty; give an absolute URL such as https://example.com/page")
    _short_enough(text)
    if _CONTROL.search(text):
        raise InvalidUrl("contains a control character; remove it or percent-encode it")
    if not _SCHEME.match(text) or _HOST_AND_PORT.match(text):
        raise InvalidUrl(f"has no scheme; write it in full, such as https://{excerpt(text.lstrip('/'))}")


def _short_enough(text: str) -> str:
    if len(text) > LONGEST_URL:
        raise InvalidUrl(f"is longer than {LONGEST_URL} characters; shorten it")
    return text


def excerpt(text: str) -> str:
    """As much of a text as a message can hold."""
    return text if len(text) <= 80 else text[:77] + "..."
