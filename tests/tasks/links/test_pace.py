from datetime import timedelta

import pytest

from tasks.links.pace import Pace
from tasks.links.state import State


@pytest.mark.parametrize(
    ("state", "days", "expected"),
    [
        (State.BROKEN, 0, 3600),
        (State.BROKEN, 6, 3600),
        (State.BROKEN, 7, 7200),
        (State.BROKEN, 14, 14_400),
        (State.BROKEN, 10_000, 14_400),
        (State.UP, 29, 3600),
        (State.UP, 30, 7200),
        (State.UP, 900, 7200),
        (State.DEGRADED, 900, 3600),
        (State.FAILING, 900, 3600),
        (State.UNVERIFIABLE, 900, 3600),
        # A clock that was put back.
        (State.BROKEN, -1, 3600),
    ],
)
def test_a_link_is_looked_at_less_often_the_longer_nothing_changes(state: State, days: int, expected: int) -> None:
    pace = Pace(broken_most=4, stable_most=2)
    assert pace.interval_s(3600, state, timedelta(days=days)) == expected


def test_a_factor_below_one_makes_nothing_faster() -> None:
    assert Pace(0, 0).interval_s(3600, State.BROKEN, timedelta(days=700)) == 3600
