"""The normal form of a URL, and what is refused with which advice."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.urls import LONGEST_URL, InvalidUrl, host_of, join, normalise, scheme_of


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("https://example.com", "https://example.com/"),
        ("  https://example.com/a \n", "https://example.com/a"),
        ("HTTPS://Example.COM/Path", "https://example.com/Path"),
        ("http://example.com:80/", "http://example.com/"),
        ("https://example.com:443/", "https://example.com/"),
        ("https://example.com:8443/", "https://example.com:8443/"),
        ("https://example.com/a/../b/./c", "https://example.com/b/c"),
        ("https://example.com/%2e%2e/c", "https://example.com/c"),
        ("https://example.com/a b?c d#e f", "https://example.com/a%20b?c%20d#e%20f"),
        ("https://example.com/?b=2&a=1&b=1", "https://example.com/?b=2&a=1&b=1"),
        ("https://example.com/#top", "https://example.com/#top"),
        ("https://example.com/#:~:text=word", "https://example.com/#:~:text=word"),
        ("https://bücher.example/ü", "https://xn--bcher-kva.example/%C3%BC"),
        ("https://EXAMPLE。com/", "https://example.com/"),
        ("http://0x7f.1/", "http://127.0.0.1/"),
        ("http://2130706433/", "http://127.0.0.1/"),
        ("http://[::FFFF:127.0.0.1]/", "http://[::ffff:7f00:1]/"),
        ("https:\\\\example.com\\a", "https://example.com/a"),
        ("https://example.com/%zz", "https://example.com/%zz"),
        ("https://@example.com/", "https://example.com/"),
        ("mailto:someone@example.com", "mailto:someone@example.com"),
        ("tel:123456", "tel:123456"),
        ("javascript:void(0)", "javascript:void(0)"),
        ("ftp://example.com/a", "ftp://example.com/a"),
    ],
)
def test_a_url_is_written_in_its_normal_form(text: str, expected: str) -> None:
    assert normalise(text) == expected


@pytest.mark.parametrize(
    ("text", "advice"),
    [
        ("", "is empty"),
        (" \t\n", "is empty"),
        ("/about", "has no scheme; write it in full, such as https://about"),
        ("//example.com/a", "has no scheme; write it in full, such as https://example.com/a"),
        ("example.com/a", "such as https://example.com/a"),
        ("example.com:8080/a", "such as https://example.com:8080/a"),
        ("localhost:8080", "such as https://localhost:8080"),
        ("#top", "has no scheme"),
        ("http://", "cannot be read"),
        ("http://[::1/", "cannot be read"),
        ("http://exa mple.com/", "cannot be read"),
        ("https://example.com:99999/", "cannot be read"),
        ("https://999.1.2.3.4.5/", "cannot be read"),
        ("https://example.com/\ud800", "cannot be read"),
        ("https://exam\tple.com/", "control character"),
        ("https://example.com/\x00", "control character"),
        ("https://example.com/a\r\nHost: x", "control character"),
        ("https://user:secret@example.com/", "user name or password"),
        ("https://user@example.com/", "user name or password"),
        ("https://example.com/" + "a" * LONGEST_URL, "longer than 8192"),
        ("https://example.com/" + "ü" * 3000, "longer than 8192"),
    ],
)
def test_what_is_not_a_url_is_refused_with_advice(text: str, advice: str) -> None:
    with pytest.raises(InvalidUrl) as refused:
        normalise(text)
    assert advice in str(refused.value)


def test_a_password_is_never_repeated_in_the_advice() -> None:
    with pytest.raises(InvalidUrl) as refused:
        normalise("https://user:secret@example.com/")
    assert "secret" not in str(refused.value)


@given(st.text(max_size=200) | st.text(max_size=60).map("https://example.com/".__add__))
def test_normalising_twice_changes_nothing(text: str) -> None:
    try:
        once = normalise(text)
    except InvalidUrl:
        return
    assert normalise(once) == once


@pytest.mark.parametrize(
    ("reference", "expected"),
    [
        ("../c", "https://example.com/c"),
        ("//other.example/x", "https://other.example/x"),
        ("?q=1", "https://example.com/a/b?q=1"),
        ("http://user:secret@other.example/", "http://other.example/"),
        ("ftp://example.com/", "ftp://example.com/"),
        ("file:///etc/passwd", "file:///etc/passwd"),
    ],
)
def test_a_reference_is_read_where_it_was_found(reference: str, expected: str) -> None:
    assert join("https://example.com/a/b", reference) == expected


def test_a_reference_that_cannot_be_read_is_refused() -> None:
    with pytest.raises(InvalidUrl):
        join("https://example.com/", "http://[bad/")


def test_host_and_scheme_are_those_of_the_normal_form() -> None:
    assert host_of(normalise("https://Bücher.example:8443/x")) == "xn--bcher-kva.example"
    assert host_of("http://[::1]:80/") == "[::1]"
    assert host_of("mailto:a@example.com") == ""
    assert scheme_of("mailto:a@example.com") == "mailto"


def test_a_hundred_thousand_urls_take_about_a_second() -> None:
    urls = [f"https://host{n}.example.com/path/{n}?page={n}#part" for n in range(100_000)]
    started = time.process_time()
    for url in urls:
        normalise(url)
    assert time.process_time() - started < 3
