"""Links that break and recover over and over while everything else fails: each time is to be told exactly once."""

from __future__ import annotations

import random
import threading
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any, Self

import psycopg

from tests.faults.account import Tally
from tests.faults.ground import Ground

INTERVAL_S = 2
LOOK_EVERY_S = 0.5
# Between a recovery and the next break, so that no link is taken for one that flaps.
REST_S = 40.0


class Victims:
    """So many links of the ground's own host. One that is up is broken, one that is broken is mended, until the end."""

    def __init__(self, ground: Ground, count: int) -> None:
        self._ground = ground
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        # By link: how often it was seen to break, and to recover.
        self.broken: Counter[str] = Counter()
        self.mended: Counter[str] = Counter()
        self._down: set[str] = set()
        self._calm_since: dict[str, float] = {}
        for number in range(count):
            ground.system.post("/links", {"url": ground.host.url(f"victim-{number}"), "interval_s": INTERVAL_S})

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()

    def end(self, within_s: float = 90) -> None:
        """Break none any more, and wait until all are up."""
        self._ended.set()
        self._thread.join()
        for path in self._ground.host.statuses:
            self._ground.host.statuses[path] = 200
        deadline = time.monotonic() + within_s
        while not self._all_are_up() and time.monotonic() < deadline:
            time.sleep(LOOK_EVERY_S)

    def settle(self, webhooks: Sequence[Sequence[tuple[str, Mapping[str, Any]]]], tally: Tally) -> None:
        """Compare what we did with the incidents on record, and with what each receiver was told."""
        for link in self._down:
            tally.blame(f"link {link} has not recovered, or nobody noticed that it broke")
        ids = list(self.broken)
        query = "SELECT link_id, count(*) FROM incidents WHERE link_id = ANY(%s::uuid[]) GROUP BY link_id"
        incidents = {str(link): int(count) for link, count in self._ground.books.ask("links", query, ids)}
        tally.count("incidents", self.broken, incidents)
        for told in webhooks:
            tally.count("webhooks of links that broke", self.broken, _told(told, "link.broken"))
            tally.count("webhooks of links that recovered", self.mended, _told(told, "link.recovered"))

    def _run(self) -> None:
        while not self._ended.wait(LOOK_EVERY_S):
            # PostgreSQL may be away; then nothing is known, and nothing is done.
            with suppress(psycopg.Error):
                for link, path, state in self._look():
                    self._strike(link, path, state)

    def _strike(self, link: str, path: str, state: str) -> None:
        host, now = self._ground.host, time.monotonic()
        if state == "broken":
            host.statuses[path] = 200
        elif link in self._down or state != "up":
            self._calm_since[link] = now
        elif now - self._calm_since.setdefault(link, now - REST_S * random.random()) > REST_S:
            host.statuses[path] = 404

    def _all_are_up(self) -> bool:
        states = {state for _, _, state in self._look()}
        return states == {"up"} and not self._down

    def _look(self) -> list[tuple[str, str, str]]:
        """Every link with its path and state, once what happened since is noted."""
        address = self._ground.host.place.partition(":")[0]
        rows = self._ground.books.ask("links", "SELECT id, url, state FROM links WHERE host = %s", address)
        found = [(str(identity), url.rpartition("/")[2], state) for identity, url, state in rows]
        for link, _, state in found:
            if state == "broken" and link not in self._down:
                self.broken[link] += 1
                self._down.add(link)
            elif state == "up" and link in self._down:
                self.mended[link] += 1
                self._down.discard(link)
        return found


def _told(webhooks: Sequence[tuple[str, Mapping[str, Any]]], subject: str) -> Counter[str]:
    """How many different deliveries told of it, by link."""
    links = {identity: payload["data"]["link_id"] for identity, payload in webhooks if payload["type"] == subject}
    return Counter(links.values())
