"""The account of a campaign: what clients were promised, and what came of it in every database and at the receivers."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, field
from typing import Any

import psycopg


@dataclass(frozen=True)
class Promise:
    """One accepted submission: its job, of how many links it is, and when and how fast it was accepted."""

    job_id: str
    kind: str
    links: int
    at: float
    took_s: float
    # What a notification or an external event can be told by where it arrives.
    token: str = ""


class Promises:
    """All that was accepted, and what clients met on the way; written by many threads."""

    def __init__(self) -> None:
        self.made: list[Promise] = []
        self.refusals: Counter[str] = Counter()
        self._lock = threading.Lock()

    def add(self, promise: Promise) -> None:
        """A `202` has arrived."""
        with self._lock:
            self.made.append(promise)

    def refused(self, why: str) -> None:
        """A try came to nothing and is made again with the same key."""
        with self._lock:
            self.refusals[why] += 1

    def between(self, start: float, end: float) -> list[Promise]:
        """Those accepted in this span of `time.monotonic()`."""
        with self._lock:
            return [each for each in self.made if start <= each.at < end]


@dataclass
class Tally:
    """What a campaign comes to. Anything in `faults` fails it."""

    accepted: int = 0
    recorded: int = 0
    duplicated: int = 0
    lost: int = 0
    dead_lettered: int = 0
    absorbed: int = 0
    faults: list[str] = field(default_factory=list)

    def count(self, what: str, expected: Mapping[str, int], found: Mapping[str, int]) -> None:
        """Compare how often each thing should have taken effect with how often it did."""
        missing = {key: wanted - found.get(key, 0) for key, wanted in expected.items() if found.get(key, 0) < wanted}
        surplus = {key: times - expected.get(key, 0) for key, times in found.items() if times > expected.get(key, 0)}
        self.accepted += sum(expected.values())
        self.recorded += sum(found.values())
        self._blame("lost", what, missing)
        self._blame("duplicated", what, surplus)

    def blame(self, words: str) -> None:
        """Something else that must not be."""
        self.faults.append(words)

    def _blame(self, how: str, what: str, those: Mapping[str, int]) -> None:
        if those:
            setattr(self, how, getattr(self, how) + sum(those.values()))
            some = ", ".join(list(those)[:3])
            self.faults.append(f"{how}: {sum(those.values())} {what}, such as {some}")


class Books:
    """The databases as a superuser reads them, past every proxy; each question stands alone."""

    def __init__(self, postgres_url: str) -> None:
        self._url = postgres_url.replace("+psycopg", "")

    def ask(self, service: str, query: str, *values: Any) -> list[tuple[Any, ...]]:
        """The rows of a query on one service's database."""
        with psycopg.connect(self._url, dbname=f"pranala_{service}", connect_timeout=5) as connection:
            return connection.execute(query, values).fetchall()  # type: ignore[arg-type]  # written here

    def jobs(self) -> set[str]:
        """Every submission that there is."""
        return {str(job_id) for (job_id,) in self.ask("intake", "SELECT id FROM submissions")}

    def pending(self, before: Any = None) -> int:
        """Accepted submissions that are not finished, of those made before a time."""
        where = "finished_at IS NULL AND cancelled_at IS NULL AND created_at < coalesce(%s, now())"
        [(count,)] = self.ask("intake", f"SELECT count(*) FROM submissions WHERE {where}", before)
        return int(count)

    def finished_since(self, moment: Any) -> bool:
        """Whether a submission that was made after this moment is finished."""
        query = "SELECT 1 FROM submissions WHERE created_at > %s AND finished_at IS NOT NULL LIMIT 1"
        return bool(self.ask("intake", query, moment))

    def unsent(self) -> int:
        """Rows in all outboxes, and deliveries that are not at an end."""
        waiting = sum(
            self.ask(service, "SELECT count(*) FROM outbox")[0][0]
            for service in ("intake", "links", "notifications", "audit")
        )
        [(undelivered,)] = self.ask("notifications", "SELECT count(*) FROM deliveries WHERE finished_at IS NULL")
        return int(waiting + undelivered)

    def now(self) -> Any:
        """The database's clock."""
        return self.ask("intake", "SELECT clock_timestamp()")[0][0]


def settle(
    books: Books, promises: Promises, webhooks: Sequence[tuple[str, Mapping[str, Any]]], already: Set[str], tally: Tally
) -> None:
    """Compare all that was promised with what the databases and the receivers have.

    `webhooks` are ids and payloads, `already` the jobs that were there before.
    """
    made = promises.made
    tally.count("submissions", {each.job_id: 1 for each in made}, _but(already, _submissions(books)))
    checks = [each for each in made if each.kind in ("link", "batch")]
    tally.count("checks of links", {each.job_id: each.links for each in checks}, _but(already, _checks(books)))
    for job_id, link_id, times in books.ask("links", TWICE):
        tally.duplicated += times - 1
        tally.blame(f"duplicated: link {link_id} was recorded {times} times for job {job_id}")
    tally.count("audit events of submissions", {each.job_id: 1 for each in made}, _but(already, _submitted(books)))
    told = [each for each in made if each.kind == "notification"]
    tally.count("notifications", {each.token: 1 for each in told}, _tokens(webhooks))
    external = [each for each in made if each.kind == "audit"]
    tally.count("external audit events", {each.token: 1 for each in external}, _external(books))
    tally.absorbed += len(webhooks) - len({identity for identity, _ in webhooks})
    for link_id, at, times in books.ask("links", TWICE_ON_SCHEDULE):
        tally.duplicated += times - 1
        tally.blame(f"duplicated: link {link_id} was checked {times} times for {at}")
    if left := books.pending():
        tally.blame(f"unfinished: {left} submissions")


TWICE = """
    SELECT job_id, link_id, count(*) FROM checks
    WHERE job_id IS NOT NULL GROUP BY job_id, link_id HAVING count(*) > 1
"""
TWICE_ON_SCHEDULE = """
    SELECT link_id, scheduled_at, count(*) FROM checks
    WHERE job_id IS NULL GROUP BY link_id, scheduled_at HAVING count(*) > 1
"""


def _but(already: Set[str], found: Mapping[str, int]) -> dict[str, int]:
    return {key: count for key, count in found.items() if key not in already}


def _submissions(books: Books) -> dict[str, int]:
    return dict.fromkeys(books.jobs(), 1)


def _checks(books: Books) -> dict[str, int]:
    query = "SELECT job_id, count(*) FROM checks WHERE job_id IS NOT NULL GROUP BY job_id"
    return {str(job_id): int(count) for job_id, count in books.ask("links", query)}


def _submitted(books: Books) -> dict[str, int]:
    query = "SELECT resource_id, count(*) FROM events WHERE action LIKE '%%.submit' GROUP BY resource_id"
    return {job_id: int(count) for job_id, count in books.ask("audit", query)}


def _external(books: Books) -> dict[str, int]:
    query = "SELECT resource_id, count(*) FROM events WHERE action = 'campaign.event' GROUP BY resource_id"
    return {token: int(count) for token, count in books.ask("audit", query)}


def _tokens(webhooks: Sequence[tuple[str, Mapping[str, Any]]]) -> Counter[str]:
    """How many different deliveries told of each notification."""
    titles = {identity: payload.get("data", {}).get("title", "") for identity, payload in webhooks}
    return Counter(title for title in titles.values() if title.startswith("token-"))
