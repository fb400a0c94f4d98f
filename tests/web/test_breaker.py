import threading

import pytest

from web.breaker import Breaker, CircuitOpen


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


class Away(Exception):
    pass


class NotFound(Exception):
    pass


def call(breaker: Breaker, error: Exception | None = None) -> str:
    """What came of one call: fine, failed or refused."""
    try:
        with breaker.guard(lambda raised: isinstance(raised, Away)):
            if error:
                raise error
    except CircuitOpen:
        return "refused"
    except (Away, NotFound):
        return "failed"
    return "fine"


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def breaker(clock: Clock) -> Breaker:
    return Breaker(failures=3, rest_s=5, clock=clock)


def test_it_opens_after_failures_in_a_row_and_not_before(breaker: Breaker) -> None:
    assert [call(breaker, Away()), call(breaker, Away()), call(breaker)] == ["failed", "failed", "fine"]
    assert [call(breaker, Away()) for _ in range(5)] == ["failed"] * 3 + ["refused"] * 2
    assert breaker.is_open


def test_errors_of_the_caller_do_not_count_and_end_a_row(breaker: Breaker) -> None:
    for _ in range(10):
        call(breaker, Away())
        call(breaker, Away())
        call(breaker, NotFound())
    assert not breaker.is_open


def test_after_its_rest_one_call_decides(breaker: Breaker, clock: Clock) -> None:
    for _ in range(3):
        call(breaker, Away())
    clock.now = 5
    assert [call(breaker, Away()), call(breaker)] == ["failed", "refused"]
    clock.now = 10
    assert [call(breaker), call(breaker)] == ["fine", "fine"]
    assert not breaker.is_open


def test_while_one_call_decides_the_others_are_refused_with_the_time_to_wait(breaker: Breaker, clock: Clock) -> None:
    for _ in range(3):
        call(breaker, Away())
    clock.now = 5
    with breaker.guard(lambda _: True):
        clock.now = 6
        with pytest.raises(CircuitOpen) as refusal, breaker.guard(lambda _: True):
            pass
    assert refusal.value.retry_after_s == 4
    assert not breaker.is_open


def test_calls_run_beside_each_other(breaker: Breaker) -> None:
    both = threading.Barrier(2, timeout=5)

    def meet() -> None:
        with breaker.guard(lambda _: True):
            both.wait()

    threads = [threading.Thread(target=meet) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not both.broken


def test_each_change_is_told_once(breaker: Breaker, clock: Clock) -> None:
    told: list[bool] = []
    breaker.on_change = told.append
    for _ in range(5):
        call(breaker, Away())
    clock.now = 5
    call(breaker)
    assert told == [True, False]
