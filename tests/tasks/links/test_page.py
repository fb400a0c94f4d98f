"""Pages as they are read."""

import time

import pytest

from tasks.links.page import Page

HTML = "text/html; charset=utf-8"


def page(text: str, content_type: str = HTML) -> Page:
    return Page(text.encode(), content_type)


@pytest.mark.parametrize(
    ("html", "prose"),
    [
        ("<p>one <b>t</b>wo<p>three", "one two three"),
        ("<div>one</div>two<div>three</div>", "one two three"),
        ("<ul><li>one<li>two</ul>", "one two"),
        ("one<br>two", "one two"),
        ("<a href=/>o</a><i>n</i><span>e</span>", "one"),
        ("<title>gone</title><style>gone</style><script>gone</script><p>there", "there"),
        ("<body><noscript>gone</noscript><template>gone</template>", ""),
        ("a &amp; b&nbsp;c", "a & b c"),
        ("<table><tr><td>1<td>2</table>", "1 2"),
        ("", ""),
    ],
)
def test_prose_is_what_a_reader_sees(html: str, prose: str) -> None:
    assert page(html).prose == prose


def test_what_is_no_html_is_read_as_it_is() -> None:
    assert page("<p>one\n two", "text/plain").prose == "<p>one two"


@pytest.mark.parametrize(
    ("name", "found"), [("a", True), ("b", True), ("c", False), ("A", False), ('q"uote', True), ("zwölf", True)]
)
def test_elements_are_found_by_id_and_anchors_by_name(name: str, found: bool) -> None:
    html = page("<p id=a><a name=b></a><input name=c><p id='q&quot;uote'><p id=zwölf>")
    assert html.has_element(name) is found


@pytest.mark.parametrize(
    ("body", "content_type", "text"),
    [
        ("ü".encode(), "text/html", "ü"),
        ("ü".encode("latin-1"), "text/html; charset=ISO-8859-1", "ü"),
        ("“".encode("cp1252"), "text/html; charset=latin1", "“"),
        ("<meta charset=koi8-r>я".encode("koi8-r"), "text/html", "<meta charset=koi8-r>я"),
        (b"\xef\xbb\xbfabc", "text/html; charset=utf-8", "abc"),
        (b"\xff", "text/html; charset=utf-8", "\ufffd"),
        (b"abc", "text/html; charset=nonsense", "abc"),
        (b"abc", "text/html; charset=base64", "abc"),
        (b"abc", "text/html; charset=unicode_escape", "abc"),
    ],
)
def test_text_is_decoded_as_the_server_or_the_page_says(body: bytes, content_type: str, text: str) -> None:
    assert Page(body, content_type).text == text


@pytest.mark.parametrize(
    ("content_type", "html"),
    [
        ("text/html", True),
        ("Text/HTML;charset=x", True),
        ("application/xhtml+xml", True),
        ("text/plain", False),
        ("", False),
    ],
)
def test_html_is_what_says_so(content_type: str, html: bool) -> None:
    assert page("<p>", content_type).is_html is html


@pytest.mark.parametrize("kind", ["password", "PASSWORD"])
def test_a_page_that_asks_for_a_password_is_known(kind: str) -> None:
    assert page(f"<input type={kind}>").asks_password
    assert not page("<input type=text>").asks_password


@pytest.mark.parametrize("body", [b"\x00" * 1000, b"<" * 100_000, b"<div>" * 100_000, bytes(range(256)) * 100])
def test_no_page_is_too_strange_to_be_read(body: bytes) -> None:
    strange = Page(body, HTML)
    assert not strange.has_element("anything")
    assert isinstance(strange.prose + strange.title, str)


def test_elements_without_end_are_read_as_far_as_that_is_cheap() -> None:
    nested = Page(b"<p id=early>" + b"<div>" * 500_000 + b"<p id=late>", HTML)
    began = time.thread_time()
    assert nested.has_element("early")
    assert not nested.has_element("late")
    assert not nested.whole
    # All of it would take half an hour.
    assert time.thread_time() - began < 20


def test_a_long_page_is_read_to_its_end() -> None:
    table = b"<table>" + b"<tr><td>one<td><a href=/>two</a>" * 30_000 + b"</table><p id=late>"
    assert Page(table, HTML).has_element("late")
    assert Page(table, HTML).whole
    assert not Page(table, HTML, arrived=False).whole
