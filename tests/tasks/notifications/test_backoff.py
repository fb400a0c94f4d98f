import pytest

from tasks.notifications.backoff import crowd_wait_s, is_crowded, is_spent, wait_s

STEPS = (5.0, 300.0, 1800.0)


@pytest.mark.parametrize(
    ("failed", "retry_after_s", "expected"),
    [
        (1, None, 5.0),
        (2, None, 300.0),
        (3, None, 1800.0),
        (4, None, None),
        (1, 60.0, 60.0),
        (2, 60.0, 300.0),
        (4, 60.0, None),
        (1, 0.0, 5.0),
        (1, 10_000_000.0, 86_400.0),
    ],
)
def test_the_wait_is_the_next_step_or_what_the_receiver_asks_for(
    failed: int, retry_after_s: float | None, expected: float | None
) -> None:
    assert wait_s(failed, STEPS, retry_after_s, chance=0.0) == expected


def test_what_failed_together_is_spread_and_never_early() -> None:
    waits = [wait_s(2, STEPS, None, chance / 10) or 0 for chance in range(10)]
    assert min(waits) == 300.0
    assert len(set(waits)) == 10
    assert max(waits) < 360.0


def test_without_steps_there_is_one_attempt() -> None:
    assert wait_s(1, (), None, chance=0.5) is None


@pytest.mark.parametrize(("begun", "expected"), [(0, False), (4, False), (6, False), (7, True), (50, True)])
def test_lost_attempts_are_made_again_but_not_for_ever(begun: int, expected: bool) -> None:
    assert is_spent(begun, STEPS) is expected


@pytest.mark.parametrize(
    ("failures", "sending", "expected"), [(0, 0, False), (0, 50, False), (1, 0, False), (1, 1, True), (9, 3, True)]
)
def test_only_a_channel_that_failed_is_tried_one_at_a_time(failures: int, sending: int, expected: bool) -> None:
    assert is_crowded(failures, sending) is expected
    assert 5.0 <= crowd_wait_s(0.99) <= 30.0
