"""What processes together may ask of a host, kept in a real Redis."""

from __future__ import annotations

import itertools
import queue
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest
import redis

from cli.local.redis import Redis
from tasks.links.backoff import BackOff, Plea
from tasks.links.lanes import Grant, Pacing, Wish
from tasks.links.ledger import Ledger

REFUSED = Plea(0, refused=True)


class Process:
    """A ledger as one process has it, asked one thing after the other."""

    def __init__(self, url: str, limit: int, interval_s: float, lease_s: float, cap_s: float) -> None:
        self._answers: queue.Queue[list[Grant]] = queue.Queue()
        self.heard: queue.Queue[bool] = queue.Queue()
        back_off = BackOff(base_s=0.5, cap_s=cap_s)
        self.ledger = Ledger(url, back_off, self._answers.put, self.heard.put, lease_s)
        self._pacing = Pacing(limit, interval_s)

    def ask(self, wish: Wish) -> Grant:
        self.ledger.ask([replace(wish, pacing=wish.pacing or self._pacing)])
        [grant] = self._answers.get(timeout=5)
        return grant


Make = Callable[..., Process]


@pytest.fixture
def process(private_redis: Redis) -> Iterator[Make]:
    """Call for one more process: `limit`, `interval_s`, `lease_s`, `cap_s`."""
    made: list[Process] = []

    def make(limit: int = 10, interval_s: float = 0.0, lease_s: float = 10.0, cap_s: float = 60.0) -> Process:
        made.append(Process(private_redis.url, limit, interval_s, lease_s, cap_s))
        return made[-1]

    yield make
    for one in made:
        one.ledger.close()


@pytest.fixture
def host() -> str:
    """A host that no other test knows."""
    return f"{uuid.uuid4().hex}.example"


def slots(process: Process, host: str, want: int, active: int = 0) -> int:
    return process.ask(Wish(host, want, active, 0)).slots


def test_who_is_alone_gets_what_it_wants_up_to_the_limit(process: Make, host: str) -> None:
    one = process(limit=10)
    assert [slots(one, host, want) for want in (3, 10, 40, 0)] == [3, 10, 10, 0]


def test_slots_are_never_given_twice_and_go_round_fairly(process: Make, host: str) -> None:
    one, other = process(limit=10), process(limit=10)
    assert slots(one, host, 10) == 10
    assert slots(other, host, 10) == 0
    assert slots(one, host, 10, active=8) == 5
    # The one still uses eight, and was told to come down to five.
    assert slots(other, host, 10) == 2
    assert slots(one, host, 10, active=5) == 5
    assert slots(other, host, 10, active=2) == 5


def test_who_needs_little_gets_it_and_the_rest_is_for_the_others(process: Make, host: str) -> None:
    one, other = process(limit=10), process(limit=10)
    slots(one, host, 1)
    assert slots(other, host, 40) == 9


def test_a_single_slot_goes_round(process: Make, host: str) -> None:
    processes = [process(limit=1) for _ in range(3)]
    had: set[int] = set()
    deadline = time.monotonic() + 6
    while len(had) < 3 and time.monotonic() < deadline:
        now = [number for number, one in enumerate(processes) if slots(one, host, 1)]
        assert len(now) <= 1
        had.update(now)
        time.sleep(0.05)
    assert had == {0, 1, 2}


def test_the_slots_of_a_process_that_is_gone_come_back(process: Make, host: str) -> None:
    gone, other = process(limit=2, lease_s=0.5), process(limit=2)
    assert slots(gone, host, 2, active=2) == 2
    assert slots(other, host, 2) == 0
    time.sleep(0.6)
    assert slots(other, host, 2) == 2


def test_what_is_given_back_is_free_at_once(process: Make, host: str) -> None:
    one, other = process(limit=2), process(limit=2)
    slots(one, host, 2)
    one.ledger.close()
    one.ledger.part([Wish(host, 0, 0, 0)])
    assert slots(other, host, 2) == 2


