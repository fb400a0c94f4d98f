"""One link through its results: what is written, what is told, and what keeps quiet."""

import uuid
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.links import record
from tasks.links.messages import LinkSpec
from tasks.links.record import Outcome, Row, next_slot
from tasks.links.state import ConfirmRules
from tasks.links.verdict import Reason
from tests.tasks.links.results import result

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
URL = "https://a.example/"
RULES = ConfirmRules()
SEEN = {"o": Reason.OK, "H": Reason.HTTP_404, "T": Reason.HTTP_5XX, "?": Reason.FORBIDDEN, "-": Reason.MAINTENANCE}
SET = {"version": 1, "paused": False, "ignored": False, "muted_until": None, "flapping": False}


def link(**changes: Any) -> Row:
    row = record.new_link(uuid.uuid4(), uuid.uuid4(), LinkSpec(URL), NOON, 3600)
    overrides = dict.fromkeys(("confirm_hard", "confirm_transient", "min_confirm_s"))
    return row | SET | overrides | changes


def at(number: float) -> datetime:
    return NOON + timedelta(minutes=5 * number)


def step(row: Row, letter: str, number: float) -> Outcome:
    return record.apply(row, result(SEEN[letter], at(number)), at(number), RULES)


def live(row: Row, story: Iterable[str], first: int = 0) -> tuple[Row, list[str]]:
    """The row after a check every five minutes, and the names of what was told."""
    told: list[str] = []
    for number, letter in enumerate(story, first):
        outcome = step(row, letter, number)
        row = outcome.row
        told += [event.name() for event in outcome.events]
    return row, told


@pytest.mark.parametrize("interval_s", [1, 60, 3600, 86_400, 30 * 86_400])
def test_the_next_check_is_never_sooner_than_half_an_interval_and_never_later_than_one_and_a_half(
    interval_s: int,
) -> None:
    for _ in range(50):
        wait = next_slot(uuid.uuid4(), interval_s, NOON) - NOON
        assert timedelta(seconds=interval_s / 2 - 1) <= wait <= timedelta(seconds=interval_s * 1.5 + 1)


def test_links_that_came_together_are_checked_at_different_times() -> None:
    slots = {next_slot(uuid.uuid4(), 86_400, NOON) for _ in range(100)}
    assert len(slots) > 90


def test_a_link_keeps_its_own_time_of_day() -> None:
    identity = uuid.uuid4()
    first = next_slot(identity, 86_400, NOON)
    assert next_slot(identity, 86_400, first) == first + timedelta(days=1)


@pytest.mark.parametrize(
    ("story", "told"),
    [
        ("oHH", ["LinkBroke"]),
        ("oHHoo", ["LinkBroke", "LinkRecovered"]),
        ("oHHHHHH", ["LinkBroke"]),
        ("oHo", []),
        ("oH?H", ["LinkBroke"]),
        ("oH-H", ["LinkBroke"]),
        ("o----", []),
        ("o" + "?" * 12, ["LinkUnverifiable"]),
        ("oHoHoHoHoHo", ["LinkFlapping"]),
        # Unsteady and then broken for good: quiet, until it is calm.
        ("oHoHoHH" + "H" * 17, ["LinkFlapping", "LinkBroke"]),
        ("oHoHoHH" + "o" * 20, ["LinkFlapping"]),
        ("oHHoHoHoo" + "o" * 20, ["LinkBroke", "LinkFlapping", "LinkRecovered"]),
    ],
)
def test_what_is_told_of_a_link_that_nobody_silenced(story: str, told: list[str]) -> None:
    assert live(link(), story)[1] == told


@pytest.mark.parametrize("story", ["oHHoo", "oHHHHooHH", "oHoHoHoHoHH", "o" + "?" * 12])
def test_of_an_ignored_link_everything_is_recorded_and_nothing_told(story: str) -> None:
    row, told = live(link(ignored=True), story)
    heard, _ = live(link(), story)
    assert told == []
    assert (row["state"], row["verdict"], row["incident_id"] is None) == (
        heard["state"],
        heard["verdict"],
        heard["incident_id"] is None,
    )


def test_what_happens_to_a_muted_link_is_told_when_it_may_be_spoken_of() -> None:
    row, told = live(link(muted_until=at(5.5)), "oHHHHH")
    assert (row["state"], told) == ("broken", [])
    assert row["next_check_at"] <= at(5.5)
    outcome = step(row, "H", 6)
    [broke] = outcome.events
    assert (broke.name(), broke.started_at) == ("LinkBroke", at(1))  # type: ignore[union-attr]
    assert broke.incident_id == outcome.row["incident_id"]  # type: ignore[union-attr]
    assert live(outcome.row, "Hoo", 7)[1] == ["LinkRecovered"]


