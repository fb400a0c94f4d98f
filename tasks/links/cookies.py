"""The cookies of one chain of redirects: set by a hop, sent to the next, and forgotten with the chain."""

from __future__ import annotations

from collections.abc import Iterable
from email.message import Message
from http.client import HTTPResponse
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import cast
from urllib.request import Request


class Cookies:
    """Who gets which cookie is RFC 6265's to say, by domain, path and Secure; http.cookiejar knows."""

    def __init__(self) -> None:
        policy = DefaultCookiePolicy(strict_ns_domain=DefaultCookiePolicy.DomainStrictNonDomain)
        self._jar = CookieJar(policy)

    def take(self, url: str, set_cookies: Iterable[str]) -> None:
        """Take what an answer from `url` sets, of which what it may not set is passed over."""
        self._jar.extract_cookies(cast(HTTPResponse, _Answer(set_cookies)), _request(url))

    def header(self, url: str, own: str = "") -> str:
        """The Cookie header for a request, with what is sent anyhow; empty where there is nothing to send."""
        request = _request(url)
        self._jar.add_cookie_header(request)
        found = request.get_header("Cookie", "")
        names = {_name(pair) for pair in found.split("; ")}
        kept = [pair for pair in own.split("; ") if pair and _name(pair) not in names]
        return "; ".join([*kept, found] if found else kept)


class _Answer:
    """All that a jar wants to see of an answer."""

    def __init__(self, set_cookies: Iterable[str]) -> None:
        self._message = Message()
        for value in set_cookies:
            self._message["Set-Cookie"] = value

    def info(self) -> Message:
        return self._message


def _request(url: str) -> Request:
    return Request(url)  # noqa: S310  # http or https, and opened by nobody


def _name(pair: str) -> str:
    return pair.partition("=")[0].strip()
