import pytest

from cli.documents import markdown
from cli.documents.markdown import anchors


def found(text: str, verbatim: bool = False) -> list[tuple[str, int]]:
    return sorted(((each.target, each.line) for each in markdown.references(text, verbatim)), key=lambda each: each[1])


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("[a](https://e.org/a)", [("https://e.org/a", 1)]),
        ("one\ntwo [a](b.md#c)", [("b.md#c", 2)]),
        ("![i](img/i.png 'title')", [("img/i.png", 1)]),
        ("[![i](i.png)](https://e.org/)", [("https://e.org/", 1), ("i.png", 1)]),
        ("<https://e.org/x>", [("https://e.org/x", 1)]),
        ("see https://e.org/x, or (https://e.org/y).", [("https://e.org/x", 1), ("https://e.org/y", 1)]),
        ("https://en.wikipedia.org/wiki/A_(b)", [("https://en.wikipedia.org/wiki/A_(b)", 1)]),
        ("[a][r]\n\n[r]: https://e.org/r", [("https://e.org/r", 3)]),
        ("[a](https://e.org/r)\n\n[r]: https://e.org/r", [("https://e.org/r", 1), ("https://e.org/r", 3)]),
        ("| a |\n|---|\n| [x](y) |\n| [z](w) |", [("y", 3), ("w", 4)]),
        ("> - [x](y)\n>   [z](w)", [("y", 1), ("w", 2)]),
        ('<p>\n<img src="a.png">\n</p>', [("a.png", 2)]),
        ('text <a href="b">x</a>', [("b", 1)]),
        ("---\nurl: https://e.org/\n---\n[a](b)", [("b", 4)]),
        ("`https://e.org/` and\n\n    https://e.org/\n\n```\nhttps://e.org/\n```", []),
        ("<!-- [a](https://e.org/old) -->", []),
        ("[https://e.org/shown](https://e.org/meant)", [("https://e.org/meant", 1)]),
    ],
)
def test_links_are_found_where_they_stand(text: str, expected: list[tuple[str, int]]) -> None:
    assert found(text) == expected


def test_urls_in_code_are_found_when_asked_for() -> None:
    text = "`https://e.org/1`\n\n```\n\nhttps://e.org/2\n```\n\n    https://e.org/3\n"
    assert found(text, verbatim=True) == [("https://e.org/1", 1), ("https://e.org/2", 5), ("https://e.org/3", 8)]


def test_headings_are_called_as_github_calls_them() -> None:
    text = "# Hello, `World` & more!\n\n## Twice\n\n## Twice\n\nUnder\n=====\n\n<a id='own'></a> <div id=block>\n"
    assert anchors(text) >= {"hello-world--more", "twice", "twice-1", "under", "own", "block"}
