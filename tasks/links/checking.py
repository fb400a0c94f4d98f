"""Checking: parts of links, from message to rows.

Parts that come together share their transactions. None waits for the slow links of another: what has landed is written
while the rest is still on its way.
"""

from __future__ import annotations

import os
import uuid
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property, partial
from itertools import groupby
from typing import Protocol

from sqlalchemy.orm import Session

from config import telemetry
from config.failpoints import reach
from config.settings import LINKS_KEY, Links
from tasks import clock, outbox
from tasks.database import AWAY, Sessions, transaction
from tasks.links import (
    announcing,
    deferral,
    gathering,
    inbox,
    passing,
    plan,
    progress,
    record,
    schedule,
    settling,
    tailoring,
    timeline,
)
from tasks.links.connectivity import Connectivity
from tasks.links.fetcher import Landed, Unwanted
from tasks.links.flights import Flight, Flights
from tasks.links.messages import CheckLinks, LinkSpec
from tasks.links.models import CHECKS, INCIDENTS, MOMENTS, OUTBOX
from tasks.links.plan import Plan
from tasks.links.progress import Counted
from tasks.links.record import Outcome
from tasks.links.result import Result, Target
from tasks.links.settling import Checked
from tasks.rows import insert_rows, update_rows
from tasks.service import Told
from tasks.vault import Vault

ONLINE = Connectivity(())
ALONE = Flights()
# Opens nothing: of a worker that was given no key.
CLOSED = Vault(os.urandom(32), LINKS_KEY)


class Checker(Protocol):
    """Something that fetches; see `Engine.check_each`."""

    def check_each(self, asked: Sequence[Sequence[Target]], unwanted: Unwanted) -> Iterator[Landed]: ...


@dataclass(frozen=True)
class UnderWay:
    """A part, how its links are to be checked, and those that are ours to fetch now."""

    told: Told
    planned: Plan
    flight: Flight

    @property
    def targets(self) -> list[Target]:
        """What to fetch."""
        return [self.planned.targets[spec.url] for spec in self.flight.ours]

    def landed(self, fetched: Sequence[Result]) -> Arrived:
        """The part with its results."""
        part, results = self.planned.joined(self.told.message, self.flight.ours, fetched)
        return Arrived(part, results, self.flight.others, self.planned.settings, self.told.traceparent)


@dataclass(frozen=True)
class Arrived:
    """A part and the results of its links; `others` are links of it that somebody else checks at this moment."""

    part: CheckLinks
    results: Sequence[Result]
    others: Sequence[LinkSpec]
    settings: Links
    traceparent: str

    @property
    def told(self) -> Told:
        """As it came, but for links that are no business of it any more."""
        return Told(self.part, self.traceparent)

    @property
    def passes(self) -> bool:
        """Whether it is checked for its job alone, and its links do not stay."""
        return bool(self.part.job_id) and not self.part.keep

    @property
    def manner(self) -> tuple[uuid.UUID, bool, bool]:
        """What parts must have in common to be written at once."""
        return self.part.workspace_id, self.passes, settling.adds(self.part)

    @cached_property
    def urls(self) -> frozenset[str]:
        """Of its links."""
        return frozenset(spec.url for spec in self.part.links)

    def divided(self, now: datetime) -> deferral.Divided:
        """What of it is settled, and what is put back."""
        divided = deferral.divide(self.part, self.results, now, self.settings)
        return deferral.with_others(divided, self.part, self.others, now)


def check_links(
    message: CheckLinks,
    *,
    sessions: Sessions,
    checker: Checker,
    settings: Links,
    connectivity: Connectivity = ONLINE,
    flights: Flights = ALONE,
    vault: Vault = CLOSED,
) -> None:
    """Fetch every link of the part, then write all that follows in one transaction.

    What another part fetches at this moment is put back, and fetched when that is done.
    """
    told = Told(message, telemetry.carrier().get("traceparent", ""))
    check_many(
        [told],
        sessions=sessions,
        checker=checker,
        settings=settings,
        connectivity=connectivity,
        flights=flights,
        vault=vault,
    )


def check_many(
    told: Sequence[Told],
    *,
    sessions: Sessions,
    checker: Checker,
    settings: Links,
    connectivity: Connectivity = ONLINE,
    flights: Flights = ALONE,
    vault: Vault = CLOSED,
) -> None:
    """The same for many parts. Where it fails, those that are done are known when all of them come again."""
    reach("links.check.taken")
    planned = _planned(sessions, told, settings, vault)
    with flights.of_all([(each.message, found.due) for each, found in planned]) as taken:
        parts = [UnderWay(each, found, flight) for (each, found), flight in zip(planned, taken, strict=True)]
        ours = [each for each in parts if not each.flight.has_twin]
        _leave(sessions, [each.told for each in parts if each.flight.has_twin], flights.lease_s)
        reach("links.check.leased")
        unwanted = partial(_unwanted, sessions, [each.told.message.part_id for each in ours])
        for landed in checker.check_each([each.targets for each in ours], unwanted):
            flights.give([ours[place].flight for place, _ in landed])
            reach("links.check.fetched")
            arrived = [ours[place].landed(connectivity.believed(results)) for place, results in landed]
            for together in _together(arrived):
                _settle(sessions, together)


