"""Cookies within a chain of redirects, and what becomes of them after it."""

from __future__ import annotations

import pytest

from tasks.links.cookies import Cookies


@pytest.mark.parametrize(
    ("set_cookie", "by", "to", "sent"),
    [
        ("a=1", "https://x.example/", "https://x.example/other", "a=1"),
        ("a=1; Path=/in", "https://x.example/in/", "https://x.example/in/deep", "a=1"),
        ("a=1; Path=/in", "https://x.example/in/", "https://x.example/inner", ""),
        ("a=1", "https://x.example/", "https://sub.x.example/", ""),
        ("a=1; Domain=x.example", "https://www.x.example/", "https://x.example/", "a=1"),
        ("a=1; Domain=y.example", "https://x.example/", "https://y.example/", ""),
        ("a=1; Domain=example", "https://x.example/", "https://y.example/", ""),
        ("a=1; Secure", "https://x.example/", "http://x.example/", ""),
        ("a=1; HttpOnly; SameSite=Lax", "https://x.example/", "https://x.example/", "a=1"),
        ("a=1; Max-Age=0", "https://x.example/", "https://x.example/", ""),
        ("a=1", "http://127.0.0.1:8080/", "http://127.0.0.1:8080/b", "a=1"),
        ("a=1", "http://127.0.0.1:8080/", "http://127.0.0.2:8080/b", ""),
        ("a=1", "http://[::1]:8080/", "http://[::1]:8080/b", "a=1"),
        ("a=1", "http://localhost/", "http://localhost/b", "a=1"),
        ("", "https://x.example/", "https://x.example/", ""),
        (";;=\x00;", "https://x.example/", "https://x.example/", ""),
        ("a=1; Expires=never", "https://x.example/", "https://x.example/", "a=1"),
    ],
)
def test_a_cookie_goes_where_it_may_and_nowhere_else(set_cookie: str, by: str, to: str, sent: str) -> None:
    cookies = Cookies()
    cookies.take(by, [set_cookie])
    assert cookies.header(to) == sent


def test_what_a_site_sets_replaces_what_was_sent_under_that_name() -> None:
    cookies = Cookies()
    cookies.take("https://x.example/", ["session=new", "b=2"])
    assert cookies.header("https://x.example/", "session=old; lang=id") == "lang=id; session=new; b=2"
    assert cookies.header("https://y.example/", "session=old") == "session=old"
