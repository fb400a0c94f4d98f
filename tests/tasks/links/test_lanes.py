"""Politeness by host, without a clock or a network."""

import pytest

from tasks.links.backoff import BackOff, Plea
from tasks.links.lanes import Grant, Lanes, Pacing, Wish

REFUSED = Plea(0, refused=True)


def taken(lanes: Lanes[str], now: float) -> list[str]:
    items = []
    while ready := lanes.take(now):
        items.append(ready[1])
    return items


def fill(lanes: Lanes[str], host: str, count: int) -> None:
    for number in range(count):
        lanes.put(host, f"{host}{number}", 0.0)


def test_a_host_has_no_more_than_its_limit_at_once() -> None:
    lanes: Lanes[str] = Lanes(Pacing(2, 0), BackOff())
    fill(lanes, "a", 5)
    assert taken(lanes, 0.0) == ["a0", "a1"]
    lanes.release("a", 0.0)
    assert taken(lanes, 0.0) == ["a2"]


def test_starts_of_a_host_are_spaced() -> None:
    lanes: Lanes[str] = Lanes(Pacing(0, 0.5), BackOff())
    fill(lanes, "a", 3)
    assert taken(lanes, 0.0) == ["a0"]
    assert lanes.next_at() == 0.5
    assert taken(lanes, 0.4) == []
    assert taken(lanes, 0.5) == ["a1"]
    assert taken(lanes, 9.0) == ["a2"]
    assert lanes.next_at() is None


def test_spacing_outlives_an_empty_lane() -> None:
    lanes: Lanes[str] = Lanes(Pacing(1, 0.5), BackOff())
    fill(lanes, "a", 1)
    assert taken(lanes, 0.0) == ["a0"]
    lanes.release("a", 0.1)
    lanes.put("a", "again", 0.1)
    assert taken(lanes, 0.1) == []
    assert taken(lanes, 0.5) == ["again"]


def test_hosts_take_turns_and_never_wait_for_each_other() -> None:
    lanes: Lanes[str] = Lanes(Pacing(0, 0), BackOff())
    fill(lanes, "a", 3)
    fill(lanes, "b", 2)
    assert taken(lanes, 0.0) == ["a0", "b0", "a1", "b1", "a2"]


def test_a_host_at_its_limit_holds_up_nobody() -> None:
    lanes: Lanes[str] = Lanes(Pacing(1, 0), BackOff())
    fill(lanes, "a", 3)
    fill(lanes, "b", 1)
    assert taken(lanes, 0.0) == ["a0", "b0"]


def test_without_rules_everything_starts() -> None:
    lanes: Lanes[str] = Lanes(Pacing(0, 0), BackOff())
    fill(lanes, "a", 100)
    assert len(taken(lanes, 0.0)) == 100


def test_what_is_put_first_goes_first() -> None:
    lanes: Lanes[str] = Lanes(Pacing(0, 0), BackOff())
    fill(lanes, "a", 2)
    lanes.put("a", "urgent", 0.0, first=True)
    assert taken(lanes, 0.0) == ["urgent", "a0", "a1"]


@pytest.mark.parametrize(
    ("one", "other", "together"),
    [
        (Pacing(5, 0.1), Pacing(2, 0.0), Pacing(2, 0.1)),
        (Pacing(0, 0.1), Pacing(2, 0.5), Pacing(2, 0.5)),
        (Pacing(), Pacing(), Pacing()),
    ],
)
def test_of_two_pacings_the_strictest_does_justice_to_both(one: Pacing, other: Pacing, together: Pacing) -> None:
    assert one.strictest(other) == other.strictest(one) == together


def test_a_host_is_spared_as_its_items_want_it_for_as_long_as_they_are_there() -> None:
    lanes: Lanes[str] = Lanes(Pacing(3), BackOff())
    for number in range(4):
        lanes.put("a", f"a{number}", 0.0, pacing=Pacing(1, 0.5))
    fill(lanes, "b", 4)
    assert taken(lanes, 0.0) == ["a0", "b0", "b1", "b2"]
    lanes.put("a", "usual", 0.1)
    lanes.release("a", 0.1)
    assert taken(lanes, 0.1) == []
    for _ in range(4):
        assert len(taken(lanes, lanes.next_at() or 0.0)) == 1
        lanes.release("a", 0.1)
    fill(lanes, "a", 4)
    assert taken(lanes, 9.0) == ["a0", "a1", "a2"]


