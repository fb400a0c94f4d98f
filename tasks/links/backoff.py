"""Pure: when a server asks to be left alone, and for how long that is heeded."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from tasks.links.verdict import retry_after_s

# Above this a reset is a moment in time (GitHub's way), below it a number of seconds (everybody else's).
EARLIEST_EPOCH = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Plea:
    """A server's wish for fewer requests: for `seconds`, where it said how long, and whether it `refused` this one."""

    seconds: float
    refused: bool


@dataclass(frozen=True, slots=True)
class BackOff:
    """How long a host is left alone: what it asks for, at least `base_s` doubled by each refusal, at most `cap_s`.

    A cap of 0 heeds nothing.
    """

    base_s: float = 0.5
    cap_s: float = 3600.0

    def pause_s(self, plea: Plea, strikes: int) -> float:
        """The pause after a plea, the last of so many refusals in a row."""
        grown = self.base_s * 2.0 ** min(strikes - 1, 30) if strikes else 0.0
        return min(max(plea.seconds, grown), self.cap_s)


def read_plea(status: int, headers: Mapping[str, str], now: datetime) -> Plea | None:
    """What an answer asks for; `headers` have lower-case names. None where it asks for nothing.

    A 503 without Retry-After may be one page's trouble. A success can ask as well: nothing is left of its quota.
    """
    if status == 429 or (status == 503 and "retry-after" in headers):
        told = retry_after_s(headers.get("retry-after", ""), now)
        return Plea(told if told is not None else spent_s(headers, now) or 0.0, refused=True)
    spent = spent_s(headers, now)
    return Plea(spent, refused=False) if spent else None


def spent_s(headers: Mapping[str, str], now: datetime) -> float | None:
    """The seconds until a spent quota is filled again; None while there is some left, or no word of it.

    `RateLimit-Remaining` and `RateLimit-Reset`, with or without X-, and both forms that the drafts had of one header
    (`RateLimit: limit=9, remaining=0, reset=30`, then `RateLimit: "default";r=0;t=30`).
    """
    for prefix in ("ratelimit", "x-ratelimit"):
        if headers.get(f"{prefix}-remaining", "").strip() == "0":
            return _reset_s(headers.get(f"{prefix}-reset", ""), now)
    told = headers.get("ratelimit", "")
    one = _parameters(told.replace(",", ";"))
    if one.get("remaining") == "0":
        return _reset_s(one.get("reset", ""), now)
    quotas = (_parameters(quota) for quota in told.split(","))
    resets = [_reset_s(quota.get("t", ""), now) for quota in quotas if quota.get("r") == "0"]
    return max((reset for reset in resets if reset is not None), default=None)


def _parameters(quota: str) -> dict[str, str]:
    pairs = (part.partition("=") for part in quota.split(";"))
    return {name.strip(): value.strip() for name, _, value in pairs}


def _reset_s(value: str, now: datetime) -> float | None:
    try:
        number = float(value)
    except ValueError:
        return None
    if number != number or number < 0:  # NaN is not itself
        return None
    return max(number - now.timestamp(), 0.0) if number > EARLIEST_EPOCH else number
