"""Random siblings, and pages that are the same but for what they mention."""

import pytest

from tasks.links.page import Page
from tasks.links.sibling import are_alike, face_of, is_home, sibling_of


@pytest.mark.parametrize(
    "path",
    ["", "/", "/?q=1", "/#a", "/index.html", "/index.php?a", "/de", "/de/", "/en-us/", "/pt_BR/index.html", "/home"],
)
def test_home_pages_are_known(path: str) -> None:
    assert is_home(f"https://example.com{path}")


@pytest.mark.parametrize("path", ["/a", "/deu", "/about/", "/de/page", "/x/index.html", "/indexes", "//"])
def test_other_pages_are_not_home(path: str) -> None:
    assert not is_home(f"https://example.com{path}")


@pytest.mark.parametrize(
    ("url", "about"),
    [
        ("https://example.com/a/b", "sibling https://example.com/a/*"),
        ("https://example.com/a/b/", "sibling https://example.com/a/*/"),
        ("https://example.com/a/b.html?q#f", "sibling https://example.com/a/*.html"),
        ("https://example.com:8443/b", "sibling https://example.com:8443/*"),
    ],
)
def test_a_sibling_is_of_the_same_folder_and_form(url: str, about: str) -> None:
    question = sibling_of(url)
    start, _, end = about.removeprefix("sibling ").partition("*")
    assert question.about == about
    assert question.url.startswith(start)
    assert question.url.endswith(end)
    assert question == sibling_of(url)
    assert question.url != sibling_of(url).url


def lost(path: str, title: str = "Lost", more: str = "") -> Page:
    text = f"<p>We have no page {path} here, at 12:30:{len(path)} on host{len(path)}. {more}"
    return Page(f"<title>{title}</title><nav>Home News Shop About us</nav>{text}".encode(), "text/html")


@pytest.mark.parametrize(
    ("page", "alike"),
    [
        (lost("/folder/fox"), True),
        (lost("fox"), True),
        (lost("/folder/fox", more="Alas"), False),
        (lost("/folder/fox", title="The fox"), False),
        (Page(b"<title>Lost</title><nav>Home News Shop About us</nav>An article about foxes", "text/html"), False),
    ],
)
def test_pages_are_alike_when_title_and_words_are(page: Page, alike: bool) -> None:
    missing = face_of(lost("/folder/random"), "https://x/folder/random")
    face = face_of(page, "https://x/folder/fox")
    assert missing is not None
    assert face is not None
    assert are_alike(face, missing) is alike


@pytest.mark.parametrize(
    "page",
    [
        Page(b"", "text/html"),
        Page(b"<div id=root></div><script>go()</script>", "text/html"),
        Page(b"<body><noscript>Switch on JavaScript</noscript>", "text/html"),
        Page(b"plain words", "text/plain"),
    ],
)
def test_a_page_that_shows_nothing_has_no_face(page: Page) -> None:
    assert face_of(page, "https://x/a") is None
