"""What a fragment promises, and whether a page keeps it."""

import time

import pytest

from tasks.links.fragment import Fragment, TextDirective, comparable, is_found, promise_of, spellings


@pytest.mark.parametrize(
    "fragment",
    [
        "",
        "top",
        "TOP",
        "Top",
        "/route",
        "!bang",
        "?query",
        "/",
        "tab=2",
        "a=1&b=2",
        "t=10",
        "L10",
        "L10-L20",
        "L1C2-L3C4",
    ],
)
def test_the_top_states_of_scripts_and_lines_of_files_are_no_anchors(fragment: str) -> None:
    assert promise_of(f"https://example.com/#{fragment}") is None


def test_a_url_without_a_fragment_promises_nothing() -> None:
    assert promise_of("https://example.com/") is None


@pytest.mark.parametrize("anchor", ["here", "Here", "top-of-page", "a.b:c", "L", "Lemma-3", "%C3%BC", "-", "1"])
def test_anything_else_is_the_name_of_an_element(anchor: str) -> None:
    assert promise_of(f"https://example.com/#{anchor}") == Fragment(anchor)


def test_an_anchor_is_looked_for_as_written_decoded_and_as_forges_name_it() -> None:
    assert spellings("%C3%BC") == ("%C3%BC", "ü", "user-content-ü")


@pytest.mark.parametrize(
    ("directives", "texts"),
    [
        ("text=One%20two", (TextDirective("one two"),)),
        ("text=one,two", (TextDirective("one", "two"),)),
        ("text=a-,one", (TextDirective("one", prefix="a"),)),
        ("text=one,-z", (TextDirective("one", suffix="z"),)),
        ("text=a-,one,two,-z", (TextDirective("one", "two", "a", "z"),)),
        ("text=one%2Ctwo%2D,three%26", (TextDirective("one,two-", "three&"),)),
        ("text=one&text=two", (TextDirective("one"), TextDirective("two"))),
        ("other=1&text=one", (TextDirective("one"),)),
    ],
)
def test_text_directives_are_read(directives: str, texts: tuple[TextDirective, ...]) -> None:
    assert promise_of(f"https://example.com/#:~:{directives}") == Fragment("", texts)
    assert promise_of(f"https://example.com/#part:~:{directives}") == Fragment("part", texts)


@pytest.mark.parametrize("directives", ["", "text", "text=", "text=a-", "text=a-,", "text=,-z", "text=a,b,c,d", "x=y"])
def test_directives_that_no_browser_understands_promise_nothing(directives: str) -> None:
    assert promise_of(f"https://example.com/#:~:{directives}") is None


PROSE = comparable("The quick\u00a0brown  fox jumps over the lazy dog. The end of Straße, the END. 狐狸跳过懒狗")


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        (TextDirective("quick brown"), True),
        (TextDirective("uick"), False),
        (TextDirective("quic"), False),
        (TextDirective("dog"), True),
        (TextDirective("fox", "dog"), True),
        (TextDirective("dog", "fox"), False),
        (TextDirective("the", "the"), True),
        (TextDirective("the", "the quick"), False),
        (TextDirective("end", prefix="the"), True),
        (TextDirective("end", prefix="lazy"), False),
        (TextDirective("the", prefix="over"), True),
        (TextDirective("the", suffix="end"), True),
        (TextDirective("the", suffix="lazy"), True),
        (TextDirective("the", suffix="dog"), False),
        (TextDirective("the", "end", prefix="over", suffix="of"), True),
        (TextDirective("the", "end", prefix="over", suffix="fox"), False),
        (TextDirective(comparable("STRASSE")), True),
        (TextDirective("跳过"), True),
        (TextDirective("跳走"), False),
    ],
)
def test_a_text_is_found_in_whole_words_and_in_its_surroundings(wanted: TextDirective, found: bool) -> None:
    assert is_found(wanted, PROSE) is found


def test_a_page_made_to_keep_us_busy_does_not() -> None:
    started = time.perf_counter()
    assert not is_found(TextDirective("a" * 1000, "b", "c", "d"), "a" * 1_000_000)
    assert not is_found(TextDirective("a", "b", suffix="d"), "a b " * 250_000)
    assert time.perf_counter() - started < 2
