import pytest

from cli.documents.html import anchors, references


def found(text: str) -> list[tuple[str, int]]:
    return [(each.target, each.line) for each in references(text)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('<a href="https://e.org/?a=1&amp;b=2">', [("https://e.org/?a=1&b=2", 1)]),
        ("\n<a\n href=' x '>", [("x", 2)]),
        ("<IMG SRC=a.png SRCSET='b.png 1x, c,d.png 200w'>", [("a.png", 1), ("b.png", 1), ("c,d.png", 1)]),
        ("<script src=s.js></script><link rel=stylesheet href=c.css>", [("s.js", 1), ("c.css", 1)]),
        ("<link rel='dns-prefetch' href=//e.org><link rel=preconnect href=//e.org>", []),
        ("<base href='https://e.org/d/'><a href=x><a href=/y>", [("https://e.org/d/x", 1), ("https://e.org/y", 1)]),
        ("<meta http-equiv=Refresh content='0; URL=\"n.html\"'>", [("n.html", 1)]),
        ("<pre><a href=no></a></pre><a href=yes>", [("yes", 1)]),
        ("<script>'<a href=no>'</script><!-- <a href=no> --><a href=yes>", [("yes", 1)]),
        ("<a><a href><a href=''><p", []),
        ("<object data=o><video src=v poster=p><iframe src=i></iframe>", [("o", 1), ("v", 1), ("p", 1), ("i", 1)]),
    ],
)
def test_links_are_found_where_they_stand(text: str, expected: list[tuple[str, int]]) -> None:
    assert found(text) == expected


def test_ids_and_names_are_anchors() -> None:
    assert anchors("<h1 id=a><a name=b>") == {"a", "b"}
