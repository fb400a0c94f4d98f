import pytest

from cli.documents.rst import references


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("`a <https://e.org/>`_ and `b <b.html>`__", [("https://e.org/", 1), ("b.html", 1)]),
        ("see https://e.org/x.", [("https://e.org/x", 1)]),
        ("a\n\n.. _name: https://e.org/n\n.. _`long name`: other.html", [("https://e.org/n", 3), ("other.html", 4)]),
        (".. image:: i.png\n   :target: https://e.org/", [("i.png", 1), ("https://e.org/", 2)]),
        (".. |logo| image:: l.png", [("l.png", 1)]),
        ("__ https://e.org/", [("https://e.org/", 1)]),
        (".. _alias: name_", []),
        ("Example::\n\n  https://e.org/no\n\nhttps://e.org/yes", [("https://e.org/yes", 5)]),
        (".. code-block:: sh\n\n   curl https://e.org/no\n\n`x <y>`_", [("y", 5)]),
        ("``https://e.org/no``", []),
    ],
)
def test_links_are_found_where_they_stand(text: str, expected: list[tuple[str, int]]) -> None:
    assert [(each.target, each.line) for each in references(text)] == expected