def test_only_what_has_a_pacing_is_asked_for() -> None:
    lanes = shared(limit=0)
    fill(lanes, "a", 2)
    lanes.put("b", "b0", 0.0, pacing=Pacing(1))
    assert taken(lanes, 0.0) == ["a0", "a1"]
    assert [wish.host for wish in wishes(lanes, 0.0)] == ["b"]


def test_of_starts_far_apart_only_the_next_is_asked_for() -> None:
    lanes = shared(limit=0, interval_s=10)
    fill(lanes, "a", 5)
    assert [wish.starts for wish in wishes(lanes, 0.0)] == [1]
    lanes.grant([granted("a", 5, 4.0)], 0.0)
    assert [wish.starts for wish in wishes(lanes, 1.0)] == [0]


def test_turns_are_given_in_order_behind_all_that_wait_and_all_that_will_come_back() -> None:
    lanes: Lanes[str] = Lanes(Pacing(0, 0.5), BackOff())
    assert lanes.turn_s("a", 0.0) == 0
    fill(lanes, "a", 10)
    assert lanes.turn_s("a", 0.0) == 5
    assert [lanes.promise("a", 0.0) for _ in range(3)] == [5.0, 5.5, 6.0]
    assert lanes.promised_s("a", 1.0) == 5.5
    assert lanes.promised_s("b", 1.0) < 0


def test_a_host_that_others_ask_too_has_its_turns_as_far_apart_as_they_come_out() -> None:
    lanes: Lanes[str] = Lanes(Pacing(0, 0.5), BackOff())
    fill(lanes, "a", 100)
    for number in range(50):
        assert lanes.take(number * 2.0)
    assert lanes.turn_s("a", 98.0) == pytest.approx(50 * 2.0, rel=0.05)


def test_ten_thousands_of_hosts_leave_nothing_behind() -> None:
    lanes: Lanes[str] = Lanes(Pacing(1, 0), BackOff())
    for number in range(50_000):
        lanes.put(f"host{number}", "x", 0.0)
        assert lanes.take(0.0)
        lanes.release(f"host{number}", 0.0)
    assert len(lanes) <= 10_000


def test_a_host_that_refuses_is_left_alone_and_others_are_not() -> None:
    lanes: Lanes[str] = Lanes(Pacing(0, 0), BackOff())
    fill(lanes, "a", 2)
    fill(lanes, "b", 1)
    lanes.heed("a", Plea(10, refused=True), 0.0)
    assert taken(lanes, 0.0) == ["b0"]
    assert lanes.paused_s("a", 4.0) == 6.0
    assert taken(lanes, 9.9) == []
    assert taken(lanes, 10.0) == ["a0", "a1"]


def test_refusals_in_a_row_make_the_pause_longer_and_an_answer_makes_it_short_again() -> None:
    lanes: Lanes[str] = Lanes(Pacing(0, 0), BackOff(base_s=0.5, cap_s=3))
    pauses = []
    now = 0.0
    for _ in range(4):
        lanes.heed("a", REFUSED, now)
        pauses.append(lanes.paused_s("a", now))
        now += pauses[-1]
    lanes.ease("a", now, now)
    lanes.heed("a", REFUSED, now)
    assert [*pauses, lanes.paused_s("a", now)] == [0.5, 1, 2, 3, 0.5]


def test_refusals_of_requests_that_were_under_way_together_count_once() -> None:
    lanes: Lanes[str] = Lanes(Pacing(0, 0), BackOff())
    for late in (0.0, 0.1, 0.2):
        lanes.heed("a", REFUSED, late)
    assert lanes.paused_s("a", 0.2) == pytest.approx(0.5)
    lanes.ease("a", started_at=-1.0, now=0.3)
    lanes.heed("a", REFUSED, 1.0)
    assert lanes.paused_s("a", 1.0) == 1.0


def test_what_waits_for_a_host_can_be_taken_away() -> None:
    lanes: Lanes[str] = Lanes(Pacing(1, 0), BackOff())
    fill(lanes, "a", 3)
    fill(lanes, "b", 1)
    assert lanes.drain("a") == ["a0", "a1", "a2"]
    assert taken(lanes, 0.0) == ["b0"]


def shared(limit: int = 2, interval_s: float = 0) -> Lanes[str]:
    return Lanes(Pacing(limit, interval_s), BackOff(), shared=True)