def test_an_incident_that_begins_and_ends_while_a_link_is_muted_is_never_told() -> None:
    row, told = live(link(muted_until=at(10)), "oHHoo")
    assert told == []
    assert live(row, "o" * 10, 5)[1] == []


def test_a_recovery_that_was_muted_is_told_afterwards_with_its_own_length() -> None:
    row, _ = live(link(), "oHH")
    row, told = live(row | {"muted_until": at(6.5)}, "oooo", 3)
    assert told == []
    assert row["next_check_at"] <= at(6.5)
    [recovered] = step(row, "o", 7).events
    assert recovered.name() == "LinkRecovered"
    assert recovered.duration_s == 600  # type: ignore[union-attr]


def test_that_a_link_is_broken_is_only_told_with_a_check_that_says_so() -> None:
    row, _ = live(link(muted_until=at(3.5)), "oHHH")
    outcome = step(row, "?", 4)
    assert outcome.events == []
    assert [event.name() for event in step(outcome.row, "H", 5).events] == ["LinkBroke"]


@pytest.mark.parametrize(
    ("overrides", "story", "told"),
    [
        ({"confirm_hard": 1, "min_confirm_s": 0.0}, "oH", ["LinkBroke"]),
        ({"confirm_hard": 3}, "oHH", []),
        ({"confirm_hard": 3}, "oHHH", ["LinkBroke"]),
        ({"confirm_transient": 1, "min_confirm_s": 0.0}, "oT", ["LinkBroke"]),
        ({"min_confirm_s": 3600.0}, "oHHHHHHHHHHHH", []),
    ],
)
def test_a_links_own_confirmation_goes_before_the_settings(overrides: Row, story: str, told: list[str]) -> None:
    assert live(link(**overrides), story)[1] == told


def test_a_skipped_check_leaves_what_is_known() -> None:
    row, _ = live(link(), "oH-")
    assert (row["state"], row["verdict"], row["reason"]) == ("failing", "broken", "http_404")


def test_a_good_check_that_comes_late_takes_the_row_of_failures_apart() -> None:
    row, _ = live(link(), "o")
    row = step(row, "H", 1).row
    row = step(row, "T", 3).row
    late = step(row, "o", 2)
    assert late.events == []
    assert (late.row["state"], late.row["failures"], late.row["failing_since"]) == ("failing", 0, None)
    assert late.row["next_check_at"] == row["next_check_at"]
    assert live(late.row, "TT", 4)[1] == []
    assert live(late.row, "TTT", 4)[1] == ["LinkBroke"]
    # It is looked at soon, whatever a check says that cannot tell.
    assert step(late.row, "?", 4).row["confirming"]
    # Of the past before the row it says nothing.
    assert step(row, "o", 0.5).row == row


def test_what_was_skipped_after_a_failure_is_not_taken_for_one() -> None:
    row, _ = live(link(), "H-")
    row = step(row, "-", 4).row
    late = step(row, "o", 3).row
    assert live(late, "H", 5)[1] == []


@given(st.text("oHT?-", min_size=1, max_size=25), st.randoms(use_true_random=False))
def test_whatever_the_order_of_arrival_nothing_is_told_that_the_right_order_would_not_confirm(
    story: str, random: Any
) -> None:
    """A link is broken only by failures between which no good check is known."""
    arrivals = list(enumerate(story))
    random.shuffle(arrivals)
    row, heard = link(), []
    for number, letter in arrivals:
        outcome = step(row, letter, number)
        row = outcome.row
        heard.append((number, letter))
        for event in outcome.events:
            if event.name() == "LinkBroke":
                known = dict(heard)
                first = round((event.started_at - NOON) / timedelta(minutes=5))  # type: ignore[union-attr]
                between = "".join(known.get(each, "") for each in range(first, number + 1))
                assert "o" not in between
                assert sum(each in "HT" for each in between) >= 2


@given(st.text("oHT?-", min_size=1, max_size=40), st.lists(st.booleans(), min_size=40, max_size=40))
def test_whatever_is_muted_each_incident_is_told_once_and_its_end_once(story: str, muted: list[bool]) -> None:
    row, broke, recovered = link(), [], []
    for number, letter in enumerate(story):
        row = row | {"muted_until": at(number + 0.5) if muted[number] else None}
        outcome = step(row, letter, number)
        row = outcome.row
        broke += [each.incident_id for each in outcome.events if each.name() == "LinkBroke"]  # type: ignore[union-attr]
        recovered += [
            each.incident_id  # type: ignore[union-attr]
            for each in outcome.events
            if each.name() == "LinkRecovered"
        ]
    assert len(set(broke)) == len(broke)
    assert broke[: len(recovered)] == recovered
    assert len(broke) - len(recovered) in (0, 1)
