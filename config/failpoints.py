"""Failpoints: named instants between two steps of the path, at which a test can have a process die, stop, fail or wait.

They do nothing unless PRANALA_FAILPOINTS_DIR names a folder when the process starts. A point is armed by a file of its
name in that folder, which holds a word. Whoever reaches the point next takes the file away and does what the word says:

    kill        SIGKILL itself
    stop        SIGSTOP itself; it goes on after SIGCONT
    fail        raise `Failpoint`
    sleep:1.5   wait so many seconds

`kill@3` is for the third who comes; `every fail` stays armed. In production the setting is never made; where it is,
each process says so in its log when it starts, and so does `pranala doctor`.
"""

from __future__ import annotations

import fcntl
import os
import re
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

SETTING = "PRANALA_FAILPOINTS_DIR"

POINTS = {
    "front.accepting": "a submission is read as far as its head; nothing is written",
    "front.written": "the submission is written and not committed",
    "front.committed": "the submission is committed and not answered",
    "relay.claimed": "rows of an outbox are locked and not sent",
    "relay.published": "messages are sent to the broker and not confirmed",
    "relay.confirmed": "messages are confirmed and their rows not deleted",
    "relay.settled": "the rows are deleted, which is not committed",
    "relay.committed": "the deletion is committed",
    "intake.finish.taken": "the message that a part is done has arrived",
    "intake.finish.written": "the part is struck off, which is not committed",
    "intake.finish.committed": "the part is struck off and the message not acknowledged",
    "intake.sweep.sent": "late parts are sent again, and their leases are as they were; nothing is committed",
    "intake.sweep.written": "late parts are sent again and leased, which is not committed",
    "intake.sweep.committed": "late parts are sent again and leased; the tick is not acknowledged",
    "links.check.taken": "a part to check has arrived",
    "links.check.leased": "nobody else may fetch the part's links now; none is fetched",
    "links.check.fetched": "the part's links are fetched and nothing is written",
    "links.check.written": "results are written and not committed",
    "links.check.committed": "results are committed and the part not acknowledged",
    "links.lease.written": "due links are leased and their parts in the outbox, which is not committed",
    "links.lease.committed": "due links are leased and their parts in the outbox; the tick goes on",
    "notifications.tell.written": "an event's deliveries are written and not committed",
    "notifications.tell.committed": "an event's deliveries are committed and the event not acknowledged",
    "notifications.send.written": "a notification's deliveries are written and not committed",
    "notifications.send.committed": "a notification's deliveries are committed and the job not acknowledged",
    "notifications.claim.written": "an attempt is leased, which is not committed",
    "notifications.claim.committed": "an attempt is leased and not made",
    "notifications.deliver.sent": "an attempt is made and nothing of it written",
    "notifications.settle.written": "how an attempt ended is written and not committed",
    "notifications.settle.committed": "how an attempt ended is committed and the job not acknowledged",
    "notifications.retry.written": "due deliveries are leased again, which is not committed",
    "notifications.retry.committed": "due deliveries are leased again; the tick is not acknowledged",
    "audit.record.written": "audit events that were asked for are written and not committed",
    "audit.record.committed": "audit events that were asked for are committed and the message not acknowledged",
    "audit.hear.written": "audit events of an announcement are written and not committed",
    "audit.hear.committed": "audit events of an announcement are committed and the announcement not acknowledged",
}

_WORD = re.compile(r"(every )?(kill|stop|fail|sleep:(\d+(?:\.\d+)?))(?:@(\d+))?")


class Failpoint(Exception):
    """Raised where a point is armed with `fail`."""


@dataclass(frozen=True)
class _Order:
    """What is to be done, and at how many arrivals from now."""

    action: str
    wait_s: float
    arrivals: int
    every: bool

    @property
    def later(self) -> str:
        """The word for those who come after this arrival; empty where there is none."""
        if self.arrivals > 1:
            return f"{'every ' if self.every else ''}{self.action}@{self.arrivals - 1}"
        return f"every {self.action}" if self.every else ""


def folder() -> str:
    """The folder in which points can be armed; empty where they cannot, which is everywhere but in tests."""
    return _folder


def reach(name: str) -> None:
    """Say that the process is at this point, and do what it is armed with."""
    if _folder:
        _obey(Path(_folder), name)


@contextmanager
def armable_in(directory: Path) -> Iterator[None]:
    """Points of this process can be armed in this folder, too, while the context lasts."""
    global _folder
    before, _folder = _folder, str(directory)
    try:
        yield
    finally:
        _folder = before


def arm(directory: Path, name: str, word: str) -> None:
    """Arm a point. Raises ValueError where there is no such point or no such word."""
    if name not in POINTS:
        raise ValueError(f"there is no point {name!r}")
    _parse(word)
    with _held(directory):
        (directory / name).write_text(word)


def disarm(directory: Path, name: str) -> bool:
    """Take the word away; whether nobody had taken it yet."""
    with _held(directory):
        was_armed = is_armed(directory, name)
        (directory / name).unlink(missing_ok=True)
    return was_armed


def is_armed(directory: Path, name: str) -> bool:
    """Whether the word still waits for somebody."""
    return (directory / name).exists()


def _obey(directory: Path, name: str) -> None:
    if name not in POINTS:
        raise ValueError(f"there is no point {name!r}")
    # Most arrivals find nothing, and must not wait for one another.
    if not is_armed(directory, name):
        return
    order = _take(directory, name)
    if order is None:
        return
    if order.action == "fail":
        raise Failpoint(name)
    if order.wait_s:
        time.sleep(order.wait_s)
    else:
        os.kill(os.getpid(), signal.SIGKILL if order.action == "kill" else signal.SIGSTOP)


def _take(directory: Path, name: str) -> _Order | None:
    path = directory / name
    with _held(directory):
        try:
            order = _parse(path.read_text())
        except FileNotFoundError:
            return None
        if order.later:
            path.write_text(order.later)
        else:
            path.unlink()
    return order if order.arrivals <= 1 else None


def _parse(word: str) -> _Order:
    found = _WORD.fullmatch(word.strip())
    if not found:
        raise ValueError(f"{word!r} is none of kill, stop, fail, sleep:SECONDS, with @COUNT or `every `")
    every, action, wait_s, arrivals = found.groups()
    return _Order(action, float(wait_s or 0), int(arrivals or 1), bool(every))


@contextmanager
def _held(directory: Path) -> Iterator[None]:
    # Let go by the kernel when a process dies with it.
    with open(directory / ".lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


_folder = os.environ.get(SETTING, "")
