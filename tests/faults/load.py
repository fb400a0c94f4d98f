"""Clients that submit at a steady rate and do not give up: each submission is tried, with its key, until accepted."""

from __future__ import annotations

import json
import random
import threading
import time
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Self

import urllib3

from tests.faults.account import Promise, Promises

ANSWER_WITHIN_S = 10.0
AGAIN_AFTER_S = 0.2
# Of a hundred submissions: how many are of which kind.
MIX = {"link": 76, "batch": 16, "notification": 4, "audit": 4}


@dataclass(frozen=True)
class Request:
    """One submission; `token` is what it can be told by later, `links` how many links it brings."""

    kind: str
    path: str
    body: bytes
    links: int = 0
    token: str = ""


class Load:
    """So many submissions a second while the context lasts; what an outage held up is caught up afterwards.

    `page` makes a URL of a path. `channels` are those that notifications go to.
    """

    def __init__(
        self,
        url: str,
        key: str,
        rate: float,
        page: Callable[[str], str],
        channels: Sequence[str] = (),
        seed: int = 0,
        clients: int = 16,
    ) -> None:
        self.promises = Promises()
        self.rate = rate
        self._base = f"{url}/api/v1"
        self._headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
        self._page = page
        self._channels = channels
        self._random = random.Random(seed)
        self._lock = threading.Lock()
        self._issued = 0
        self._ended = threading.Event()
        self._threads = [threading.Thread(target=self._work, daemon=True) for _ in range(clients)]
        self._began = 0.0

    def __enter__(self) -> Self:
        self._began = time.monotonic()
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self, within_s: float = 60) -> None:
        """Begin nothing more, and end what was begun: whatever was tried is tried until it is accepted."""
        self._ended.set()
        deadline = time.monotonic() + within_s
        for thread in self._threads:
            thread.join(max(0.1, deadline - time.monotonic()))
        assert not any(thread.is_alive() for thread in self._threads), "submissions are still not accepted"

    def seconds(self) -> float:
        """For how long it has been going on."""
        return time.monotonic() - self._began

    def _work(self) -> None:
        pool = urllib3.PoolManager(maxsize=1, retries=False, timeout=ANSWER_WITHIN_S)
        while not self._ended.is_set():
            wanted = self._next()
            if wanted is None:
                time.sleep(0.005)
            else:
                self._submit(pool, wanted)

    def _next(self) -> Request | None:
        """What is to be submitted by now, if anything is."""
        with self._lock:
            if self._issued >= self.seconds() * self.rate:
                return None
            self._issued += 1
            [kind] = self._random.choices(list(MIX), list(MIX.values()))
            return self._request(kind, uuid.UUID(int=self._random.getrandbits(128)).hex)

    def _request(self, kind: str, name: str) -> Request:
        match kind:
            case "link":
                return Request(kind, "/links", _json({"url": self._page(name)}), 1)
            case "batch":
                links = self._random.randint(2, 20)
                urls = [self._page(f"{name}-{number}") for number in range(links)]
                return Request(kind, "/batches", _json({"urls": urls}), links)
            case "notification" if self._channels:
                channel = self._random.choice(self._channels)
                body = {"channel_id": channel, "title": f"token-{name}", "body": "For the record."}
                return Request(kind, "/notifications", _json(body), token=f"token-{name}")
            case _:
                event = {"action": "campaign.event", "resource_id": name}
                return Request("audit", "/audit/events", _json(event), token=name)

    def _submit(self, pool: urllib3.PoolManager, wanted: Request) -> None:
        headers = {**self._headers, "Idempotency-Key": str(uuid.uuid4())}
        while True:
            began = time.monotonic()
            try:
                answer = pool.request("POST", self._base + wanted.path, body=wanted.body, headers=headers)
            except urllib3.exceptions.HTTPError as error:
                self.promises.refused(type(error).__name__)
            else:
                if answer.status == 202:
                    self._accepted(wanted, answer.json(), began)
                    return
                self.promises.refused(str(answer.status))
                assert answer.status in (409, 500, 502, 503), f"{answer.status}: {answer.data[:500]!r}"
            time.sleep(AGAIN_AFTER_S)

    def _accepted(self, wanted: Request, answer: Any, began: float) -> None:
        now = time.monotonic()
        self.promises.add(Promise(answer["job_id"], wanted.kind, wanted.links, now, now - began, wanted.token))


def _json(value: Any) -> bytes:
    return json.dumps(value).encode()
