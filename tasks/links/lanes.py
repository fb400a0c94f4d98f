"""One lane a host: how many requests may be under way to it, how far apart they start, when it is left alone."""

from __future__ import annotations

import heapq
import itertools
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from tasks.links.backoff import BackOff, Plea

Item = TypeVar("Item")

# Lanes that nobody uses are cleared away when so many have come up.
CLEAR_AT = 10_000
# What is shared is asked for again: so soon after a refusal, so often while there is more to start than may start,
# and so long before the grant lapses while there is not.
REFUSED_S = 0.1
BUSY_S = 0.25
RENEW_S = 3.0
# Starts that a process holds are lost to the others: so far ahead it asks for them, or for the next one alone.
STARTS_AHEAD_S = 1.0
# A lane that has nothing to do gives back what it holds unless something comes this soon.
GIVE_BACK_S = 0.05
# How much the last start counts for the pace of a host, and how many intervals a start may be late at the most.
LAST_COUNTS = 0.1
LATEST = 20
# Refusals are forgotten when there was no word of them for so long after the pause.
STRIKES_REMEMBERED_S = 600.0


@dataclass(frozen=True, slots=True)
class Pacing:
    """How a host is spared: `limit` items at once, which start `interval_s` apart; 0 lifts either rule."""

    limit: int = 0
    interval_s: float = 0.0

    def __bool__(self) -> bool:
        return bool(self.limit or self.interval_s)

    def strictest(self, other: Pacing) -> Pacing:
        """What does justice to both."""
        limit = min(self.limit or other.limit, other.limit or self.limit)
        return Pacing(limit, max(self.interval_s, other.interval_s))


@dataclass(frozen=True, slots=True)
class Wish:
    """What this process would hold of a host: `want` slots in all, of which `active` are in use, and more `starts`.

    `pacing` is how it thinks the host is to be spared; of all processes' the strictest holds. `plea` is what the host
    asked for since the last wish, `eased` that it has answered since it refused.
    """

    host: str
    want: int
    active: int
    starts: int
    pacing: Pacing = Pacing()
    plea: Plea | None = None
    eased: bool = False


@dataclass(frozen=True, slots=True)
class Grant:
    """What it may: `slots` for `valid_s`, starts after so many seconds each. `pause_s` is how long nobody may."""

    host: str
    slots: int
    starts_s: Sequence[float]
    pause_s: float
    strikes: int
    valid_s: float


@dataclass(slots=True, eq=False)
class Lane(Generic[Item]):
    host: str
    pacing: Pacing
    # Does its pacing hold over all processes?
    shared: bool
    waiting: deque[Item] = field(default_factory=deque)
    active: int = 0
    next_at: float = 0.0
    # The seconds between two starts as they come out while items wait, and when the last began.
    gap_s: float = 0.0
    started_at: float | None = None
    # When all have had their turn who were told to come back for it.
    promised_until: float = 0.0
    # In the queue of ready lanes or of delayed ones, so that it is never in both.
    queued: bool = False
    paused_until: float = 0.0
    strikes: int = 0
    # What was granted of what all processes share, and how it stands with asking for more.
    slots: int = 0
    starts: deque[float] = field(default_factory=deque)
    valid_until: float = 0.0
    asked_at: float = 0.0
    ask_at: float | None = None
    asking: bool = False
    needy: bool = False
    plea: Plea | None = None
    eased: bool = False


