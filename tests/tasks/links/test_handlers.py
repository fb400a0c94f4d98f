"""A part of links from message to rows, with results that the test decides."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import msgspec
import pytest
from sqlalchemy import func, select, update

from config.settings import Links
from tasks.database import Sessions
from tasks.links import queries
from tasks.links.checking import check_links
from tasks.links.connectivity import Connectivity
from tasks.links.handlers import lease_due
from tasks.links.messages import CheckLinks, JobFinished, LeaseDueLinks, LinkBroke, LinkRecovered, LinkSpec, link_id
from tasks.links.models import Check, Incident, Link, Outbox
from tasks.links.result import Hop, Result, Target
from tasks.links.verdict import JUDGEMENTS, Reason
from tests.conftest import MakeDatabase
from tests.tasks.links.checkers import PartByPart

WORKSPACE = uuid.uuid4()
URL = "https://a.example/"
NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
SETTINGS = Links(min_confirm_s=120, confirm_offsets_s=(60.0, 120.0), part_size=2)


@dataclass
class Answers(PartByPart):
    """A checker whose results are given by URL; it remembers what it was asked."""

    reason: Reason = Reason.OK
    at: datetime = NOON
    asked: list[Target] = field(default_factory=list)

    def check(self, targets: Sequence[Target]) -> list[Result]:
        self.asked += targets
        return [self._result(target) for target in targets]

    def _result(self, target: Target) -> Result:
        judged = JUDGEMENTS[self.reason]
        return Result(
            verdict=judged.verdict,
            reason=judged.reason,
            permanence=judged.permanence,
            status_code={Reason.OK: 200, Reason.HTTP_404: 404}.get(self.reason),
            final_url=target.url,
            suggested_url=None,
            hops=(Hop(target.url, 200, "192.0.2.1"),),
            timings_ms={"total": 12.5},
            tls_not_after=None,
            bytes_read=0,
            retry_after_s=None,
            detail="",
            methods=("GET",) if target.full else ("HEAD", "GET"),
            attempts=1,
            started_at=self.at,
            finished_at=self.at,
        )


@pytest.fixture
def sessions(database: MakeDatabase) -> Sessions:
    return database("links")


def part(*urls: str, at: datetime = NOON, job: uuid.UUID | None = None, total: int = 0) -> CheckLinks:
    return CheckLinks(uuid.uuid4(), WORKSPACE, at, tuple(LinkSpec(url) for url in urls), job, total)


def check(sessions: Sessions, checker: Answers, message: CheckLinks) -> None:
    check_links(message, sessions=sessions, checker=checker, settings=SETTINGS)


def told(sessions: Sessions) -> list[str]:
    with sessions() as session:
        return list(session.scalars(select(Outbox.name).order_by(Outbox.id)))


def link(sessions: Sessions) -> Link:
    with sessions() as session:
        return session.get_one(Link, link_id(WORKSPACE, URL))


def after(minutes: float, reason: Reason) -> Answers:
    return Answers(reason, NOON + timedelta(minutes=minutes))


def run(sessions: Sessions, minutes: float, reason: Reason) -> None:
    check(sessions, after(minutes, reason), part(URL, at=NOON + timedelta(minutes=minutes)))


def test_a_new_link_is_stored_with_its_first_result(sessions: Sessions) -> None:
    check(sessions, Answers(), part(URL))
    stored = link(sessions)
    assert (stored.state, stored.verdict, stored.reason, stored.host) == ("up", "ok", "ok", "a.example")
    assert stored.next_check_at > NOON
    assert told(sessions) == ["LinksChanged"]


def test_a_part_that_is_delivered_twice_takes_effect_once(sessions: Sessions) -> None:
    job = uuid.uuid4()
    message = part(URL, job=job, total=1)
    checker = Answers()
    check(sessions, checker, message)
    check(sessions, checker, message)
    assert len(checker.asked) == 1
    with sessions() as session:
        assert session.scalar(select(func.count()).select_from(Check)) == 1
        job_view = queries.get_job(session, WORKSPACE, job)
        assert job_view
        assert (job_view.done, job_view.verdicts) == (1, {"ok": 1})
    # Whoever sent it again has not heard that it is done.
    assert told(sessions).count("PartChecked") == 2
    assert told(sessions).count("JobFinished") == 1


def test_the_last_part_finishes_the_job_with_the_verdicts_of_all(sessions: Sessions) -> None:
    job = uuid.uuid4()
    check(sessions, Answers(), part(URL, "https://b.example/", job=job, total=3))
    assert "JobFinished" not in told(sessions)
    check(sessions, Answers(Reason.HTTP_404), part("https://c.example/", job=job, total=3))
    with sessions() as session:
        body = session.scalar(select(Outbox.body).where(Outbox.name == "JobFinished"))
    assert body
    finished = msgspec.json.decode(body, type=JobFinished)
    assert (finished.total, finished.verdicts) == (3, {"ok": 2, "broken": 1})


def test_a_link_breaks_once_and_recovers_once_with_one_incident(sessions: Sessions) -> None:
    for minutes, reason in [
        (0, Reason.OK),
        (10, Reason.HTTP_404),
        (11, Reason.HTTP_404),
        (13, Reason.HTTP_404),
        (14, Reason.HTTP_404),
        (20, Reason.OK),
        (21, Reason.OK),
        (22, Reason.OK),
    ]:
        run(sessions, minutes, reason)
    assert [name for name in told(sessions) if name != "LinksChanged"] == ["LinkBroke", "LinkRecovered"]
    with sessions() as session:
        bodies = {row.name: row.body for row in session.scalars(select(Outbox))}
        incident = session.scalars(select(Incident)).one()
    broke = msgspec.json.decode(bodies["LinkBroke"], type=LinkBroke)
    recovered = msgspec.json.decode(bodies["LinkRecovered"], type=LinkRecovered)
    assert broke.started_at == NOON + timedelta(minutes=10)
    assert recovered.duration_s == 600
    assert broke.incident_id == recovered.incident_id == incident.id
    assert incident.resolved_at == NOON + timedelta(minutes=20)
    assert link(sessions).state == "up"


def test_a_late_result_is_kept_but_moves_nothing(sessions: Sessions) -> None:
    run(sessions, 10, Reason.OK)
    run(sessions, 5, Reason.HTTP_404)
    assert link(sessions).state == "up"
    with sessions() as session:
        assert session.scalar(select(func.count()).select_from(Check)) == 2


def test_a_failing_link_is_confirmed_by_a_full_get_soon(sessions: Sessions) -> None:
    run(sessions, 0, Reason.HTTP_404)
    failing = link(sessions)
    assert failing.confirming
    assert timedelta(seconds=60) <= failing.next_check_at - NOON <= timedelta(seconds=66)
    lease_due(LeaseDueLinks(), sessions=sessions, settings=SETTINGS)
    with sessions() as session:
        body = session.scalar(select(Outbox.body).where(Outbox.name == "CheckLinks"))
    assert body
    assert msgspec.json.decode(body, type=CheckLinks).links == (LinkSpec(URL, full=True),)


def test_two_ticks_at_once_lease_each_due_link_once(sessions: Sessions) -> None:
    check(sessions, Answers(), part(*(f"https://example.org/{n}" for n in range(5))))
    with sessions.begin() as session:
        session.execute(update(Link).values(next_check_at=NOON))
    lease_due(LeaseDueLinks(), sessions=sessions, settings=SETTINGS)
    lease_due(LeaseDueLinks(), sessions=sessions, settings=SETTINGS)
    with sessions() as session:
        bodies = session.scalars(select(Outbox.body).where(Outbox.name == "CheckLinks")).all()
    urls = [spec.url for body in bodies for spec in msgspec.json.decode(body, type=CheckLinks).links]
    assert sorted(urls) == sorted(f"https://example.org/{n}" for n in range(5))


def test_a_storm_of_failures_moves_nothing_is_told_once_and_is_looked_at_again_soon(sessions: Sessions) -> None:
    urls = [f"https://{number}.example/" for number in range(6)]
    check(sessions, Answers(), part(*urls))
    for minutes in (10, 11):
        check(sessions, after(minutes, Reason.TIMEOUT_CONNECT), part(*urls, at=NOON + timedelta(minutes=minutes)))
    with sessions() as session:
        links = session.scalars(select(Link)).all()
        assert session.scalar(select(func.count()).select_from(Check)) == 18
    assert {each.state for each in links} == {"up"}
    assert {each.verdict for each in links} == {"ok"}
    assert all(each.next_check_at < NOON + timedelta(minutes=13) for each in links)
    assert [name for name in told(sessions) if name != "LinksChanged"] == ["ChecksFrozen"]


@pytest.mark.parametrize(("fine", "expected"), [(0, ["ChecksFrozen"]), (20, ["LinkBroke"] * 6)])
def test_failures_that_come_one_by_one_are_a_storm_unless_others_work_meanwhile(
    sessions: Sessions, fine: int, expected: list[str]
) -> None:
    failing = [f"https://{number}.example/" for number in range(6)]
    others = [f"https://fine-{number}.example/" for number in range(fine)]
    check(sessions, Answers(), part(*failing, *others))
    for minutes in (10, 11, 12, 13):
        for number, url in enumerate(failing):
            at = minutes + number / 100
            message = CheckLinks(
                uuid.uuid4(), WORKSPACE, NOON + timedelta(minutes=at), (LinkSpec(url, full=True),), None
            )
            check(sessions, after(at, Reason.TIMEOUT_CONNECT), message)
        if others:
            check(sessions, after(minutes, Reason.OK), part(*others, at=NOON + timedelta(minutes=minutes)))
    assert [name for name in told(sessions) if name != "LinksChanged"] == expected
    with sessions() as session:
        states = set(session.scalars(select(Link.state).where(Link.url.in_(failing))))
    assert states == ({"broken"} if fine else {"failing"})


def test_a_list_of_dead_links_is_no_storm(sessions: Sessions) -> None:
    dead = [f"https://{number}.example/" for number in range(6)]
    for minutes in (0, 1, 2, 3):
        check(sessions, after(minutes, Reason.TIMEOUT_CONNECT), part(*dead, at=NOON + timedelta(minutes=minutes)))
    assert [name for name in told(sessions) if name != "LinksChanged"] == ["LinkBroke"] * 6


def test_while_the_checker_is_offline_a_failure_moves_nothing(sessions: Sessions) -> None:
    check(sessions, Answers(), part(URL))
    offline = Connectivity([("192.0.2.1", 53)], reach=lambda _: False)
    message = part(URL, at=NOON + timedelta(minutes=5))
    check_links(
        message,
        sessions=sessions,
        checker=after(5, Reason.TIMEOUT_CONNECT),
        settings=SETTINGS,
        connectivity=offline,
    )
    stored = link(sessions)
    assert (stored.state, stored.verdict, stored.reason) == ("up", "ok", "ok")
    with sessions() as session:
        assert "checker_offline" in session.scalars(select(Check.reason)).all()


def test_a_check_of_known_links_adds_none(sessions: Sessions) -> None:
    job = uuid.uuid4()
    message = CheckLinks(uuid.uuid4(), WORKSPACE, NOON, (LinkSpec(URL),), job, 1, registers=False)
    check(sessions, Answers(), message)
    with sessions() as session:
        assert session.get(Link, link_id(WORKSPACE, URL)) is None
        found = queries.get_job(session, WORKSPACE, job)
    assert found
    assert found.state == "finished"


def test_submitting_again_sets_what_was_said_and_keeps_the_rest(sessions: Sessions) -> None:
    job = uuid.uuid4()
    first = CheckLinks(uuid.uuid4(), WORKSPACE, NOON, (LinkSpec(URL, interval_s=60, tags=("docs",)),), job, 1)
    check(sessions, Answers(), first)
    again = CheckLinks(
        uuid.uuid4(), WORKSPACE, NOON + timedelta(minutes=1), (LinkSpec(URL, external_id="x"),), uuid.uuid4(), 1
    )
    check(sessions, Answers(), again)
    stored = link(sessions)
    assert (stored.interval_s, stored.tags, stored.external_id) == (60, ["docs"], "x")
