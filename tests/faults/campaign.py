"""A campaign: one fault after the other under load, drawn by a seed, and at the end the account of all promises."""

from __future__ import annotations

import statistics
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import psycopg

from tests.faults.account import Tally, settle
from tests.faults.ground import Ground
from tests.faults.kinds import Chance, Kind
from tests.faults.load import Load
from tests.faults.victims import Victims
from tests.servers.receiver import Receiver

# A campaign ends with what hangs longer than this: somebody would have to come and look.
GIVE_UP_S = 60.0
LOOK_EVERY_S = 0.1
QUIET_WITHIN_S = 120.0


@dataclass(frozen=True)
class Struck:
    """One fault: when (seconds from the start), how long it lasted, how long it took until all was well again."""

    kind: str
    at_s: float
    lasted_s: float
    recovered_s: float


@dataclass(frozen=True)
class Plan:
    """What is to be done, for how long or how many times each, under which load."""

    seconds: float
    rounds: int
    seed: int
    rate: float
    # How long faults last, as a share of what they last in a long campaign.
    span: float
    scheduled: int
    victims: int
    kinds: Sequence[Kind]


@dataclass
class Report:
    """What came of it."""

    plan: Plan
    struck: list[Struck] = field(default_factory=list)
    tally: Tally = field(default_factory=Tally)
    submissions: int = 0
    seconds: float = 0.0
    refusals: Counter[str] = field(default_factory=Counter)

    def percentile(self, share: float) -> float:
        """Seconds to recover, of so many hundredths of all faults at most."""
        found = sorted(each.recovered_s for each in self.struck)
        return found[min(len(found) - 1, int(len(found) * share / 100))] if found else 0.0

    def lines(self) -> Iterator[str]:
        """For people."""
        tally = self.tally
        yield f"seed {self.plan.seed}, {self.seconds:.0f} s, {len(self.struck)} faults of {len(self._kinds())} kinds"
        yield f"submissions accepted {self.submissions} ({self.submissions / self.seconds:.0f}/s)"
        yield f"tries refused or cut off, and made again: {dict(self.refusals)}"
        yield (
            f"effects: accepted {tally.accepted}, recorded {tally.recorded}, duplicated {tally.duplicated}, "
            f"lost {tally.lost}, dead-lettered {tally.dead_lettered}, webhooks sent twice with one id {tally.absorbed}"
        )
        yield (
            f"recovery: median {self.percentile(50):.1f} s, 95th percentile {self.percentile(95):.1f} s, "
            f"longest {self.percentile(100):.1f} s"
        )
        for name, found in sorted(self._kinds().items()):
            longest = max(each.recovered_s for each in found)
            middle = statistics.median(each.recovered_s for each in found)
            yield f"  {name}: {len(found)} times, recovery median {middle:.1f} s, longest {longest:.1f} s"
        yield from (f"FAULT {words}" for words in tally.faults)

    def _kinds(self) -> dict[str, list[Struck]]:
        kinds: dict[str, list[Struck]] = {}
        for each in self.struck:
            kinds.setdefault(each.kind, []).append(each)
        return kinds


def run(ground: Ground, plan: Plan) -> Report:
    """Strike until the time is over, then let everything come to rest and settle the account."""
    report, chance = Report(plan), Chance(plan.seed, plan.span)
    _schedule(ground, plan.scheduled)
    load = Load(ground.product.url, ground.system.key, plan.rate, ground.page, ground.channels, plan.seed)
    victims = Victims(ground, plan.victims)
    already = ground.books.jobs()
    with load, victims:
        for kind in _drawn(plan, chance):
            if load.seconds() > plan.seconds:
                break
            report.struck.append(_strike(ground, kind, chance, load.seconds()))
            print(_line(report.struck[-1]), flush=True)
        load.stop()
        report.seconds = load.seconds()
        victims.end()
    come_to_rest(ground, report.tally)
    heard = [told(receiver) for receiver in (ground.plain, ground.secure)]
    settle(ground.books, load.promises, [*heard[0], *heard[1]], already, report.tally)
    victims.settle(heard, report.tally)
    report.submissions, report.refusals = len(load.promises.made), load.promises.refusals
    return report


def _schedule(ground: Ground, count: int) -> None:
    """Links that are checked every five seconds beside the load."""
    for number in range(count):
        ground.system.post("/links", {"url": ground.page(f"scheduled-{number}"), "interval_s": 5})


def _drawn(plan: Plan, chance: Chance) -> Iterator[Kind]:
    """Each kind once in every round, each round in an order of its own."""
    for _ in range(plan.rounds):
        yield from chance.sample(plan.kinds, len(plan.kinds))


def _strike(ground: Ground, kind: Kind, chance: Chance, at_s: float) -> Struck:
    began = time.monotonic()
    kind.strike(ground, chance)
    ended = time.monotonic()
    _until_well(ground)
    struck = Struck(kind.name, at_s, ended - began, time.monotonic() - ended)
    chance.wait(0, 0.5)
    return struck


def _until_well(ground: Ground) -> None:
    """Until all that was accepted before is finished, and something that was accepted afterwards is, too."""
    deadline = time.monotonic() + GIVE_UP_S
    since: Any = None
    while time.monotonic() < deadline:
        with suppress(psycopg.Error):
            since = since or ground.books.now()
            if ground.books.pending(since) == 0 and ground.books.finished_since(since):
                return
        time.sleep(LOOK_EVERY_S)


def come_to_rest(ground: Ground, tally: Tally) -> None:
    """Until nothing is under way any more, and every process runs."""
    deadline = time.monotonic() + QUIET_WITHIN_S
    while time.monotonic() < deadline:
        if ground.books.pending() == 0 and ground.books.unsent() == 0 and ground.waiting() == 0:
            break
        time.sleep(1)
    else:
        tally.blame(f"not at rest: {ground.books.pending()} submissions, {ground.books.unsent()} rows to be sent")
    tally.dead_lettered = ground.dead_letters()
    if tally.dead_lettered:
        tally.blame(f"{tally.dead_lettered} dead letters")
    for name in ground.down():
        tally.blame(f"{name} does not run")


def told(receiver: Receiver) -> list[tuple[str, Mapping[str, Any]]]:
    """Ids and payloads of the webhooks that it took."""
    return list(zip(receiver.ids, receiver.received, strict=True))


def _line(struck: Struck) -> str:
    return f"{struck.at_s:7.1f} s  {struck.kind}: {struck.lasted_s:.1f} s, well after {struck.recovered_s:.1f} s"
