"""One lane a host: how many requests may be under way to it, and how far apart they start."""

import heapq
import itertools
from collections import deque
from dataclasses import dataclass, field
from typing import Generic, TypeVar

Item = TypeVar("Item")

# Lanes that nobody uses are cleared away when so many have come up.
CLEAR_AT = 10_000


@dataclass(slots=True, eq=False)
class Lane(Generic[Item]):
    host: str
    waiting: deque[Item] = field(default_factory=deque)
    active: int = 0
    next_at: float = 0.0
    # In the queue of ready lanes or of delayed ones, so that it is never in both.
    queued: bool = False


class Lanes(Generic[Item]):
    """Queues by host that are served in turn, so that no host's many items keep another's waiting.

    `limit` items of a host may be active at once and start `interval_s` apart; 0 lifts either rule. Times are
    seconds of one monotonic clock, given by the caller.
    """

    def __init__(self, limit: int, interval_s: float) -> None:
        self._limit = limit
        self._interval_s = interval_s
        self._lanes: dict[str, Lane[Item]] = {}
        self._ready: deque[Lane[Item]] = deque()
        self._delayed: list[tuple[float, int, Lane[Item]]] = []
        self._ticket = itertools.count()
        self._clear_at = CLEAR_AT

    def put(self, host: str, item: Item, now: float, first: bool = False) -> None:
        """Queue an item for its host; `first` puts it before those that wait."""
        lane = self._lanes.get(host)
        if lane is None:
            self._clear(now)
            lane = self._lanes[host] = Lane(host)
        if first:
            lane.waiting.appendleft(item)
        else:
            lane.waiting.append(item)
        self._offer(lane, now)

    def take(self, now: float) -> tuple[str, Item] | None:
        """Start the next item that may start now; the caller releases its host when it is done."""
        while self._delayed and self._delayed[0][0] <= now:
            self._ready.append(heapq.heappop(self._delayed)[2])
        if not self._ready:
            return None
        lane = self._ready.popleft()
        lane.queued = False
        lane.active += 1
        lane.next_at = now + self._interval_s
        item = lane.waiting.popleft()
        self._offer(lane, now)
        return lane.host, item

    def release(self, host: str, now: float) -> None:
        """Say that an item of this host is no longer active."""
        lane = self._lanes[host]
        lane.active -= 1
        self._offer(lane, now)

    def next_at(self) -> float | None:
        """When a delayed item may start; None while nothing waits for a time."""
        return self._delayed[0][0] if self._delayed else None

    def __len__(self) -> int:
        """How many hosts are remembered."""
        return len(self._lanes)

    def _offer(self, lane: Lane[Item], now: float) -> None:
        if lane.queued or not lane.waiting or (self._limit and lane.active >= self._limit):
            return
        lane.queued = True
        if lane.next_at > now:
            heapq.heappush(self._delayed, (lane.next_at, next(self._ticket), lane))
        else:
            self._ready.append(lane)

    def _clear(self, now: float) -> None:
        if len(self._lanes) < self._clear_at:
            return
        self._lanes = {
            host: lane for host, lane in self._lanes.items() if lane.waiting or lane.active or lane.next_at > now
        }
        self._clear_at = max(CLEAR_AT, 2 * len(self._lanes))
