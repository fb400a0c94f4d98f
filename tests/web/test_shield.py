from xml.etree import ElementTree

import pytest

from web.shield import LONGEST, render

TEXT = "{http://www.w3.org/2000/svg}text"
HOSTILE = [
    "</text><script>alert(1)</script>",
    '"><image href="https://evil.example/x" onload="alert(1)"/>',
    "<!DOCTYPE x [<!ENTITY e SYSTEM 'file:///etc/passwd'>]>&e;",
    "{whole}{0}%s&amp;&lt;",
    "a\u202eb\u0000c\ud800d\u200be\x1bf",
    "]]><x/>",
    "tautan-rusak-表記-🔗",
    "x" * 5000,
    "",
]


@pytest.mark.parametrize("word", HOSTILE)
def test_words_of_anybody_stay_words(word: str) -> None:
    svg = render(word, word, "green")
    root = ElementTree.fromstring(svg.encode())
    known = {"svg", "title", "linearGradient", "stop", "clipPath", "rect", "g", "text"}
    assert {each.tag.rpartition("}")[2] for each in root.iter()} == known
    assert not [name for each in root.iter() for name in each.attrib if name.startswith("on") or "href" in name]
    shown = [each.text or "" for each in root.iter(TEXT)]
    assert len(shown) == 4
    assert all(len(each) <= LONGEST and each.isprintable() for each in shown)


def test_a_badge_is_as_wide_as_its_words() -> None:
    narrow, wide = (ElementTree.fromstring(render("link", word, "red")) for word in ("up", "unverifiable"))
    assert int(narrow.attrib["width"]) < int(wide.attrib["width"]) < 140
    assert [each.text for each in wide.iter(TEXT)] == ["link", "link", "unverifiable", "unverifiable"]
