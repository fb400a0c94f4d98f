"""The harness can fail: without a protection it says what is lost or doubled."""

import pytest

from tests.conftest import ROOT
from tests.faults.stories import STORIES
from tests.faults.weakened import WEAKNESSES, Weakness, edited, is_seen, tell

PAGE = ROOT / "docs" / "reference" / "protections.md"
# `make proof` tries all of them.
TRIED_HERE = ("publish-after-commit", "acks-early")


@pytest.mark.parametrize("weakness", WEAKNESSES, ids=lambda each: each.name)
def test_what_is_taken_out_stands_once_in_the_code(weakness: Weakness) -> None:
    for edit in weakness.edits:
        edited((ROOT / edit.file).read_text(), edit)


@pytest.mark.parametrize("weakness", WEAKNESSES, ids=lambda each: each.name)
def test_the_page_of_protections_has_it(weakness: Weakness) -> None:
    story = weakness.story if weakness.story in STORIES else f"killed at `{weakness.story}`"
    row = f"| `{weakness.name}` | {weakness.protection} | {story} | {weakness.sees} |"
    assert row in PAGE.read_text()


@pytest.mark.servers
@pytest.mark.long
@pytest.mark.parametrize(
    "weakness", [each for each in WEAKNESSES if each.name in TRIED_HERE], ids=lambda each: each.name
)
def test_without_a_protection_the_harness_says_what_is_wrong(weakness: Weakness) -> None:
    tally = tell(weakness)
    assert is_seen(weakness, tally), tally.faults
