"""How often a link is looked at: its own interval, or longer where that would tell little."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from tasks.links.state import State

BROKEN_STEP = timedelta(days=7)
STABLE_STEP = timedelta(days=30)
# Beyond this the factor is out of any setting's reach.
STEPS_MOST = 20


@dataclass(frozen=True, slots=True)
class Pace:
    """How many times longer an interval may become: doubled for each week that a link has been broken, and for each
    30 days that it has been up. 1 is never."""

    broken_most: float = 4.0
    stable_most: float = 1.0

    def interval_s(self, own_s: int, state: State, age: timedelta) -> int:
        """Seconds to the next check of a link that has been in this state for so long."""
        if state is State.BROKEN:
            return round(own_s * _factor(age, BROKEN_STEP, self.broken_most))
        if state is State.UP:
            return round(own_s * _factor(age, STABLE_STEP, self.stable_most))
        return own_s


def _factor(age: timedelta, step: timedelta, most: float) -> float:
    if most <= 1:
        return 1.0
    doublings = min(max(age // step, 0), STEPS_MOST)
    return max(1.0, min(2.0**doublings, most))
