"""A job's progress as server-sent events, for as long as somebody listens."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from threading import BoundedSemaphore
from typing import Any

import msgspec

CONTENT_TYPE = "text/event-stream"
# Each holds one of the process's threads, which others need to be answered at all.
STREAMS_MOST = 4
POLL_S = 0.5
HEARTBEAT_S = 15.0
# A client that listens on is connected again by itself, and goes on where it was.
LONGEST_S = 300.0
RETRY_MS = 1000
ENDED = ("finished", "cancelled")

Job = Mapping[str, Any]


class Streams:
    """How many may listen at once in this process."""

    def __init__(self, most: int = STREAMS_MOST) -> None:
        self._free = BoundedSemaphore(most)

    def take(self) -> bool:
        """Whether there was a place."""
        return self._free.acquire(blocking=False)

    def release(self) -> None:
        """Give the place back."""
        self._free.release()


def position(job: Job) -> int:
    """The id of the event that tells this much: it only grows, and the last one is `total + 2`."""
    if job["state"] in ENDED:
        return int(job["total"]) + 2
    return int(job["done"]) + 1 if job["state"] == "running" else 0


def stream(look: Callable[[], Job], heard: int, sleep: Callable[[float], None] = time.sleep) -> Iterator[bytes]:
    """What is news after the event `heard`, until the job has ended."""
    began = last_word = time.monotonic()
    yield f"retry: {RETRY_MS}\n\n".encode()
    while True:
        job = look()
        if position(job) > heard:
            heard, last_word = position(job), time.monotonic()
            yield _event(job, heard)
        if job["state"] in ENDED or time.monotonic() - began > LONGEST_S:
            return
        if time.monotonic() - last_word > HEARTBEAT_S:
            last_word = time.monotonic()
            yield b": still there\n\n"
        sleep(POLL_S)


def _event(job: Job, number: int) -> bytes:
    name = job["state"] if job["state"] in ENDED else "progress"
    return b"id: %d\nevent: %s\ndata: %s\n\n" % (number, name.encode(), msgspec.json.encode(job))