def _planned(sessions: Sessions, told: Sequence[Told], settings: Links, vault: Vault) -> list[tuple[Told, Plan]]:
    """What is to be done of each part that is not done yet. One that comes twice at once comes once."""
    each = {one.message.part_id: one for one in told}
    with sessions.begin() as session:
        done = inbox.done(session, list(each))
        if done:
            _confirm_again(session, [one for one in each.values() if one.message.part_id in done])
        left = sorted((one for one in each.values() if one.message.part_id not in done), key=_workspace)
        now = clock.now()
        return [
            (one, found)
            for _, group in groupby(left, _workspace)
            for one, found in _plan(session, list(group), now, settings, vault)
        ]


def _workspace(told: Told) -> uuid.UUID:
    found: uuid.UUID = told.message.workspace_id
    return found


def _plan(
    session: Session, told: Sequence[Told], now: datetime, settings: Links, vault: Vault
) -> Iterable[tuple[Told, Plan]]:
    parts = [each.message for each in told]
    return zip(told, plan.plan(session, parts, now, settings, vault), strict=True)


def _confirm_again(session: Session, told: Sequence[Told]) -> None:
    inbox.confirm_again(session, told)
    for each in told:
        deferral.forget(session, each.message)


def _leave(sessions: Sessions, told: Sequence[Told], lease_s: float) -> None:
    """Leave parts to copies of them that are under way."""
    if told:
        with sessions.begin() as session:
            for each in told:
                deferral.send_again(session, each, lease_s)


def _unwanted(sessions: Sessions, ids: Sequence[uuid.UUID], places: Collection[int]) -> list[int]:
    """Which of these parts nobody waits for any more: jobs may be cancelled while their links wait for their hosts."""
    try:
        with sessions() as session:
            done = inbox.done(session, [ids[place] for place in places])
    except AWAY:
        return []
    return [place for place in places if ids[place] in done]


def _together(arrived: Iterable[Arrived]) -> Iterator[list[Arrived]]:
    """Those that can be written at once: what becomes of a link is one result's doing at a time."""
    groups: list[tuple[list[Arrived], set[str]]] = []
    for each in arrived:
        for group, urls in groups:
            if group[0].manner == each.manner and urls.isdisjoint(each.urls):
                group.append(each)
                urls |= each.urls
                break
        else:
            groups.append(([each], set(each.urls)))
    return (group for group, _ in groups)


def _settle(sessions: Sessions, arrived: Sequence[Arrived]) -> None:
    with transaction(sessions, "links.check") as session:
        ours = inbox.take(session, [each.part for each in arrived])
        if others := [each.told for each in arrived if each.part.part_id not in ours]:
            inbox.confirm_again(session, others)
        if firsts := [each for each in arrived if each.part.part_id in ours]:
            _write(session, firsts)


def _write(session: Session, arrived: Sequence[Arrived]) -> None:
    """All that follows from the results of parts of one manner."""
    now = clock.now()
    divided = [each.divided(now) for each in arrived]
    settled = [Counted(half.part, half.results, each.traceparent) for each, half in zip(arrived, divided, strict=True)]
    if arrived[0].passes:
        insert_rows(session, CHECKS, [row for each in settled for row in passing.check_rows(each.part, each.results)])
        drafts = []
    else:
        drafts = _move(session, settled, arrived[0].settings)
    outbox.post(session, OUTBOX, drafts + progress.count(session, settled))
    for each, half in zip(arrived, divided, strict=True):
        deferral.put_back(session, each.told, half.rest, each.settings)


def _move(session: Session, settled: Sequence[Counted], settings: Links) -> list[outbox.Draft]:
    """Move the links by their results; returns what there is to tell of that."""
    checked = {
        spec.url: Checked(spec, result, each.part, each.traceparent)
        for each in settled
        for spec, result in zip(each.part.links, each.results, strict=True)
    }
    outcomes = settling.settle(session, checked, settings)
    gathering.lock(session, outcomes)
    _remember(session, checked, outcomes)
    tailoring.keep(session, checked, [outcome.row for outcome in outcomes])
    schedule.release(session, [each.part.part_id for each in settled if each.part.leased])
    drafts = gathering.gather(session, outcomes, gathering.rules_of(settings))
    return drafts + announcing.drafts(checked, outcomes)


def _remember(session: Session, checked: Mapping[str, Checked], outcomes: Sequence[Outcome]) -> None:
    """Put on record what was seen and what came of it."""
    worker = telemetry.process()
    insert_rows(session, INCIDENTS, [outcome.opened for outcome in outcomes if outcome.opened])
    update_rows(session, INCIDENTS, "id", [outcome.resolved for outcome in outcomes if outcome.resolved])
    each = ((checked[outcome.row["url"]], outcome.row) for outcome in outcomes)
    insert_rows(session, CHECKS, [record.check_row(one.part, row, one.result, worker) for one, row in each])
    timeline.begin(session, [outcome.opened for outcome in outcomes if outcome.opened])
    insert_rows(session, MOMENTS, [moment for outcome in outcomes for moment in outcome.moments])
