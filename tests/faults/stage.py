"""A running product whose processes die where they are told to, work that passes every step of it, and its account."""

from __future__ import annotations

import time
import uuid
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any

import kombu
import requests

from cli.local.processes import ROOT
from config.broker import QUEUES
from config.failpoints import SETTING, arm, disarm, is_armed
from tests.faults.account import Books, Promise, Promises, Tally, settle
from tests.journeys.system import System, running, wait_for
from tests.servers.host import Host
from tests.servers.receiver import Answer, Receiver

SETTINGS = {
    "PRANALA_ALLOW_NETWORKS": "127.0.0.0/8",
    "PRANALA_TICK_S": "0.5",
    "PRANALA_PART_SIZE": "3",
    "PRANALA_SWEEP_LEASE_S": "3",
    "PRANALA_SWEEP_LEASE_MAX_S": "6",
    "PRANALA_LEASE_S": "6",
    "PRANALA_MIN_CONFIRM_S": "0.5",
    "PRANALA_CONFIRM_OFFSETS_S": "0.5,1,2",
    "PRANALA_HOST_CONCURRENCY": "0",
    "PRANALA_HOST_INTERVAL_MS": "0",
    "PRANALA_TOTAL_TIMEOUT_S": "8",
    # Whatever breaks here breaks alone, and is believed.
    "PRANALA_GROUP_LEAST": "0",
    "PRANALA_FREEZE_SHARE": "1",
    "PRANALA_DELIVERY_BACKOFF_S": ",".join(["0.5"] * 30),
    "PRANALA_DELIVERY_LEASE_S": "3",
}
# Longer than the lease of a part: the sweeper sends it again while it is being checked.
SLOW_S = 4.0
# Two parts.
BATCH = 6
# No promise of ours: how long a process may take to start where many start at once.
LATE_S = 240.0
# What follows from something done twice comes a moment later.
AFTERMATH_S = 1.0


@dataclass(frozen=True)
class Stage:
    """The product, its failpoints, the sites that it checks (`slow` answers late) and the receiver of its webhooks.

    `promises` and `victims`, links that break, are of all work that was ever submitted.
    """

    system: System
    books: Books
    points: Path
    site: Host
    slow: Host
    receiver: Receiver
    channel: str
    promises: Promises = field(default_factory=Promises)
    victims: list[str] = field(default_factory=list)

    @contextmanager
    def broker(self) -> Iterator[Any]:
        """A channel to the broker."""
        with kombu.Connection(self.system.backing.broker_url) as connection:
            yield connection.default_channel

    def messages(self, suffix: str = "") -> int:
        """How many wait in all queues; or, with `.dead`, in those of the dead letters."""
        with self.broker() as channel:
            names = [f"{name}{suffix}" for queues in QUEUES.values() for name in queues]
            return sum(channel.queue_declare(name, passive=True).message_count for name in names)

    def arm(self, point: str, word: str = "kill") -> None:
        """Have whoever reaches the point next do what the word says."""
        arm(self.points, point, word)

    def disarm(self, point: str) -> None:
        """Let everybody pass again."""
        disarm(self.points, point)

    def wait_taken(self, *points: str, within_s: float = LATE_S) -> None:
        """Until somebody has reached each of these points."""
        try:
            wait_for(lambda: not self._armed(points) or None, within_s, "all points to be reached")
        except AssertionError as error:
            waiting = self._armed(points)
            for point in waiting:
                self.disarm(point)
            raise AssertionError(f"nobody came to {', '.join(waiting)}") from error

    def _armed(self, points: tuple[str, ...]) -> list[str]:
        return [point for point in points if is_armed(self.points, point)]


