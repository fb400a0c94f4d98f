"""When a delivery that failed is tried again, and when no more."""

from __future__ import annotations

from collections.abc import Sequence

# A receiver that asks for more patience than this is not asking for patience.
LONGEST_RETRY_AFTER_S = 86_400.0
SPREAD = 0.2
# Attempts whose end was never seen (a worker was killed) may be made again, but not for ever.
LOST_ATTEMPTS = 3
CROWD_WAIT_S = 5.0
CROWD_SPREAD_S = 25.0


def wait_s(failed: int, backoff_s: Sequence[float], retry_after_s: float | None, chance: float) -> float | None:
    """Seconds from the `failed`-th failure to the next attempt; None when none is left.

    Never sooner than the receiver asked for. `chance`, in [0, 1), spreads what failed together.
    """
    if failed > len(backoff_s):
        return None
    asked_s = min(retry_after_s or 0.0, LONGEST_RETRY_AFTER_S)
    return max(backoff_s[failed - 1], asked_s) * (1 + SPREAD * chance)


def is_spent(begun: int, backoff_s: Sequence[float]) -> bool:
    """Have so many attempts begun that another one, even after lost ones, would be one too many?"""
    return begun > len(backoff_s) + LOST_ATTEMPTS


def is_crowded(failures: int, sending: int) -> bool:
    """Is a channel that did not answer being tried already? One attempt at a time finds out if it is back.

    A healthy channel takes as many at once as there are workers.
    """
    return failures > 0 and sending > 0


def crowd_wait_s(chance: float) -> float:
    """Seconds until a delivery that met a crowd looks again."""
    return CROWD_WAIT_S + CROWD_SPREAD_S * chance
