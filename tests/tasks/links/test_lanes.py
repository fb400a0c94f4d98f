"""Politeness by host, without a clock or a network."""

from tasks.links.lanes import Lanes


def taken(lanes: Lanes[str], now: float) -> list[str]:
    items = []
    while ready := lanes.take(now):
        items.append(ready[1])
    return items


def fill(lanes: Lanes[str], host: str, count: int) -> None:
    for number in range(count):
        lanes.put(host, f"{host}{number}", 0.0)


def test_a_host_has_no_more_than_its_limit_at_once() -> None:
    lanes: Lanes[str] = Lanes(limit=2, interval_s=0)
    fill(lanes, "a", 5)
    assert taken(lanes, 0.0) == ["a0", "a1"]
    lanes.release("a", 0.0)
    assert taken(lanes, 0.0) == ["a2"]


def test_starts_of_a_host_are_spaced() -> None:
    lanes: Lanes[str] = Lanes(limit=0, interval_s=0.5)
    fill(lanes, "a", 3)
    assert taken(lanes, 0.0) == ["a0"]
    assert lanes.next_at() == 0.5
    assert taken(lanes, 0.4) == []
    assert taken(lanes, 0.5) == ["a1"]
    assert taken(lanes, 9.0) == ["a2"]
    assert lanes.next_at() is None


def test_spacing_outlives_an_empty_lane() -> None:
    lanes: Lanes[str] = Lanes(limit=1, interval_s=0.5)
    fill(lanes, "a", 1)
    assert taken(lanes, 0.0) == ["a0"]
    lanes.release("a", 0.1)
    lanes.put("a", "again", 0.1)
    assert taken(lanes, 0.1) == []
    assert taken(lanes, 0.5) == ["again"]


def test_hosts_take_turns_and_never_wait_for_each_other() -> None:
    lanes: Lanes[str] = Lanes(limit=0, interval_s=0)
    fill(lanes, "a", 3)
    fill(lanes, "b", 2)
    assert taken(lanes, 0.0) == ["a0", "b0", "a1", "b1", "a2"]


def test_a_host_at_its_limit_holds_up_nobody() -> None:
    lanes: Lanes[str] = Lanes(limit=1, interval_s=0)
    fill(lanes, "a", 3)
    fill(lanes, "b", 1)
    assert taken(lanes, 0.0) == ["a0", "b0"]


def test_without_rules_everything_starts() -> None:
    lanes: Lanes[str] = Lanes(limit=0, interval_s=0)
    fill(lanes, "a", 100)
    assert len(taken(lanes, 0.0)) == 100


def test_what_is_put_first_goes_first() -> None:
    lanes: Lanes[str] = Lanes(limit=0, interval_s=0)
    fill(lanes, "a", 2)
    lanes.put("a", "urgent", 0.0, first=True)
    assert taken(lanes, 0.0) == ["urgent", "a0", "a1"]


def test_ten_thousands_of_hosts_leave_nothing_behind() -> None:
    lanes: Lanes[str] = Lanes(limit=1, interval_s=0)
    for number in range(50_000):
        lanes.put(f"host{number}", "x", 0.0)
        assert lanes.take(0.0)
        lanes.release(f"host{number}", 0.0)
    assert len(lanes) <= 10_000