class Work:
    """One of everything that can be submitted, each tried with its key until it is accepted; and a link that breaks."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self._name = uuid.uuid4().hex

    def submit(self, breaks: bool = True) -> None:
        """Hand it all in; the link that breaks only if one is to break."""
        stage, site, name = self._stage, self._stage.site, self._name
        # The receiver is busy once, so that one delivery is tried again.
        stage.receiver.answers.append(Answer(503))
        token = f"token-{name}"
        note = {"channel_id": stage.channel, "title": token, "body": "Hello."}
        self._submit("notification", "/notifications", note, token=token)
        self._submit("audit", "/audit/events", {"action": "campaign.event", "resource_id": token}, token=token)
        if breaks:
            site.statuses[f"victim-{name}"] = 404
            victim = self._submit("link", "/links", {"url": site.url(f"victim-{name}"), "interval_s": 2}, links=1)
            stage.victims.append(str(victim["id"]))
        self._submit("link", "/links", {"url": site.url(f"single-{name}")}, links=1)
        self._submit("link", "/links", {"url": stage.slow.url(f"slow-{name}")}, links=1)
        urls = [site.url(f"batch-{name}-{number}") for number in range(BATCH)]
        self._submit("batch", "/batches", {"urls": urls}, links=BATCH)

    def settled(self, within_s: float = LATE_S) -> Tally:
        """The account, once nothing is missing; or as it is when the time is over, or something was done twice."""
        deadline = time.monotonic() + within_s
        while time.monotonic() < deadline:
            tally = account(self._stage)
            if tally.duplicated:
                return tally
            if not (tally.faults or self._stage.books.unsent() or self._stage.messages()):
                break
            time.sleep(0.3)
        time.sleep(AFTERMATH_S)
        return account(self._stage)

    def _submit(self, kind: str, path: str, body: Mapping[str, Any], links: int = 0, token: str = "") -> Any:
        headers = {"Idempotency-Key": str(uuid.uuid4())}
        began = time.monotonic()

        def attempt() -> Any:
            try:
                answer = self._stage.system.call("POST", path, json=body, headers=headers)
            except requests.ConnectionError:
                return None
            assert answer.status_code in (202, 409, 502, 503), answer.text
            return answer.json() if answer.status_code == 202 else None

        accepted = wait_for(attempt, LATE_S, f"{path} to be accepted")
        now = time.monotonic()
        self._stage.promises.add(Promise(accepted["job_id"], kind, links, now, now - began, token))
        return accepted


def account(stage: Stage) -> Tally:
    """All that was promised on this stage, and what has come of it by now."""
    tally, books, victims = Tally(), stage.books, dict.fromkeys(stage.victims, 1)
    told: list[tuple[str, Any]] = list(zip(list(stage.receiver.ids), list(stage.receiver.received), strict=False))
    settle(books, stage.promises, told, set(), tally)
    incidents = "SELECT link_id, count(*) FROM incidents GROUP BY link_id"
    tally.count("incidents", victims, _counted(books.ask("links", incidents)))
    broken = {identity: each["data"]["link_id"] for identity, each in told if each["type"] == "link.broken"}
    tally.count("webhooks of links that broke", victims, Counter(broken.values()))
    events = "SELECT resource_id, count(*) FROM events WHERE action = 'link.broke' GROUP BY resource_id"
    tally.count("audit events of links that broke", victims, _counted(books.ask("audit", events)))
    tally.dead_lettered = stage.messages(".dead")
    if tally.dead_lettered:
        tally.blame(f"dead letters: {tally.dead_lettered}")
    return tally


def _counted(rows: Iterable[tuple[Any, ...]]) -> dict[str, int]:
    return {str(key): int(count) for key, count in rows}


@contextmanager
def standing(folder: Path, root: Path = ROOT, settings: Mapping[str, str] = MappingProxyType({})) -> Iterator[Stage]:
    """The stage, ready; `root` holds the code that is run."""
    points = folder / "failpoints"
    points.mkdir()
    with ExitStack() as stack:
        asked = {**SETTINGS, SETTING: str(points), **settings}
        system = stack.enter_context(running(folder / "data", asked, root=root))
        receiver = stack.enter_context(Receiver())
        channel = system.post("/channels", {"kind": "webhook", "name": "ops", "target": receiver.url})
        receiver.trust(channel["secret"])
        site, slow = stack.enter_context(Host("127.0.0.21")), stack.enter_context(Host("127.0.0.22"))
        slow.delay_s = SLOW_S
        assert system.backing.postgres_url
        books = Books(system.backing.postgres_url)
        yield Stage(system, books, points, site, slow, receiver, str(channel["id"]))
