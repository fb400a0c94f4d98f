"""The event loop of one thread that drives all of libcurl's transfers, timers, and work posted by other threads."""

from __future__ import annotations

import heapq
import itertools
import select
import socket
import threading
import time
from collections import deque
from collections.abc import Callable

import pycurl

Work = Callable[[], None]
# Hears of an easy handle that is done, with libcurl's error code (0: none) and text.
Done = Callable[[pycurl.Curl, int, str], None]

_EVENTS = {
    pycurl.POLL_IN: select.EPOLLIN,
    pycurl.POLL_OUT: select.EPOLLOUT,
    pycurl.POLL_INOUT: select.EPOLLIN | select.EPOLLOUT,
}
# Anything else is an error or the end, which is heard by reading and by writing.
_ACTIONS = {select.EPOLLIN: pycurl.CSELECT_IN, select.EPOLLOUT: pycurl.CSELECT_OUT}
_BOTH = pycurl.CSELECT_IN | pycurl.CSELECT_OUT


class Loop:
    """Runs in the thread that calls `run`; only `post` and `stop` may be called from others."""

    def __init__(self, done: Done, connections: int) -> None:
        self._done = done
        self._multi = pycurl.CurlMulti()
        self._multi.setopt(pycurl.M_MAXCONNECTS, connections)
        self._multi.setopt(pycurl.M_SOCKETFUNCTION, self._watch)
        self._multi.setopt(pycurl.M_TIMERFUNCTION, self._set_alarm)
        self._alarm: float | None = None
        self._timers: list[tuple[float, int, Work]] = []
        self._ticket = itertools.count()
        self._posted: deque[Work] = deque()
        self._awake = threading.Event()
        self._running = True
        self._bell, self._hammer = socket.socketpair()
        self._bell.setblocking(False)
        # What libcurl waits for, and which of all descriptors were ever registered: they may have been closed since.
        self._wanted: dict[int, int] = {}
        self._registered: set[int] = set()
        self._poll = self._make_poll()

    def post(self, work: Work) -> None:
        """Run something in the loop's thread, soon."""
        self._posted.append(work)
        if not self._awake.is_set():
            self._awake.set()
            self._hammer.send(b"!")

    def stop(self) -> None:
        """Let `run` return after the turn it is in."""
        self.post(self._end)

    def call_at(self, when: float, work: Work) -> None:
        """Run something at a time of time.monotonic()."""
        heapq.heappush(self._timers, (when, next(self._ticket), work))

    def add(self, easy: pycurl.Curl) -> None:
        self._multi.add_handle(easy)

    def run(self, between: Work, next_at: Callable[[], float | None]) -> None:
        """Take turns until stopped: `between` runs in every one, and `next_at` says when it wants to at the latest."""
        while self._running:
            between()
            self._wait(next_at())
            self._ring_alarm()
            self._collect()
            self._run_due()

    def close(self) -> None:
        # Who posts from now on finds nobody to wake.
        self._awake.set()
        self._multi.close()
        self._poll.close()
        self._bell.close()
        self._hammer.close()

    def _end(self) -> None:
        self._running = False

    def _wait(self, wanted_at: float | None) -> None:
        bell, wanted, act = self._bell.fileno(), self._wanted, self._multi.socket_action
        for fd, events in self._poll.poll(self._patience_s(wanted_at)):
            if fd in wanted:
                act(fd, _ACTIONS.get(events, _BOTH))
            elif fd == bell:
                self._answer_bell()
            else:
                self._silence(fd)

    def _patience_s(self, wanted_at: float | None) -> float | None:
        timer = self._timers[0][0] if self._timers else None
        times = [at for at in (wanted_at, self._alarm, timer) if at is not None]
        return max(min(times) - time.monotonic(), 0.0) if times else None

    def _answer_bell(self) -> None:
        self._bell.recv(4096)
        # Cleared before the work is taken: what is posted from here on rings again.
        self._awake.clear()
        while self._posted:
            self._posted.popleft()()

    def _ring_alarm(self) -> None:
        if self._alarm is not None and self._alarm <= time.monotonic():
            self._alarm = None
            self._multi.socket_action(pycurl.SOCKET_TIMEOUT, 0)

    def _collect(self) -> None:
        queued = 1
        while queued:
            queued, fine, failed = self._multi.info_read(256)
            for easy in fine:
                self._multi.remove_handle(easy)
                self._done(easy, 0, "")
            for easy, code, text in failed:
                self._multi.remove_handle(easy)
                self._done(easy, code, text)

    def _run_due(self) -> None:
        now = time.monotonic()
        while self._timers and self._timers[0][0] <= now:
            heapq.heappop(self._timers)[2]()

    def _watch(self, what: int, fd: int, _multi: object, _data: object) -> None:
        """What is wanted no more stays registered until it speaks up: the next request over a connection wants it."""
        if what == pycurl.POLL_REMOVE:
            self._wanted.pop(fd, None)
            return
        events = self._wanted[fd] = _EVENTS[what]
        if fd in self._registered:
            try:
                self._poll.modify(fd, events)
            except FileNotFoundError:  # closed since, and another now
                self._poll.register(fd, events)
        else:
            self._poll.register(fd, events)
            self._registered.add(fd)

    def _silence(self, fd: int) -> None:
        """Listen no more to a connection that nobody uses, such as one that its server closes."""
        self._registered.discard(fd)
        try:
            self._poll.unregister(fd)
        except OSError:
            # Closed here, but not in a process that was forked meanwhile: nothing else would make it be quiet.
            self._poll.close()
            self._poll = self._make_poll()

    def _make_poll(self) -> select.epoll:
        poll = select.epoll()
        poll.register(self._bell, select.EPOLLIN)
        for fd, events in self._wanted.items():
            poll.register(fd, events)
        self._registered = set(self._wanted)
        return poll

    def _set_alarm(self, milliseconds: int) -> None:
        self._alarm = None if milliseconds < 0 else time.monotonic() + milliseconds / 1000
