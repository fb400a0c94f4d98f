import pytest

from cli.documents.text import urls


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("https://e.org/", ["https://e.org/"]),
        ("HTTP://E.org/a?b=c#d", ["HTTP://E.org/a?b=c#d"]),
        ("(https://e.org/a_(b)), see", ["https://e.org/a_(b)"]),
        ('<https://e.org/>."https://e.org/q"', ["https://e.org/", "https://e.org/q"]),
        ("**https://e.org/x**, https://e.org/y!", ["https://e.org/x", "https://e.org/y"]),
        ("http:// https://)", []),
        ("http://[::1]:80/x", ["http://[::1]:80/x"]),
        ("ftp://e.org mailto:a@e.org", []),
    ],
)
def test_a_sentence_ends_where_its_url_does(text: str, expected: list[str]) -> None:
    assert list(urls(text)) == expected
