"""The page of results: a benchmark that is run again replaces its own section and no other."""

from __future__ import annotations

from benchmarks.report import PAGE, TITLES, with_section


def test_a_section_is_replaced_and_the_others_stay_in_their_order() -> None:
    page = with_section("", TITLES[1], "old figures\n")
    page = with_section(page, TITLES[0], "other figures\n")
    page = with_section(page, TITLES[1], "new figures\n")

    assert page.count("## ") == 2
    assert page.index("other figures") < page.index("new figures")
    assert "old figures" not in page


def test_the_page_is_as_its_program_writes_it() -> None:
    page = PAGE.read_text(encoding="utf-8")
    title = TITLES[0]
    section = page.split(f"## {title}\n\n")[1].split("\n## ")[0]

    assert with_section(page, title, section) == page
