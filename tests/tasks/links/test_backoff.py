"""What servers ask for, and how long it is heeded: a table each."""

from datetime import UTC, datetime

import pytest

from tasks.links.backoff import BackOff, Plea, read_plea

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
IN_A_MINUTE = "Sat, 21 Nov 2026 12:01:00 GMT"
EPOCH_IN_A_MINUTE = str(int(NOW.timestamp()) + 60)


@pytest.mark.parametrize(
    ("status", "headers", "seconds"),
    [
        (429, {}, 0),
        (429, {"retry-after": "120"}, 120),
        (429, {"retry-after": IN_A_MINUTE}, 60),
        (429, {"retry-after": "soon"}, 0),
        (429, {"retry-after": "-5"}, 0),
        (429, {"ratelimit-remaining": "0", "ratelimit-reset": "30"}, 30),
        (429, {"retry-after": "5", "ratelimit-remaining": "0", "ratelimit-reset": "30"}, 5),
        (429, {"x-ratelimit-remaining": "0", "x-ratelimit-reset": EPOCH_IN_A_MINUTE}, 60),
        (429, {"ratelimit": '"minute";r=0;t=40, "day";r=9;t=7000'}, 40),
        (503, {"retry-after": "10"}, 10),
        (503, {"retry-after": ""}, 0),
    ],
)
def test_a_refusal_says_how_long_it_lasts_or_not(status: int, headers: dict[str, str], seconds: float) -> None:
    assert read_plea(status, headers, NOW) == Plea(seconds, refused=True)


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"ratelimit-remaining": "0", "ratelimit-reset": "30"}, 30),
        ({"x-ratelimit-remaining": "0", "x-ratelimit-reset": EPOCH_IN_A_MINUTE}, 60),
        ({"ratelimit": '"default";r=0;t=12'}, 12),
        ({"ratelimit": "limit=100, remaining=0, reset=12"}, 12),
    ],
)
def test_a_success_may_say_that_it_was_the_last(headers: dict[str, str], seconds: float) -> None:
    assert read_plea(200, headers, NOW) == Plea(seconds, refused=False)


@pytest.mark.parametrize(
    ("status", "headers"),
    [
        (200, {}),
        (200, {"retry-after": "10"}),
        (200, {"ratelimit-remaining": "7", "ratelimit-reset": "30"}),
        (200, {"ratelimit-remaining": "0"}),
        (200, {"ratelimit-remaining": "0", "ratelimit-reset": "nan"}),
        (200, {"x-ratelimit-remaining": "0", "x-ratelimit-reset": "1000000001"}),
        (200, {"ratelimit": "nonsense;;=,"}),
        (200, {"ratelimit": "limit=100, remaining=1, reset=12"}),
        (200, {"ratelimit": "limit=100, remaining=0"}),
        (503, {}),
        (500, {"retry-after": "10"}),
    ],
)
def test_other_answers_ask_for_nothing(status: int, headers: dict[str, str]) -> None:
    assert read_plea(status, headers, NOW) is None


@pytest.mark.parametrize(
    ("told", "strikes", "pause"),
    [(0, 1, 0.5), (0, 2, 1), (0, 4, 4), (0, 100, 60), (10, 1, 10), (1, 3, 2), (9999, 1, 60), (7, 0, 7)],
)
def test_a_pause_is_what_is_asked_for_or_grows_and_is_never_over_the_cap(
    told: float, strikes: int, pause: float
) -> None:
    assert BackOff(base_s=0.5, cap_s=60).pause_s(Plea(told, refused=strikes > 0), strikes) == pause


def test_a_cap_of_zero_heeds_nothing() -> None:
    assert BackOff(cap_s=0).pause_s(Plea(120, refused=True), 3) == 0