class Lanes(Generic[Item]):
    """Queues by host that are served in turn, so that no host's many items keep another's waiting.

    A host is spared by `pacing`, or by its items' own: where these differ, the strictest of all that are there at a
    time holds. Where `shared`, it holds over all processes: nothing starts but by a grant, for which `wishes` asks.
    Times are seconds of one monotonic clock, given by the caller.
    """

    def __init__(self, pacing: Pacing, back_off: BackOff, shared: bool = False) -> None:
        self._pacing = pacing
        self._back_off = back_off
        self._shared = shared
        self._lanes: dict[str, Lane[Item]] = {}
        self._ready: deque[Lane[Item]] = deque()
        self._delayed: list[tuple[float, int, Lane[Item]]] = []
        self._needy: deque[Lane[Item]] = deque()
        self._asks: list[tuple[float, int, Lane[Item]]] = []
        self._ticket = itertools.count()
        self._clear_at = CLEAR_AT

    def put(self, host: str, item: Item, now: float, first: bool = False, pacing: Pacing | None = None) -> None:
        """Queue an item for its host; `first` puts it before those that wait."""
        lane = self._lane(host, now)
        if pacing is not None or lane.pacing is not self._pacing:
            self._pace(lane, pacing or self._pacing)
        if first:
            lane.waiting.appendleft(item)
        else:
            lane.waiting.append(item)
        self._consider(lane, now)

    def take(self, now: float) -> tuple[str, Item] | None:
        """Start the next item that may start now; the caller releases its host when it is done."""
        while self._delayed and self._delayed[0][0] <= now:
            self._ready.append(heapq.heappop(self._delayed)[2])
        while self._ready:
            lane = self._ready.popleft()
            lane.queued = False
            startable_at = self._startable_at(lane, now)
            if lane.waiting and startable_at is not None and startable_at <= now:
                return lane.host, self._start(lane, now)
            self._consider(lane, now)
        return None

    def release(self, host: str, now: float) -> None:
        """Say that an item of this host is no longer active."""
        lane = self._lanes[host]
        lane.active -= 1
        if lane.waiting or lane.shared:
            self._consider(lane, now)

    def next_at(self) -> float | None:
        """When the next item may start, 0 being at once; None while nothing waits for a time."""
        if self._ready:
            return 0.0
        return self._delayed[0][0] if self._delayed else None

    def __len__(self) -> int:
        """How many hosts are remembered."""
        return len(self._lanes)

    def heed(self, host: str, plea: Plea, now: float) -> None:
        """Leave a host alone as it asks. Refusals while it is left alone were under way before, and count once."""
        lane = self._lane(host, now)
        if plea.refused and now >= lane.paused_until:
            fresh = now > lane.paused_until + STRIKES_REMEMBERED_S
            lane.strikes = 1 if fresh else lane.strikes + 1
        pause_s = self._back_off.pause_s(plea, lane.strikes if plea.refused else 0)
        lane.paused_until = max(lane.paused_until, now + pause_s)
        if lane.shared and (lane.plea is None or plea.refused):
            lane.plea = plea
        self._consider(lane, now)

    def ease(self, host: str, started_at: float, now: float) -> None:
        """Forget a host's refusals: it has answered a request that started after its last pause."""
        lane = self._lanes[host]
        if lane.strikes and started_at >= lane.paused_until:
            lane.strikes = 0
            lane.eased = lane.shared
            self._consider(lane, now)

    def paused_s(self, host: str, now: float) -> float:
        """The seconds for which a host is still to be left alone."""
        lane = self._lanes.get(host)
        return max(lane.paused_until - now, 0.0) if lane else 0.0

    def turn_s(self, host: str, now: float, pacing: Pacing | None = None) -> float:
        """The seconds until an item would have its turn that is put now, as far as it is the pace that it waits for."""
        lane = self._lane(host, now)
        return max(lane.next_at - now, 0.0) + len(lane.waiting) * _gap_s(lane, pacing) if lane.waiting else 0.0

    def promised_s(self, host: str, now: float) -> float:
        """The seconds until all have had their turn who were told to come back for it."""
        return self._lane(host, now).promised_until - now

    def promise(self, host: str, now: float, pacing: Pacing | None = None) -> float:
        """Give an item that comes back its turn, behind all others; returns the seconds until then."""
        lane = self._lane(host, now)
        behind = max(lane.promised_until, now + self.turn_s(host, now, pacing))
        lane.promised_until = behind + _gap_s(lane, pacing)
        return behind - now

    def drain(self, host: str) -> list[Item]:
        """Take away what waits for a host."""
        lane = self._lanes[host]
        items = list(lane.waiting)
        lane.waiting.clear()
        return items

    def discard(self, unwanted: Callable[[Item], bool]) -> list[Item]:
        """Take away what nobody wants any more, of all hosts."""
        found: list[Item] = []
        for lane in self._lanes.values():
            gone = [item for item in lane.waiting if unwanted(item)]
            if gone:
                lane.waiting = deque(item for item in lane.waiting if not unwanted(item))
                found += gone
        return found

    def ask_at(self) -> float | None:
        """When there will be a wish at the latest; None while there is no need."""
        while self._asks and self._asks[0][0] != self._asks[0][2].ask_at:
            heapq.heappop(self._asks)
        return self._asks[0][0] if self._asks else None

    def wishes(self, now: float, room: int, most: int) -> list[Wish]:
        """What to ask for now, for `most` hosts at once, where the process has `room` for so many more items."""
        room -= len(self._ready) + len(self._delayed)
        wishes: list[Wish] = []
        while len(wishes) < most and (lane := self._next_asking(now, room)):
            wish = self._wish(lane, now, max(room, 0))
            room -= max(wish.starts, wish.want - wish.active)
            wishes.append(wish)
        return wishes

    def grant(self, grants: Iterable[Grant], now: float) -> list[str]:
        """Take what was granted; returns the hosts that have to be left alone."""
        paused = []
        for grant in grants:
            lane = self._lane(grant.host, now)
            self._accept(lane, grant, now)
            if grant.pause_s:
                paused.append(grant.host)
        return paused

    def last_wishes(self) -> list[Wish]:
        """What is left to say when nothing more will start: what is given back, what hosts asked for."""
        lanes = (lane for lane in self._lanes.values() if lane.valid_until or lane.plea)
        return [Wish(lane.host, 0, 0, 0, lane.pacing, lane.plea, lane.eased) for lane in lanes]

    def share(self, shared: bool, now: float) -> None:
        """Let the rules hold over all processes from now on, or over this one alone."""
        if shared == self._shared:
            return
        self._shared = shared
        for lane in self._lanes.values():
            lane.shared = shared and bool(lane.pacing)
            lane.asking = False
            lane.ask_at = None
            lane.valid_until = 0.0
            lane.starts.clear()
            self._consider(lane, now)

    def _lane(self, host: str, now: float) -> Lane[Item]:
        lane = self._lanes.get(host)
        if lane is None:
            self._clear(now)
            lane = self._lanes[host] = Lane(host, self._pacing, self._shared and bool(self._pacing))
        return lane

    def _pace(self, lane: Lane[Item], pacing: Pacing) -> None:
        """Spare a host as its items want it, and not longer than they are there."""
        busy = lane.waiting or lane.active
        lane.pacing = lane.pacing.strictest(pacing) if busy else pacing
        lane.shared = self._shared and bool(lane.pacing)

    def _start(self, lane: Lane[Item], now: float) -> Item:
        lane.active += 1
        if lane.pacing.interval_s:
            _note_start(lane, now)
        if lane.starts:
            lane.starts.popleft()
        item = lane.waiting.popleft()
        if lane.waiting or lane.shared:
            self._consider(lane, now)
        return item

    def _consider(self, lane: Lane[Item], now: float) -> None:
        """Queue a lane that may start something, and plan its next wish."""
        if not lane.queued and lane.waiting:
            self._offer(lane, now)
        if lane.shared and not lane.asking:
            self._plan(lane, now)

    def _offer(self, lane: Lane[Item], now: float) -> None:
        startable_at = self._startable_at(lane, now)
        if startable_at is None:
            return
        lane.queued = True
        if startable_at > now:
            heapq.heappush(self._delayed, (startable_at, next(self._ticket), lane))
        else:
            self._ready.append(lane)

    def _startable_at(self, lane: Lane[Item], now: float) -> float | None:
        """When the lane's next item may start; None where something else has to happen first."""
        limit, interval_s = lane.pacing.limit, lane.pacing.interval_s
        if not lane.shared:
            return None if limit and lane.active >= limit else max(lane.next_at, lane.paused_until)
        if now >= lane.valid_until or (limit and lane.active >= lane.slots):
            return None
        if not interval_s:
            return lane.paused_until
        # A start that was missed belongs to nobody: used late, it would fall together with another process's.
        while lane.starts and lane.starts[0] + interval_s / 2 < now:
            lane.starts.popleft()
        return max(lane.starts[0], lane.paused_until) if lane.starts else None

    def _plan(self, lane: Lane[Item], now: float) -> None:
        if lane.plea or lane.eased:
            self._ask(lane, now)
        elif lane.waiting and now < lane.paused_until:
            self._ask(lane, lane.paused_until)
        elif lane.waiting:
            self._plan_busy(lane, now)
        elif lane.active:
            self._ask(lane, lane.asked_at + (BUSY_S if lane.slots > lane.active else RENEW_S))
        elif lane.valid_until > now:
            self._ask(lane, now + GIVE_BACK_S)

    def _plan_busy(self, lane: Lane[Item], now: float) -> None:
        if lane.valid_until <= now:
            if not lane.needy:
                lane.needy = True
                self._needy.append(lane)
        elif lane.queued:
            self._ask(lane, lane.asked_at + BUSY_S)
        elif not lane.pacing.limit or lane.active < lane.slots:
            self._ask(lane, now)  # what it lacks is a start
        else:
            self._ask(lane, lane.asked_at + (BUSY_S if lane.slots else REFUSED_S))

    def _ask(self, lane: Lane[Item], at: float) -> None:
        if lane.ask_at is None or at < lane.ask_at:
            lane.ask_at = at
            heapq.heappush(self._asks, (at, next(self._ticket), lane))

    def _next_asking(self, now: float, room: int) -> Lane[Item] | None:
        at = self.ask_at()
        if at is not None and at <= now:
            return heapq.heappop(self._asks)[2]
        while room > 0 and self._needy:
            lane = self._needy.popleft()
            lane.needy = False
            if lane.shared and lane.waiting and not lane.asking:
                return lane
        return None

    def _wish(self, lane: Lane[Item], now: float, room: int) -> Wish:
        want = lane.active + min(len(lane.waiting), room)
        if lane.pacing.limit:
            want = max(min(want, lane.pacing.limit), lane.active)
        starts = min(want - lane.active, _starts_ahead(lane.pacing)) - len(lane.starts)
        wish = Wish(lane.host, want, lane.active, max(starts, 0), lane.pacing, lane.plea, lane.eased)
        lane.plea, lane.eased = None, False
        lane.ask_at, lane.asking, lane.asked_at = None, True, now
        # Until the answer is here, no more may be in use than was said: the rest may be another's by then.
        lane.slots = lane.active
        return wish

    def _accept(self, lane: Lane[Item], grant: Grant, now: float) -> None:
        lane.asking = False
        lane.slots = grant.slots
        lane.valid_until = lane.asked_at + grant.valid_s
        lane.starts.extend(now + start_s for start_s in grant.starts_s)
        lane.paused_until = max(lane.paused_until, now + grant.pause_s)
        if lane.plea is None and not lane.eased:
            lane.strikes = grant.strikes
        self._consider(lane, now)

    def _clear(self, now: float) -> None:
        if len(self._lanes) < self._clear_at:
            return
        self._lanes = {host: lane for host, lane in self._lanes.items() if _in_use(lane, now)}
        self._clear_at = max(CLEAR_AT, 2 * len(self._lanes))


def _note_start(lane: Lane[Item], now: float) -> None:
    interval_s = lane.pacing.interval_s
    lane.next_at = now + interval_s
    if lane.started_at is not None:
        last_s = min(now - lane.started_at, LATEST * interval_s)
        lane.gap_s += LAST_COUNTS * (last_s - lane.gap_s) if lane.gap_s else last_s
    # What comes after this item has not waited for it, if it is the last.
    lane.started_at = now if len(lane.waiting) > 1 else None


def _gap_s(lane: Lane[Item], pacing: Pacing | None) -> float:
    """The seconds from start to start: more than the interval where other processes ask the host as well."""
    interval_s = (pacing or lane.pacing).interval_s
    return max(min(lane.gap_s, LATEST * interval_s), interval_s)


def _starts_ahead(pacing: Pacing) -> int:
    return max(int(STARTS_AHEAD_S / pacing.interval_s), 1) if pacing.interval_s else 0


def _in_use(lane: Lane[Item], now: float) -> bool:
    if lane.waiting or lane.active or lane.asking:
        return True
    forget_at = lane.paused_until + STRIKES_REMEMBERED_S if lane.strikes else lane.paused_until
    return max(lane.next_at, lane.valid_until, lane.promised_until, forget_at) > now
