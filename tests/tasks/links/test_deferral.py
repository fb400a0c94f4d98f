"""Links that are put back because their host wants to be left alone, from message to rows and back to a message."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

import msgspec
import pytest
from sqlalchemy import func, select, update

from config.settings import Links
from tasks.database import Sessions
from tasks.links import queries
from tasks.links.checking import check_links
from tasks.links.handlers import cancel_parts, lease_due
from tasks.links.messages import CancelParts, CheckLinks, JobFinished, LeaseDueLinks, LinkSpec, link_id
from tasks.links.models import Check, Link, Outbox, PartDeferred
from tasks.links.result import Result, Target
from tasks.links.verdict import JUDGEMENTS, Reason
from tests.conftest import MakeDatabase
from tests.tasks.links.checkers import PartByPart

WORKSPACE = uuid.uuid4()
FINE, BUSY, BUSY_TOO = "https://fine.example/", "https://busy.example/1", "https://busy.example/2"
SETTINGS = Links(defer_most=3, defer_s=600, lease_s=100)

Known = dict[str, tuple[Reason, float | None]]
BUSY_ANSWERS: Known = {
    FINE: (Reason.OK, None),
    BUSY: (Reason.RATE_LIMITED, 30),
    BUSY_TOO: (Reason.HOST_BACKOFF, 30),
}


@dataclass
class Answers(PartByPart):
    """A checker whose results are given by URL, as reason and wait; what is not given is fine."""

    known: Known = field(default_factory=dict)
    paced: bool = False
    asked: list[str] = field(default_factory=list)
    targets: list[Target] = field(default_factory=list)

    def check(self, targets: Sequence[Target]) -> list[Result]:
        self.asked += [target.url for target in targets]
        self.targets += targets
        return [self._result(target) for target in targets]

    def _result(self, target: Target) -> Result:
        reason, wait_s = self.known.get(target.url, (Reason.OK, None))
        judged, now = JUDGEMENTS[reason], datetime.now(UTC)
        return Result(
            verdict=judged.verdict,
            reason=judged.reason,
            permanence=judged.permanence,
            status_code=None,
            final_url=target.url,
            suggested_url=None,
            hops=(),
            timings_ms={"total": 1.0},
            tls_not_after=None,
            bytes_read=0,
            retry_after_s=None,
            detail="",
            methods=("HEAD",),
            attempts=1,
            started_at=now,
            finished_at=now,
            wait_s=wait_s,
            paced=self.paced,
        )


@pytest.fixture
def sessions(database: MakeDatabase) -> Sessions:
    return database("links")


def part(job: uuid.UUID | None = None, at: datetime | None = None) -> CheckLinks:
    specs = tuple(LinkSpec(url) for url in (FINE, BUSY, BUSY_TOO))
    return CheckLinks(uuid.uuid4(), WORKSPACE, at or datetime.now(UTC), specs, job, 3)


def check(sessions: Sessions, message: CheckLinks, known: Known = BUSY_ANSWERS) -> list[str]:
    checker = Answers(known)
    check_links(message, sessions=sessions, checker=checker, settings=SETTINGS)
    return checker.asked


def deferred(sessions: Sessions) -> list[PartDeferred]:
    with sessions() as session:
        return list(session.scalars(select(PartDeferred)))


def told(sessions: Sessions, name: str) -> list[str]:
    with sessions() as session:
        return list(session.scalars(select(Outbox.body).where(Outbox.name == name).order_by(Outbox.id)))


def results(sessions: Sessions) -> dict[str, str]:
    with sessions() as session:
        found = session.execute(select(Link.url, Check.reason).join(Check, Check.link_id == Link.id))
        return {row.url: row.reason for row in found}


def released(sessions: Sessions) -> list[CheckLinks]:
    """The parts that the tick sends when all that waits is due."""
    before = len(told(sessions, "CheckLinks"))
    with sessions.begin() as session:
        # A little before now: the product goes by the database's clock, which may be behind this one by a hair.
        session.execute(update(PartDeferred).values(not_before=datetime.now(UTC) - timedelta(seconds=1)))
    lease_due(LeaseDueLinks(), sessions=sessions, settings=SETTINGS)
    return [msgspec.json.decode(body, type=CheckLinks) for body in told(sessions, "CheckLinks")[before:]]


def test_what_can_be_is_recorded_and_the_rest_is_put_back(sessions: Sessions) -> None:
    job = uuid.uuid4()
    check(sessions, part(job))
    assert results(sessions) == {FINE: "ok"}
    [row] = deferred(sessions)
    assert row.job_id == job
    assert timedelta(seconds=25) < row.not_before - datetime.now(UTC) <= timedelta(seconds=30)
    with sessions() as session:
        view = queries.get_job(session, WORKSPACE, job)
    assert view
    assert (view.done, view.total) == (1, 3)
    # From here on nobody else needs to remember the part.
    assert len(told(sessions, "PartChecked")) == 1
    assert told(sessions, "JobFinished") == []


def test_what_is_put_back_is_sent_when_it_is_time_and_finishes_the_job(sessions: Sessions) -> None:
    message = part(uuid.uuid4())
    check(sessions, message)
    lease_due(LeaseDueLinks(), sessions=sessions, settings=SETTINGS)
    assert told(sessions, "CheckLinks") == []
    [later] = released(sessions)
    assert later.scheduled_at == message.scheduled_at
    assert check(sessions, later, {}) == [BUSY, BUSY_TOO]
    assert results(sessions) == {FINE: "ok", BUSY: "ok", BUSY_TOO: "ok"}
    assert deferred(sessions) == []
    [body] = told(sessions, "JobFinished")
    assert msgspec.json.decode(body, type=JobFinished).verdicts == {"ok": 3}


def test_every_part_takes_effect_once_however_often_it_is_delivered(sessions: Sessions) -> None:
    message = part(uuid.uuid4())
    assert check(sessions, message)
    assert check(sessions, message) == []
    assert len(deferred(sessions)) == 1
    [later] = released(sessions)
    assert check(sessions, later, {})
    assert check(sessions, later, {}) == []
    with sessions() as session:
        assert session.scalar(select(func.count()).select_from(Check)) == 3
    assert len(told(sessions, "JobFinished")) == 1


def test_a_part_that_was_sent_and_lost_is_sent_again_later_and_later(sessions: Sessions) -> None:
    check(sessions, part(uuid.uuid4()))
    first = released(sessions)
    waits = [row.not_before - datetime.now(UTC) for row in deferred(sessions)]
    again = released(sessions)
    waits += [row.not_before - datetime.now(UTC) for row in deferred(sessions)]
    assert first == again
    assert [round(wait.total_seconds(), -1) for wait in waits] == [100, 200]


def test_after_enough_times_what_is_known_is_recorded(sessions: Sessions) -> None:
    message = part(uuid.uuid4())
    check(sessions, message)
    for _ in range(SETTINGS.defer_most):
        assert results(sessions) == {FINE: "ok"}
        [later] = released(sessions)
        # The second time round neither is asked for any more.
        check(sessions, later, dict.fromkeys((BUSY, BUSY_TOO), (Reason.HOST_BACKOFF, 30)))
    assert results(sessions) == {FINE: "ok", BUSY: "rate_limited", BUSY_TOO: "host_backoff"}
    assert deferred(sessions) == []
    [body] = told(sessions, "JobFinished")
    assert msgspec.json.decode(body, type=JobFinished).verdicts == {"ok": 1, "inconclusive": 1, "skipped": 1}


def test_links_that_only_wait_for_their_turn_wait_as_long_as_it_takes(sessions: Sessions) -> None:
    late = datetime.now(UTC) - timedelta(days=1)
    message = replace(part(at=late), deferrals=SETTINGS.defer_most)
    asked = Answers(BUSY_ANSWERS, paced=True)
    check_links(message, sessions=sessions, checker=asked, settings=SETTINGS)
    assert all(target.waited for target in asked.targets)
    [later] = released(sessions)
    assert {spec.url for spec in later.links} == {BUSY, BUSY_TOO}


def test_a_host_that_wants_more_time_than_there_is_is_not_waited_for(sessions: Sessions) -> None:
    check(sessions, part(), {BUSY: (Reason.RATE_LIMITED, 601), BUSY_TOO: (Reason.HOST_BACKOFF, 601)})
    assert results(sessions) == {FINE: "ok", BUSY: "rate_limited", BUSY_TOO: "host_backoff"}
    assert deferred(sessions) == []


def test_hosts_with_different_times_wait_apart(sessions: Sessions) -> None:
    check(sessions, part(), {BUSY: (Reason.RATE_LIMITED, 30), FINE: (Reason.HOST_BACKOFF, 90)})
    assert sorted(
        [spec.url for spec in msgspec.json.decode(row.body, type=CheckLinks).links] for row in deferred(sessions)
    ) == [[BUSY], [FINE]]


def test_the_schedule_does_not_send_what_waits_here(sessions: Sessions) -> None:
    check(sessions, part(), {})
    leased_at = datetime.now(UTC) + timedelta(seconds=1)
    specs = (LinkSpec(BUSY),)
    with sessions.begin() as session:
        session.execute(update(Link).values(next_check_at=leased_at))
    check(sessions, CheckLinks(uuid.uuid4(), WORKSPACE, leased_at, specs, leased=True))
    with sessions() as session:
        row = session.get_one(Link, link_id(WORKSPACE, BUSY))
    assert row.next_check_at - datetime.now(UTC) > timedelta(seconds=120)
    assert len(deferred(sessions)) == 1


def test_a_cancelled_job_takes_back_what_was_put_back(sessions: Sessions) -> None:
    job = uuid.uuid4()
    check(sessions, part(job))
    [sent] = released(sessions)
    cancel_parts(CancelParts(job, ()), sessions=sessions)
    assert deferred(sessions) == []
    assert check(sessions, sent, {}) == []
    assert results(sessions) == {FINE: "ok"}
