"""The life of a link: a table of stories, and laws that hold for every story."""

import itertools
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.links.state import Announcement, ConfirmRules, Standing, State, Step, advance
from tasks.links.verdict import JUDGEMENTS, Reason

START = datetime(2030, 1, 1, tzinfo=UTC)
RULES = ConfirmRules()
AT_ONCE = ConfirmRules(hard=1, transient=1, min_confirm_s=0, offsets_s=(1,), recover_ok=1)

# The letters of the stories below.
SEEN = {
    "o": Reason.OK,
    "d": Reason.REDIRECTED_PERMANENT,
    "H": Reason.HTTP_404,
    "T": Reason.HTTP_5XX,
    "?": Reason.FORBIDDEN,
    "-": Reason.BLOCKED_ADDRESS,
}


def live(story: str, rules: ConfirmRules = RULES, gap_s: float = 300, full: bool = True) -> Iterator[Step]:
    standing = Standing()
    for number, letter in enumerate(story):
        at = START + timedelta(seconds=number * gap_s)
        step = advance(standing, JUDGEMENTS[SEEN[letter]], at, full, rules)
        yield step
        standing = step.standing


def states(steps: Iterable[Step]) -> str:
    return " ".join(step.standing.state for step in steps)


def told(steps: Iterable[Step]) -> list[str | None]:
    return [step.announce for step in steps if step.announce]


@pytest.mark.parametrize(
    ("story", "expected", "announced"),
    [
        ("o", "up", []),
        ("d", "degraded", []),
        ("odo", "up degraded up", []),
        ("-", "pending", []),
        ("?", "pending", []),
        ("o?-o", "up up up up", []),
        ("oH", "up failing", []),
        ("oHo", "up failing up", []),
        ("oHd", "up failing degraded", []),
        ("H", "failing", []),
        ("HH", "failing broken", ["broke"]),
        ("TT", "failing failing", []),
        ("TTT", "failing failing broken", ["broke"]),
        ("TH", "failing failing", []),
        ("HT", "failing failing", []),
        ("HTT", "failing failing broken", ["broke"]),
        ("THH", "failing failing broken", ["broke"]),
        ("TToTT", "failing failing up failing failing", []),
        ("H?H", "failing failing broken", ["broke"]),
        ("H-H", "failing failing broken", ["broke"]),
        ("HHHH", "failing broken broken broken", ["broke"]),
        ("HHo", "failing broken recovering", ["broke"]),
        ("HHoo", "failing broken recovering up", ["broke", "recovered"]),
        ("HHod", "failing broken recovering degraded", ["broke", "recovered"]),
        ("HHoHo", "failing broken recovering broken recovering", ["broke"]),
        ("HHoToo", "failing broken recovering broken recovering up", ["broke", "recovered"]),
        ("HHo?-o", "failing broken recovering recovering recovering up", ["broke", "recovered"]),
        ("HHooHH", "failing broken recovering up failing broken", ["broke", "recovered", "broke"]),
        ("o" + "?" * 9 + "o", "up " + "up " * 9 + "up", []),
        ("o" + "?" * 11, "up " + "up " * 9 + "unverifiable unverifiable", ["unverifiable"]),
        ("?" * 10 + "o", "pending " * 9 + "unverifiable up", ["unverifiable"]),
        ("?" * 10 + "HH", "pending " * 9 + "unverifiable failing broken", ["unverifiable", "broke"]),
        ("HH" + "?" * 12, "failing broken" + " broken" * 12, ["broke"]),
    ],
)
def test_the_stories_of_a_link(story: str, expected: str, announced: list[str]) -> None:
    steps = list(live(story))
    assert states(steps) == expected
    assert told(steps) == announced


def test_nobody_is_told_before_the_shortest_span_is_over() -> None:
    assert states(live("HHHHHH", gap_s=60)) == "failing failing failing failing failing broken"


def test_a_link_never_breaks_on_a_check_without_a_full_get() -> None:
    assert states(live("HHHHHH", full=False)) == " ".join(["failing"] * 6)


def test_the_first_failure_breaks_the_link_where_the_rules_say_so() -> None:
    assert told(live("ToHo", AT_ONCE)) == ["broke", "recovered", "broke", "recovered"]


def test_a_pure_row_is_judged_by_its_own_count_whichever_is_higher() -> None:
    rules = ConfirmRules(hard=4, transient=2, min_confirm_s=0)
    assert states(live("TT", rules)) == "failing broken"
    assert states(live("HHHH", rules)) == "failing failing failing broken"
    assert states(live("HTHH", rules)) == "failing failing failing broken"


def test_the_incident_starts_at_the_first_failure_and_ends_at_the_first_good_check() -> None:
    steps = list(live("oTTToo"))
    assert steps[3].incident_started_at == START + timedelta(seconds=300)
    assert steps[4].incident_started_at == START + timedelta(seconds=300)
    assert steps[5].announce is Announcement.RECOVERED
    assert steps[5].incident_started_at == START + timedelta(seconds=300)
    assert steps[5].incident_ended_at == START + timedelta(seconds=1200)


