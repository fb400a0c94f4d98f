"""The normal form of a URL, and what is refused with which advice."""

import time

import pytest
from ada_url import URL
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.urls import LONGEST_URL, InvalidUrl, host_of, is_normal, join, normalise, scheme_of


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


# Pieces of URLs, of which many are in their normal form and many only look so.
HOSTS = (
    "example.com",
    "a-b.c1.example",
    "xn--a",
    "a.xn--a",
    "1.2.3.4",
    "1.2.3.04",
    "256.1.1.1",
    "1.2",
    "0x7f",
    "a.0x7f",
)
HOSTS += ("a..b", "a.", "-a-", "a_b", "A.b", "a" * 64, "localhost", "a.1", "1a", "a.1a", "[::1]", "u@a", "a%41")
PIECES = ("a", "Z", "0", "-._~", "!$&()*+,;=:@", "%41", "%2e", "%2E", "%zz", "%", ".", "..", "...", "/", "//", "?", "#")
PIECES += (" ", "'", '"', "<", ">", "`", "{", "}", "|", "^", "[", "]", chr(92), "\x7f", "é", "\u2028")
PORTS = ("", ":80", ":443", ":8080", ":0", ":08", ":65535", ":65536", ":", ":8a")
URLS = st.builds(
    lambda scheme, host, port, rest: f"{scheme}{host}{port}{''.join(rest)}",
    st.sampled_from(("http://", "https://", "HTTP://", "http:/", "ftp://")),
    st.sampled_from(HOSTS) | st.lists(st.sampled_from((*HOSTS, "x", "9", ".")), max_size=4).map("".join),
    st.sampled_from(PORTS),
    st.lists(st.sampled_from(PIECES), max_size=12).map(lambda pieces: ["/", *pieces]),
)


@settings(max_examples=2000, deadline=None)
@given(URLS)
def test_what_is_taken_for_normal_at_a_glance_is_what_the_parser_would_write(text: str) -> None:
    if is_normal(text):
        url = URL(text)
        assert (url.href, url.username, url.password) == (text, "", "")


@pytest.mark.parametrize(
    "place", ["https://a{}b.example/", "https://a.example/{}", "https://a.example/?{}", "http://a/#{}"]
)
def test_no_single_character_is_taken_for_normal_that_the_parser_would_change(place: str) -> None:
    for number in range(0x180):
        text = place.format(chr(number))
        if is_normal(text):
            assert URL(text).href == text


@pytest.mark.parametrize(
    "text", ["https://example.com/", "http://127.0.0.1:45000/a/b.html?x=1&y=%20#top", "http://a-1.b/"]
)
def test_usual_urls_are_taken_for_normal(text: str) -> None:
    assert is_normal(text)


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
