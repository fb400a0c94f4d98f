"""The border to Redis: what all processes together may ask of a host, kept in one place."""

from __future__ import annotations

import contextlib
import threading
import uuid
from collections.abc import Callable, Sequence
from typing import Any

import redis
import structlog

from tasks.links import impatient
from tasks.links.backoff import BackOff
from tasks.links.lanes import STRIKES_REMEMBERED_S, Grant, Wish

log = structlog.get_logger(__name__)

# A process that is gone has its slots taken from it after so long.
LEASE_S = 10.0
# So far ahead are starts given away, so that a host with many processes is fair to each.
AHEAD_S = 0.5
RETRY_S = 1.0
PARTING_AT_ONCE = 500

# One hash a host: `next` (earliest start), `until` (left alone), `strikes`, and "held want lease-end limit interval" by
# process. The strictest limit and interval hold, and those of processes that want nothing any more do not count.
# Slots are shared out by need, the smallest first; what does not divide goes round by the second. All times are
# milliseconds of the server's clock, so that the processes' clocks need not agree.
EXCHANGE = """
local clock = redis.call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)
local me, lease, base, cap = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
local memory, ahead = tonumber(ARGV[5]), tonumber(ARGV[6])
local limit, interval

local function read(key)
  local host = {next = 0, until_ = 0, strikes = 0, others = {}, taken = 0}
  local fields = redis.call('HGETALL', key)
  for i = 1, #fields, 2 do
    local name, value = fields[i], fields[i + 1]
    if name == 'next' then host.next = tonumber(value)
    elseif name == 'until' then host.until_ = tonumber(value)
    elseif name == 'strikes' then host.strikes = tonumber(value)
    elseif name ~= me then
      local held, want, ends, most, apart = value:match('(%d+) (%d+) (%d+) ?(%d*) ?([%d.]*)')
      if tonumber(ends) <= now then
        redis.call('HDEL', key, name)
      else
        host.taken = host.taken + tonumber(held)
        table.insert(host.others, {name = name, want = tonumber(want)})
        most, apart = tonumber(most) or 0, tonumber(apart) or 0
        if most > 0 and (limit == 0 or most < limit) then limit = most end
        interval = math.max(interval, apart)
      end
    end
  end
  return host
end

local function heed(key, host, told, refused, eased)
  if eased == '1' and host.until_ <= now then host.strikes = 0 end
  if told ~= '' then
    local pause = tonumber(told)
    if refused == '1' then
      if host.until_ <= now then
        host.strikes = (now - host.until_ > memory) and 1 or host.strikes + 1
      end
      pause = math.max(pause, base * 2 ^ math.min(host.strikes - 1, 30))
    end
    host.until_ = math.max(host.until_, math.floor(now + math.min(pause, cap)))
  end
  if told ~= '' or eased == '1' then
    redis.call('HSET', key, 'until', host.until_, 'strikes', host.strikes)
  end
end

local function share_of(host, want)
  if #host.others == 0 then return math.min(want, limit) end
  local all = {{name = me, want = want}}
  for _, other in ipairs(host.others) do table.insert(all, other) end
  table.sort(all, function(a, b) return a.name < b.name end)
  local turn = math.floor(now / 1000)
  for i, one in ipairs(all) do one.turn = (i + turn) % #all end
  table.sort(all, function(a, b)
    if a.want ~= b.want then return a.want < b.want end
    return a.turn < b.turn
  end)
  local left = limit
  for i, one in ipairs(all) do
    local part = math.min(one.want, math.floor(left / (#all - i + 1)))
    if one.name == me then return math.min(part, limit - host.taken) end
    left = left - part
  end
end

local function starts_of(key, host, wanted)
  if wanted == 0 or interval == 0 then return 0, 0 end
  local most = math.max(1, math.floor(ahead / interval / (#host.others + 1)))
  local count = math.min(wanted, most)
  local first = math.max(host.next, now)
  host.next = first + count * interval
  redis.call('HSET', key, 'next', string.format('%.3f', host.next))
  return count, first - now
end

local grants = {}
for i, key in ipairs(KEYS) do
  local at = 6 + (i - 1) * 8
  local want, active, wanted = tonumber(ARGV[at + 1]), tonumber(ARGV[at + 2]), tonumber(ARGV[at + 3])
  limit, interval = tonumber(ARGV[at + 4]), tonumber(ARGV[at + 5])
  local own = string.format('%d %.3f', limit, interval)
  local host = read(key)
  heed(key, host, ARGV[at + 6], ARGV[at + 7], ARGV[at + 8])
  local paused = math.max(host.until_ - now, 0)
  local slots, count, first = 0, 0, 0
  if paused == 0 and want > 0 then
    slots = limit == 0 and want or math.max(share_of(host, want), 0)
    if limit > 0 then wanted = math.min(wanted, math.max(slots - active, 0)) end
    count, first = starts_of(key, host, wanted)
  end
  if want > 0 or active > 0 then
    redis.call('HSET', key, me, string.format('%d %d %d %s', math.max(slots, active), want, now + lease, own))
  else
    redis.call('HDEL', key, me)
  end
  local kept = math.max(lease, math.ceil(host.next - now), paused + (host.strikes > 0 and memory or 0))
  redis.call('PEXPIRE', key, kept)
  grants[i] = {slots, count, string.format('%.3f', first), paused, host.strikes, string.format('%.3f', interval)}
end
return grants
"""