def test_a_relapse_belongs_to_the_same_incident() -> None:
    steps = list(live("HHoHoo"))
    assert steps[3].incident_started_at == START
    assert steps[5].incident_started_at == START
    assert steps[5].incident_ended_at == START + timedelta(seconds=1200)


def test_confirmations_are_due_at_their_offsets_from_the_first_failure() -> None:
    standing, at, waits = Standing(), START, []
    for _ in range(3):
        step = advance(standing, JUDGEMENTS[Reason.HTTP_5XX], at, True, RULES)
        waits.append(step.confirm_after_s)
        standing, at = step.standing, at + timedelta(seconds=step.confirm_after_s or 0)
    assert waits == [60, 240, None]
    assert standing.state is State.BROKEN
    assert at == START + timedelta(seconds=300)


def test_a_late_confirmation_is_not_followed_at_once_by_the_next() -> None:
    assert [step.confirm_after_s for step in live("TT", gap_s=295)] == [60, 60]


def test_confirmations_go_on_after_the_last_offset() -> None:
    assert [step.confirm_after_s for step in live("TTTTT", full=False)] == [60, 60, 300, 900, 900]


def test_a_failing_link_is_confirmed_soon_even_when_a_check_says_nothing() -> None:
    assert [step.confirm_after_s for step in live("T-?", gap_s=10)] == [60, 60, 60]


def test_a_recovering_link_is_checked_again_soon() -> None:
    assert [step.confirm_after_s for step in live("HHo-oo")] == [60, None, 60, 60, None, None]


def test_without_offsets_the_interval_confirms() -> None:
    rules = ConfirmRules(offsets_s=())
    assert [step.confirm_after_s for step in live("HHoo", rules)] == [None] * 4


def test_a_week_without_an_answer_makes_a_link_unverifiable() -> None:
    assert states(live("o???", gap_s=4 * 86_400)) == "up up up unverifiable"


def test_changed_is_said_exactly_when_the_state_changes() -> None:
    steps = list(live("?oo-dHHHo?HooHo" + "?" * 12 + "o"))
    before = [State.PENDING, *(step.standing.state for step in steps)]
    assert [step.changed for step in steps] == [old is not new for old, new in itertools.pairwise(before)]


@pytest.mark.parametrize(
    "wrong",
    [
        {"hard": 0},
        {"transient": 0},
        {"recover_ok": 0},
        {"unverifiable_after": 0},
        {"offsets_s": (60, 60)},
        {"offsets_s": (0, 60)},
    ],
)
def test_rules_that_make_no_sense_are_refused(wrong: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="must be"):
        ConfirmRules(**wrong)  # type: ignore[arg-type]  # the table mixes the types of several fields


SOME_RULES = st.builds(
    ConfirmRules,
    hard=st.integers(1, 4),
    transient=st.integers(1, 4),
    min_confirm_s=st.sampled_from([0, 100, 300]),
    offsets_s=st.sampled_from([(), (1,), (60, 300, 900)]),
    recover_ok=st.integers(1, 3),
)
SOME_CHECKS = st.lists(
    st.tuples(st.sampled_from("oodHHTT?-"), st.floats(1, 400), st.booleans()), min_size=1, max_size=60
)


@given(SOME_CHECKS, SOME_RULES)
def test_laws_that_hold_for_every_story(checks: list[tuple[str, float, bool]], rules: ConfirmRules) -> None:
    standing, at = Standing(), START
    row, good, open_since, first_bad = "", 0, None, None
    for letter, gap_s, full in checks:
        at += timedelta(seconds=gap_s)
        step = advance(standing, JUDGEMENTS[SEEN[letter]], at, full, rules)
        if letter in "HT":
            row, good, first_bad = row + letter, 0, first_bad or at
        elif letter in "od":
            row, good = "", good + 1

        if step.announce is Announcement.BROKE:
            assert open_since is None, "never told twice of one incident"
            assert letter in "HT", "never on anything but a failure"
            assert full, "never without a full GET"
            assert len(row) >= min(rules.hard, rules.transient)
            assert row.count("H") >= rules.hard or len(row) >= rules.transient or row.count("T") >= rules.transient
            assert first_bad is not None
            assert (at - first_bad).total_seconds() >= rules.min_confirm_s
            assert step.incident_started_at == first_bad
            open_since = first_bad
        if step.announce is Announcement.RECOVERED:
            assert open_since is not None, "never a recovery of nothing"
            assert good >= rules.recover_ok
            assert step.incident_started_at == open_since
            assert step.incident_ended_at is not None
            assert open_since < step.incident_ended_at <= at
            open_since = None
        if letter in "od" and open_since is None:
            first_bad = None

        assert step.changed == (step.standing.state is not standing.state)
        assert (step.standing.state in (State.BROKEN, State.RECOVERING)) == (open_since is not None)
        if letter in "?-" and step.announce is None:
            assert step.standing.state is standing.state
            assert step.standing.failures == standing.failures
            assert step.standing.ok_streak == standing.ok_streak
        if step.announce is Announcement.UNVERIFIABLE:
            first_bad, row = None, ""
        if rules.offsets_s and step.standing.state in (State.FAILING, State.RECOVERING):
            assert step.confirm_after_s is not None
            assert step.confirm_after_s > 0
        else:
            assert step.confirm_after_s is None
        standing = step.standing
