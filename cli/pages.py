"""Pages and sitemaps of the web, fetched from this machine as a browser on it would."""

from __future__ import annotations

import html
import re
import zlib
from collections.abc import Iterator

import requests

from cli.documents.reference import Reference

LARGEST = 64 * 1024 * 1024
# The protocol allows 50,000 entries in an index, but not an index in an index.
DEEPEST = 3
SITEMAPS_MOST = 1000
TIMEOUT_S = 30.0
USER_AGENT = "Pranala (+https://pranala.example/about)"

_LOCATION = re.compile(r"<(?:\w+:)?loc\s*>\s*(?:<!\[CDATA\[)?\s*(.*?)\s*(?:\]\]>)?\s*</(?:\w+:)?loc\s*>", re.DOTALL)


class Unreadable(Exception):
    """The page or sitemap could not be fetched or read."""


def fetch(url: str) -> tuple[str, str]:
    """A page's text, and the URL at which it was found in the end."""
    body, final_url, encoding = _fetch(url)
    return body.decode(encoding or "utf-8", "replace"), final_url


def sitemap(url: str) -> Iterator[tuple[str, Reference]]:
    """Every page that a sitemap lists, with the sitemap that lists it; an index is followed."""
    waiting, seen = [(url, 0)], {url}
    while waiting:
        address, depth = waiting.pop(0)
        text = _unpacked(_fetch(address)[0], address).decode("utf-8", "replace")
        if "<" not in text:
            yield from ((address, Reference(line.strip(), n)) for n, line in enumerate(text.splitlines(), 1) if line)
            continue
        listed = list(_locations(text))
        if not re.search(r"<(?:\w+:)?sitemapindex\b", text):
            yield from ((address, reference) for reference in listed)
        elif depth < DEEPEST:
            fresh = [each for each in dict.fromkeys(each.target for each in listed) if each not in seen]
            fresh = fresh[: max(0, SITEMAPS_MOST - len(seen))]
            seen.update(fresh)
            waiting += [(each, depth + 1) for each in fresh]


def _locations(text: str) -> Iterator[Reference]:
    line, at = 1, 0
    for found in _LOCATION.finditer(text):
        line += text.count("\n", at, found.start())
        at = found.start()
        yield Reference(html.unescape(found[1]), line)


def _fetch(url: str) -> tuple[bytes, str, str | None]:
    try:
        with requests.get(url, headers={"User-Agent": USER_AGENT}, timeout=TIMEOUT_S, stream=True) as response:
            if not response.ok:
                raise Unreadable(f"{url} answers {response.status_code} {response.reason}.")
            return _body(response), response.url, _charset(response)
    except requests.RequestException as error:
        raise Unreadable(f"{url} cannot be fetched: {error}") from error


def _body(response: requests.Response) -> bytes:
    body = bytearray()
    for chunk in response.iter_content(1 << 16):
        body += chunk
        if len(body) > LARGEST:
            raise Unreadable(f"{response.url} is larger than {LARGEST >> 20} MiB.")
    return bytes(body)


def _charset(response: requests.Response) -> str | None:
    # requests assumes Latin-1 where no charset is given, which is no longer true of anything.
    return response.encoding if "charset" in response.headers.get("Content-Type", "") else None


def _unpacked(body: bytes, url: str) -> bytes:
    if not body.startswith(b"\x1f\x8b"):
        return body
    try:
        content = zlib.decompressobj(zlib.MAX_WBITS | 16).decompress(body, LARGEST + 1)
    except zlib.error as error:
        raise Unreadable(f"{url} is not gzip after all: {error}") from error
    if len(content) > LARGEST:
        raise Unreadable(f"{url} unpacks to more than {LARGEST >> 20} MiB.")
    return content