def granted(host: str, slots: int, *starts_s: float, pause_s: float = 0.0) -> Grant:
    return Grant(host, slots, starts_s, pause_s, strikes=0, valid_s=10)


def wishes(lanes: Lanes[str], now: float, room: int = 100) -> list[Wish]:
    return lanes.wishes(now, room, most=100)


def test_nothing_of_a_shared_host_starts_before_it_is_granted() -> None:
    lanes = shared(limit=2)
    fill(lanes, "a", 3)
    assert taken(lanes, 0.0) == []
    assert wishes(lanes, 0.0) == [Wish("a", want=2, active=0, starts=0, pacing=Pacing(2))]
    assert wishes(lanes, 0.0) == []
    lanes.grant([granted("a", 2)], 0.0)
    assert taken(lanes, 0.0) == ["a0", "a1"]
    lanes.release("a", 0.1)
    assert taken(lanes, 0.1) == ["a2"]


def test_starts_are_granted_too_and_a_missed_one_is_lost() -> None:
    lanes = shared(limit=5, interval_s=0.1)
    fill(lanes, "a", 3)
    assert wishes(lanes, 0.0) == [Wish("a", want=3, active=0, starts=3, pacing=Pacing(5, 0.1))]
    lanes.grant([granted("a", 3, 0.0, 0.1, 0.2)], 0.0)
    assert taken(lanes, 0.0) == ["a0"]
    assert taken(lanes, 0.09) == []
    assert taken(lanes, 0.21) == ["a1"]
    assert [wish.starts for wish in wishes(lanes, 0.3)] == [1]


def test_while_it_asks_a_lane_uses_no_more_than_it_said() -> None:
    lanes = shared(limit=3)
    fill(lanes, "a", 4)
    wishes(lanes, 0.0)
    lanes.grant([granted("a", 3)], 0.0)
    assert lanes.take(0.0)
    assert [wish.active for wish in wishes(lanes, 0.3)] == [1]
    assert taken(lanes, 0.3) == []


def test_what_is_not_needed_is_given_back() -> None:
    lanes = shared()
    fill(lanes, "a", 1)
    wishes(lanes, 0.0)
    lanes.grant([granted("a", 1)], 0.0)
    assert taken(lanes, 0.0) == ["a0"]
    lanes.release("a", 0.0)
    assert lanes.ask_at() is not None
    assert wishes(lanes, 1.0) == [Wish("a", want=0, active=0, starts=0, pacing=Pacing(2))]


def test_a_grant_that_lapsed_starts_nothing() -> None:
    lanes = shared()
    fill(lanes, "a", 1)
    wishes(lanes, 0.0)
    lanes.grant([granted("a", 1)], 0.0)
    assert taken(lanes, 10.0) == []


def test_a_process_without_room_asks_for_nothing_more() -> None:
    lanes = shared()
    fill(lanes, "a", 1)
    fill(lanes, "b", 1)
    assert [wish.host for wish in wishes(lanes, 0.0, room=0)] == []
    assert [wish.host for wish in wishes(lanes, 0.0, room=1)] == ["a"]


def test_what_others_were_told_is_heeded_here() -> None:
    lanes = shared()
    fill(lanes, "a", 1)
    wishes(lanes, 0.0)
    assert lanes.grant([granted("a", 0, pause_s=5)], 0.0) == ["a"]
    assert lanes.paused_s("a", 0.0) == 5
    assert lanes.ask_at() == 5


def test_a_refusal_is_passed_on() -> None:
    lanes = shared()
    fill(lanes, "a", 2)
    wishes(lanes, 0.0)
    lanes.grant([granted("a", 2)], 0.0)
    assert len(taken(lanes, 0.0)) == 2
    lanes.release("a", 0.1)
    lanes.heed("a", REFUSED, 0.1)
    assert [wish.plea for wish in wishes(lanes, 0.1)] == [REFUSED]


def test_while_there_is_nobody_to_ask_the_limits_hold_within_the_process() -> None:
    lanes = shared(limit=2)
    fill(lanes, "a", 3)
    wishes(lanes, 0.0)
    lanes.share(False, 0.0)
    assert taken(lanes, 0.0) == ["a0", "a1"]
    lanes.share(True, 1.0)
    lanes.release("a", 1.0)
    assert taken(lanes, 1.0) == []
    assert [wish.active for wish in wishes(lanes, 1.0)] == [1]
