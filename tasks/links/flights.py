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
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import redis
import structlog
from redis.commands.core import Script

from tasks.links import impatient
from tasks.links.messages import CheckLinks, LinkSpec, link_ids

log = structlog.get_logger(__name__)

LEASE_S = 6.0
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
    # Whose they are, and their keys until they are given back.
    holder: bytes = field(default=b"", compare=False, repr=False)
    keys: list[bytes] = field(default_factory=list, compare=False, repr=False)


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
        with self.of_all([(part, specs)]) as [flight]:
            yield flight

    @contextmanager
    def of_all(self, asked: Sequence[tuple[CheckLinks, Sequence[LinkSpec]]]) -> Iterator[list[Flight]]:
        """Take these links of each of these parts, until they are given back, or the context ends."""
        flights: list[Flight] = []
        try:
            for part, specs in asked:
                flights.append(self._begin(part, specs))
            self._share(flights)
            yield flights
        finally:
            self.give(flights)

    def give(self, flights: Sequence[Flight]) -> None:
        """Let others have them; to do so twice changes nothing."""
        with self._lock:
            for key in (key for flight in flights for key in flight.keys):
                self._holders.pop(key, None)
            shared = [(each.holder, links) for each in flights if (links := self._taken.pop(each.holder, b""))]
        for flight in flights:
            flight.keys = []
        if self._shared and shared:
            self._shared.give(shared)

    def close(self) -> None:
        """Say nothing more for what is under way; its leases end by themselves."""
        self._closed.set()

    def _begin(self, part: CheckLinks, specs: Sequence[LinkSpec]) -> Flight:
        """What nobody else has in this process."""
        id_of = link_ids(part.workspace_id)
        wanted = {id_of(spec.url): spec for spec in specs}
        # A part may come twice at once, and its copies are not each other.
        flight = Flight(holder=part.part_id.bytes + os.urandom(8))
        with self._lock:
            for key, spec in wanted.items():
                if key in self._holders:
                    self._lose(flight, spec, self._holders[key])
                else:
                    self._holders[key] = flight.holder
                    flight.keys.append(key)
                    flight.ours.append(spec)
        return flight

    def _share(self, flights: Sequence[Flight]) -> None:
        """Leave to other processes what they have."""
        ours = [flight for flight in flights if flight.keys]
        if not (self._shared and ours):
            return
        taken = self._shared.take([(flight.holder, b"".join(flight.keys)) for flight in ours])
        with self._lock:
            for flight, lost in zip(ours, taken, strict=True):
                self._give_up(flight, lost)
                self._taken[flight.holder] = b"".join(flight.keys)
        self._keep()

    def _give_up(self, flight: Flight, lost: Mapping[int, bytes]) -> None:
        """These places belong to others elsewhere."""
        if not lost:
            return
        for place, holder in lost.items():
            del self._holders[flight.keys[place]]
            self._lose(flight, flight.ours[place], holder)
        flight.ours = [spec for place, spec in enumerate(flight.ours) if place not in lost]
        flight.keys = [key for place, key in enumerate(flight.keys) if place not in lost]

    @staticmethod
    def _lose(flight: Flight, spec: LinkSpec, holder: bytes) -> None:
        flight.others.append(spec)
        flight.has_twin |= holder.startswith(flight.holder[:16])

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
                    self._shared.give([(holder, links)])


class _Shared:
    """What Redis knows. While it is away nobody has anything."""

    def __init__(self, url: str, lease_s: float) -> None:
        self._redis = impatient.connect(url, "pranala-flights")
        self._lease_ms = int(lease_s * 1000)
        self._take, self._keep, self._give = (self._redis.register_script(each) for each in (TAKE, KEEP, GIVE))
        self._away_until = 0.0

    def take(self, asked: Sequence[tuple[bytes, bytes]]) -> list[dict[int, bytes]]:
        """Take these, by holder; of each the places of those that somebody else has, and who that is."""
        answers = self._ask_each(self._take, [(me, self._lease_ms, links) for me, links in asked])
        return [dict(zip(flat[::2], flat[1::2], strict=True)) for flat in answers or [[]] * len(asked)]

    def keep(self, me: bytes, links: bytes) -> None:
        """Have them longer; what a Redis that was restarted has forgotten is known again."""
        self._ask(lambda: self._keep(args=[me, self._lease_ms, links]))

    def give(self, asked: Sequence[tuple[bytes, bytes]]) -> None:
        """Have them no more, by holder."""
        self._ask_each(self._give, asked)

    def _ask_each(self, script: Script, asked: Sequence[tuple[Any, ...]]) -> list[Any] | None:
        if len(asked) == 1:
            answer = self._ask(lambda: script(args=list(asked[0])))
            return None if answer is None else [answer]
        answers: list[Any] | None = self._ask(lambda: self._at_once(script, asked))
        return answers

    def _at_once(self, script: Script, asked: Sequence[tuple[Any, ...]]) -> list[Any]:
        with self._redis.pipeline(transaction=False) as pipeline:
            for args in asked:
                script(args=list(args), client=pipeline)
            return pipeline.execute()

    def _ask(self, question: Callable[[], Any]) -> Any:
        if time.monotonic() < self._away_until:
            return None
        with contextlib.suppress(redis.RedisError):
            return question()
        self._away_until = time.monotonic() + RETRY_S
        log.warning("flights not shared")
        return None
