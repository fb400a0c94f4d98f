"""What people are told: a table of what flaps, and laws that hold for every story."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.links import overlays
from tasks.links.overlays import Episode, Owed

NOON = datetime(2030, 1, 1, 12, tzinfo=UTC)
A, B = Episode("a", NOON), Episode("b", NOON)
A_OVER = Episode("a", NOON, NOON + timedelta(hours=1))


@pytest.mark.parametrize(
    ("recent", "count"),
    [("", 0), ("+", 0), ("-", 0), ("++--", 1), ("+-+-+", 4), ("+-+-+-", 5), ("-" * 20, 0), ("+-" * 10, 19)],
)
def test_transitions_are_counted_between_neighbours(recent: str, count: int) -> None:
    assert overlays.transitions(recent) == count


@pytest.mark.parametrize(
    ("already", "recent", "expected"),
    [
        (False, "+-+-+", False),
        (False, "+-+-+-", True),
        (True, "+-+-+", True),
        (True, "++-++", True),
        (True, "+++--", False),
        (True, "+" * 20, False),
        (False, "+" * 20, False),
    ],
)
def test_a_link_flaps_from_five_changes_and_is_calm_below_two(already: bool, recent: str, expected: bool) -> None:
    assert overlays.flaps(already, recent) is expected


def test_only_the_latest_twenty_checks_count() -> None:
    recent = ""
    for alive in [True, False] * 15 + [True] * 19:
        recent = overlays.with_check(recent, alive)
    assert recent == "-" + "+" * 19


@pytest.mark.parametrize(
    ("told", "present", "quiet", "owed"),
    [
        (None, None, False, []),
        (None, A, False, [Owed("broke", A)]),
        (None, A, True, []),
        (A, A, False, []),
        (A_OVER, None, False, [Owed("recovered", A_OVER)]),
        (A_OVER, None, True, []),
        (A_OVER, B, False, [Owed("recovered", A_OVER), Owed("broke", B)]),
        (A_OVER, B, True, []),
    ],
)
def test_people_are_owed_the_difference_between_what_they_believe_and_what_is_so(
    told: Episode[str] | None, present: Episode[str] | None, quiet: bool, owed: list[Owed[str]]
) -> None:
    assert list(overlays.owed(told, present, quiet)) == owed


@given(st.lists(st.tuples(st.booleans(), st.booleans()), max_size=60))
def test_whatever_is_kept_quiet_each_break_and_each_recovery_is_told_at_most_once(
    steps: list[tuple[bool, bool]],
) -> None:
    told: Episode[int] | None = None
    present: Episode[int] | None = None
    said: list[tuple[str, int]] = []
    for number, (is_open, quiet) in enumerate(steps):
        if is_open and present is None:
            present = Episode(number, NOON)
        elif not is_open:
            present = None
        said += [(each.what, each.episode.id) for each in overlays.owed(told, present, quiet)]
        told = overlays.believed(told, present, quiet)
        if not quiet:
            assert told == present
    assert len(set(said)) == len(said)
    # In turn: of each incident first that it broke, then that it is over, before anything of the next.
    assert [what for what, _ in said] == [("broke", "recovered")[at % 2] for at in range(len(said))]
    for broke, recovered in zip(said[::2], said[1::2], strict=False):
        assert broke[1] == recovered[1]