def test_starts_of_all_processes_are_apart(process: Make, host: str) -> None:
    one, other = process(limit=0, interval_s=0.1), process(limit=0, interval_s=0.1)
    began = time.monotonic()
    starts: list[float] = []
    for each in (one, other, one, other):
        grant = each.ask(Wish(host, 9, 0, 9))
        starts += [time.monotonic() - began + start_s for start_s in grant.starts_s]
    assert len(starts) >= 8
    assert all(later - earlier > 0.09 for earlier, later in itertools.pairwise(starts))


def test_no_more_starts_are_given_than_there_are_slots(process: Make, host: str) -> None:
    one = process(limit=2, interval_s=0.01)
    assert len(one.ask(Wish(host, 9, 1, 8)).starts_s) == 1


def test_where_processes_differ_in_how_to_spare_a_host_the_strictest_holds(process: Make, host: str) -> None:
    lenient, strict = process(limit=10), process(limit=2)
    assert slots(lenient, host, 10) == 10
    assert slots(strict, host, 2) == 0
    assert slots(lenient, host, 10, active=1) == 1
    assert slots(strict, host, 2) == 1
    assert slots(strict, host, 0) == 0
    assert slots(lenient, host, 10) == 10


def test_the_slowest_interval_of_all_holds_even_after_everybody_was_away(process: Make, host: str) -> None:
    fast, slow = process(interval_s=0.01, lease_s=0.1), process(interval_s=30, lease_s=0.1)
    assert slow.ask(Wish(host, 1, 0, 1)).starts_s == [0.0]
    time.sleep(0.3)
    [start_s] = fast.ask(Wish(host, 1, 0, 1)).starts_s
    assert start_s == pytest.approx(29.7, abs=0.2)


def test_a_refusal_holds_for_all_processes(process: Make, host: str) -> None:
    one, other = process(), process()
    assert one.ask(Wish(host, 2, 1, 0, plea=Plea(30, refused=True))).pause_s == pytest.approx(30, abs=0.1)
    grant = other.ask(Wish(host, 2, 0, 0))
    assert (grant.slots, grant.strikes) == (0, 1)
    assert grant.pause_s == pytest.approx(30, abs=0.5)
    assert slots(other, "another.example", 2) == 2


def test_a_pause_has_a_cap(process: Make, host: str) -> None:
    assert process(cap_s=5).ask(Wish(host, 0, 0, 0, plea=Plea(9999, refused=True))).pause_s == pytest.approx(5, abs=0.1)


def test_refusals_in_a_row_grow_the_pause_and_those_of_one_moment_count_once(process: Make, host: str) -> None:
    one, other = process(), process()
    assert one.ask(Wish(host, 0, 0, 0, plea=REFUSED)).strikes == 1
    assert other.ask(Wish(host, 0, 0, 0, plea=REFUSED)).strikes == 1
    time.sleep(0.6)
    grant = other.ask(Wish(host, 0, 0, 0, plea=REFUSED))
    assert (grant.strikes, round(grant.pause_s, 1)) == (2, 1.0)
    time.sleep(1.1)
    assert one.ask(Wish(host, 0, 0, 0, eased=True)).strikes == 0
    assert other.ask(Wish(host, 0, 0, 0, plea=REFUSED)).pause_s == pytest.approx(0.5, abs=0.1)


def test_a_spent_quota_pauses_and_is_no_refusal(process: Make, host: str) -> None:
    grant = process().ask(Wish(host, 0, 0, 0, plea=Plea(7, refused=False)))
    assert (round(grant.pause_s), grant.strikes) == (7, 0)


def test_nothing_is_kept_for_ever(process: Make, host: str, private_redis: Redis) -> None:
    one = process()
    slots(one, host, 1)
    one.ask(Wish(host, 0, 0, 0, plea=REFUSED))
    with redis.Redis.from_url(private_redis.url) as client:
        assert 0 < client.pttl(f"pranala:host:{host}") <= 700_000


def test_the_loss_of_redis_is_told_and_its_return(process: Make, host: str, private_redis: Redis) -> None:
    one = process()
    slots(one, host, 1)
    private_redis.kill()
    one.ledger.ask([Wish(host, 1, 0, 0)])
    assert one.heard.get(timeout=5) is False
    private_redis.start()
    assert one.heard.get(timeout=5) is True
    assert slots(one, host, 1) == 1