class Ledger:
    """Asks for what the lanes wish, in a thread of its own; what comes of it is told to `granted` in that thread.

    Each asking ends with one call, of `granted` or of `shared(False)`: Redis is away, and will be asked nothing more
    until `shared(True)` says that it is back.
    """

    def __init__(
        self,
        url: str,
        back_off: BackOff,
        granted: Callable[[list[Grant]], None],
        shared: Callable[[bool], None],
        lease_s: float = LEASE_S,
    ) -> None:
        self._redis = impatient.connect(url, "pranala-links")
        self._exchange = self._redis.register_script(EXCHANGE)
        self._lease_s = lease_s
        self._rules = (
            uuid.uuid4().hex,
            int(lease_s * 1000),
            back_off.base_s * 1000,
            back_off.cap_s * 1000,
            STRIKES_REMEMBERED_S * 1000,
            AHEAD_S * 1000,
        )
        self._granted = granted
        self._shared = shared
        self._wishes: Sequence[Wish] = ()
        self._asked = threading.Event()
        self._closed = threading.Event()
        # It begins with the first wish: where no host is spared, nobody ever asks.
        self._thread = threading.Thread(target=self._run, name="ledger", daemon=True)

    def ask(self, wishes: Sequence[Wish]) -> None:
        """Ask for all this; not again before it was answered."""
        self._wishes = wishes
        self._asked.set()
        if self._thread.ident is None:
            self._thread.start()

    def close(self) -> None:
        """Stop asking."""
        self._closed.set()
        self._asked.set()
        if self._thread.ident is not None:
            self._thread.join(3 * impatient.PATIENCE_S)

    def part(self, wishes: Sequence[Wish]) -> None:
        """Say the last, after `close`, so that nobody has to wait for what is held to lapse."""
        wishes = [*self._wishes, *wishes]
        with contextlib.suppress(redis.RedisError):
            for start in range(0, len(wishes), PARTING_AT_ONCE):
                self._answer(wishes[start : start + PARTING_AT_ONCE])
        self._redis.close()

    def _run(self) -> None:
        while self._asked.wait() and not self._closed.is_set():
            self._asked.clear()
            try:
                grants = self._answer(self._wishes)
            except Exception as error:
                # Whatever it is: without this thread nothing would ever start again.
                self._get_over(error)
            else:
                self._wishes = ()
                self._granted(grants)

    def _get_over(self, error: Exception) -> None:
        """Let everybody go on without, until Redis answers again."""
        log.warning("limits not shared", error=f"{type(error).__name__}: {error}")
        self._shared(False)
        while not self._closed.wait(RETRY_S):
            try:
                self._redis.ping()
            except redis.RedisError:
                continue
            log.info("limits shared again")
            self._shared(True)
            return

    def _answer(self, wishes: Sequence[Wish]) -> list[Grant]:
        keys = [_key(wish.host) for wish in wishes]
        arguments: list[Any] = list(self._rules)
        for wish in wishes:
            arguments += _words(wish)
        rows = self._exchange(keys=keys, args=arguments)
        return [self._read(wish, row) for wish, row in zip(wishes, rows, strict=True)]

    def _read(self, wish: Wish, row: Sequence[Any]) -> Grant:
        slots, count, first_ms, pause_ms, strikes, interval_ms = row
        first_s, interval_s = float(first_ms) / 1000, float(interval_ms) / 1000
        starts_s = [first_s + number * interval_s for number in range(count)]
        return Grant(
            wish.host, slots, starts_s, pause_ms / 1000, strikes, self._lease_s if wish.want or wish.active else 0.0
        )


def _key(host: str) -> str:
    return f"pranala:host:{host}"


def _words(wish: Wish) -> tuple[Any, ...]:
    plea = wish.plea
    told = "" if plea is None else plea.seconds * 1000
    return (
        wish.want,
        wish.active,
        wish.starts,
        wish.pacing.limit,
        wish.pacing.interval_s * 1000,
        told,
        int(bool(plea and plea.refused)),
        int(wish.eased),
    )
