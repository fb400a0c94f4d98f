"""Which links are being checked at this moment, over all processes, so that none is checked twice at once.

A part takes its links before it fetches them and gives them back after it. What another has is left to a later time.
Redis keeps this where there is one, for as long as whoever has a link says so again: what a killed process had is free
when its lease ends. Without Redis, and while it is away, each process knows of its own.
"""

from __future__ import annotations

import contextlib
import os
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import redis
import structlog

from tasks.links import impatient
from tasks.links.messages import CheckLinks, LinkSpec, link_ids

log = structlog.get_logger(__name__)

LEASE_S = 15.0
# A Redis that did not answer is not asked again for so long: parts must not wait for it one after the other.
RETRY_S = 2.0

# Links are 16 bytes each, one after another in a single argument: to name them one by one costs more than to take them.
TAKE = """
local others = {}
for i = 1, #ARGV[3], 16 do
  local key = 'flight:' .. string.sub(ARGV[3], i, i + 15)
  if not redis.call('SET', key, ARGV[1], 'NX', 'PX', ARGV[2]) then
    others[#others + 1] = (i - 1) / 16
    others[#others + 1] = redis.call('GET', key)
  end
end
return others
"""
KEEP = """
for i = 1, #ARGV[3], 16 do
  local key = 'flight:' .. string.sub(ARGV[3], i, i + 15)
  local holder = redis.call('GET', key)
  if not holder or holder == ARGV[1] then redis.call('SET', key, ARGV[1], 'PX', ARGV[2]) end
end
"""
# In hundreds, because Lua has room for only so many arguments.
GIVE = """
local keys = {}
for i = 1, #ARGV[2], 16 do
  keys[#keys + 1] = 'flight:' .. string.sub(ARGV[2], i, i + 15)
end
for first = 1, #keys, 500 do
  local last = math.min(first + 499, #keys)
  local held = {}
  for i, holder in ipairs(redis.call('MGET', unpack(keys, first, last))) do
    if holder == ARGV[1] then held[#held + 1] = keys[first + i - 1] end
  end
  if #held > 0 then redis.call('DEL', unpack(held)) end
end
"""


@dataclass
class Flight:
    """Links that are ours to check now, and those that somebody else checks at this moment; `has_twin` where that is
    another copy of this very part."""

    ours: list[LinkSpec] = field(default_factory=list)
    others: list[LinkSpec] = field(default_factory=list)
    has_twin: bool = False


class Flights:
    """All flights of this process. May be asked by many threads at once; never raises for what Redis does."""

    def __init__(self, redis_url: str = "", lease_s: float = LEASE_S) -> None:
        self.lease_s = lease_s
        self._lock = threading.Lock()
        # Who has which link here, and by holder what Redis is told of it.
        self._holders: dict[bytes, bytes] = {}
        self._taken: dict[bytes, bytes] = {}
        self._shared = _Shared(redis_url, lease_s) if redis_url else None
        self._closed = threading.Event()
        self._keeper: threading.Thread | None = None

    @contextmanager
    def of(self, part: CheckLinks, specs: Sequence[LinkSpec]) -> Iterator[Flight]:
        """Take these links of a part as far as nobody else has them, for as long as the context lasts."""
        id_of = link_ids(part.workspace_id)
        keys = [id_of(spec.url) for spec in specs]
        # A part may come twice at once, and its copies are not each other.
        me = part.part_id.bytes + os.urandom(8)
        others = self._take(me, keys)
        try:
            flight = Flight(has_twin=any(holder.startswith(part.part_id.bytes) for holder in others.values()))
            for key, spec in zip(keys, specs, strict=True):
                (flight.others if key in others else flight.ours).append(spec)
            yield flight
        finally:
            self._give(me, [key for key in keys if key not in others])

    def close(self) -> None:
        """Say nothing more for what is under way; its leases end by themselves."""
        self._closed.set()

    def _take(self, me: bytes, keys: Sequence[bytes]) -> dict[bytes, bytes]:
        """Take these; those that somebody else has, with who it is."""
        with self._lock:
            others = {key: self._holders[key] for key in keys if key in self._holders}
            ours = [key for key in keys if key not in others] if others else keys
            self._holders.update(dict.fromkeys(ours, me))
        if self._shared and ours:
            elsewhere = {ours[place]: holder for place, holder in self._shared.take(me, b"".join(ours))}
            with self._lock:
                for key in elsewhere:
                    del self._holders[key]
                self._taken[me] = b"".join(key for key in ours if key not in elsewhere)
            others |= elsewhere
            self._keep()
        return others

    def _give(self, me: bytes, keys: Sequence[bytes]) -> None:
        with self._lock:
            for key in keys:
                self._holders.pop(key, None)
            links = self._taken.pop(me, b"")
        if self._shared and links:
            self._shared.give(me, links)

    def _keep(self) -> None:
        """Have somebody say again and again what we have; flights that are over before that cost nothing more."""
        with self._lock:
            if self._keeper is None or not self._keeper.is_alive():
                self._keeper = threading.Thread(target=self._say_again, name="flights", daemon=True)
                self._keeper.start()

    def _say_again(self) -> None:
        assert self._shared
        while not self._closed.wait(self.lease_s / 3):
            with self._lock:
                taken = list(self._taken.items())
            for holder, links in taken:
                self._shared.keep(holder, links)
                # Given back in the meantime: nobody else would.
                if holder not in self._taken:
                    self._shared.give(holder, links)


class _Shared:
    """What Redis knows. While it is away nobody has anything."""

    def __init__(self, url: str, lease_s: float) -> None:
        self._redis = impatient.connect(url, "pranala-flights")
        self._lease_ms = int(lease_s * 1000)
        self._take, self._keep, self._give = (self._redis.register_script(each) for each in (TAKE, KEEP, GIVE))
        self._away_until = 0.0

    def take(self, me: bytes, links: bytes) -> list[tuple[int, bytes]]:
        """Take these; the places of those that somebody else has, and who that is."""
        flat = self._ask(lambda: self._take(args=[me, self._lease_ms, links])) or []
        return list(zip(flat[::2], flat[1::2], strict=True))

    def keep(self, me: bytes, links: bytes) -> None:
        """Have them longer; what a Redis that was restarted has forgotten is known again."""
        self._ask(lambda: self._keep(args=[me, self._lease_ms, links]))

    def give(self, me: bytes, links: bytes) -> None:
        """Have them no more."""
        self._ask(lambda: self._give(args=[me, links]))

    def _ask(self, question: Callable[[], Any]) -> Any:
        if time.monotonic() < self._away_until:
            return None
        with contextlib.suppress(redis.RedisError):
            return question()
        self._away_until = time.monotonic() + RETRY_S
        log.warning("flights not shared")
        return None
