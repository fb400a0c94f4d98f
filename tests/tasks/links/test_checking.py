"""Many parts in one message: each comes to its own end, and no slow link holds up another's."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from ipaddress import ip_network

import msgspec
import pytest
from sqlalchemy import func, select

from tasks import wire
from tasks.database import Sessions
from tasks.links import queries
from tasks.links.checking import check_links, check_many
from tasks.links.fetch import Engine, EngineSettings
from tasks.links.fetcher import Landed, Unwanted, all_wanted
from tasks.links.handlers import cancel_parts
from tasks.links.messages import CancelParts, CheckLinks, JobFinished, LinksChanged, LinkSpec, link_id
from tasks.links.models import Check, Link, Outbox, PartDeferred, Window
from tasks.links.result import Target
from tasks.service import Told
from tests.conftest import MakeDatabase
from tests.servers.host import Host
from tests.tasks.links.test_handlers import SETTINGS, WORKSPACE, Answers

OTHER = uuid.uuid4()


@pytest.fixture
def sessions(database: MakeDatabase) -> Sessions:
    return database("links")


@pytest.fixture
def host() -> Iterator[Host]:
    with Host("127.0.0.47") as host:
        yield host


@pytest.fixture
def slow() -> Iterator[Host]:
    """It answers after a while."""
    with Host("127.0.0.48") as host:
        host.delay_s = 2.0
        yield host


@pytest.fixture
def engine() -> Iterator[Engine]:
    engine = Engine(EngineSettings(allow_networks=(ip_network("127.0.0.0/8"),), queue_s=60))
    yield engine
    engine.close()


def trace(number: int) -> str:
    return f"00-{number:032x}-{1:016x}-01"


def part(*urls: str, number: int = 1, job: uuid.UUID | None = None, total: int = 0, **fields: object) -> Told:
    message = CheckLinks(wire.new_id(), WORKSPACE, datetime.now(UTC), tuple(map(LinkSpec, urls)), job, total)
    return Told(replace(message, **fields), trace(number))  # type: ignore[arg-type]  # of a CheckLinks


def check(sessions: Sessions, told: Sequence[Told], checker: object = None) -> None:
    check_many(told, sessions=sessions, checker=checker or Answers(at=datetime.now(UTC)), settings=SETTINGS)  # type: ignore[arg-type]  # any checker


def said(sessions: Sessions, name: str) -> list[tuple[str, str]]:
    with sessions() as session:
        rows = session.execute(select(Outbox.body, Outbox.traceparent).where(Outbox.name == name).order_by(Outbox.id))
        return [(row.body, row.traceparent) for row in rows]


def checks(sessions: Sessions) -> int:
    with sessions() as session:
        return session.scalar(select(func.count()).select_from(Check)) or 0


def test_every_part_is_checked_counted_and_told_of_in_its_own_trace(sessions: Sessions) -> None:
    jobs = [uuid.uuid4(), uuid.uuid4()]
    told = [
        part("https://a.example/1", "https://a.example/2", number=1, job=jobs[0], total=3),
        part("https://b.example/", number=2, job=jobs[1], total=1),
        part("https://a.example/3", number=3, job=jobs[0], total=3),
    ]
    check(sessions, told)
    with sessions() as session:
        found = [queries.get_job(session, WORKSPACE, job) for job in jobs]
        assert [(job.state, job.done, job.verdicts) for job in found if job] == [
            ("finished", 3, {"ok": 3}),
            ("finished", 1, {"ok": 1}),
        ]
        traces = {row.url: row.traceparent for row in session.execute(select(Link.url, Link.traceparent))}
    assert traces["https://b.example/"] == trace(2)
    assert traces["https://a.example/3"] == trace(3)
    finished = {msgspec.json.decode(body, type=JobFinished).job_id for body, _ in said(sessions, "JobFinished")}
    assert finished == set(jobs)
    assert sorted(found for _, found in said(sessions, "PartChecked")) == [trace(1), trace(2), trace(3)]
    changed = {
        found: {change.url for change in msgspec.json.decode(body, type=LinksChanged).changes}
        for body, found in said(sessions, "LinksChanged")
    }
    assert changed[trace(1)] == {"https://a.example/1", "https://a.example/2"}
    assert changed[trace(3)] == {"https://a.example/3"}


def test_parts_that_come_again_in_whatever_company_take_effect_once(sessions: Sessions) -> None:
    job = uuid.uuid4()
    told = [part(f"https://a.example/{number}", number=number, job=job, total=3) for number in range(3)]
    check(sessions, told[:2])
    check(sessions, [*told, told[2]])
    check(sessions, told)
    assert checks(sessions) == 3
    assert len(said(sessions, "JobFinished")) == 1
    with sessions() as session:
        found = queries.get_job(session, WORKSPACE, job)
    assert found
    assert (found.state, found.done) == ("finished", 3)


def test_parts_of_different_ends_go_their_own_ways_together(sessions: Sessions) -> None:
    """A workspace's own, another's, one whose links do not stay, one of the schedule, and one that was cancelled."""
    job, passing = uuid.uuid4(), uuid.uuid4()
    url = "https://a.example/"
    check(sessions, [part("https://known.example/")])
    cancelled = part("https://never.example/", job=job, total=1)
    cancel_parts(CancelParts(job, (cancelled.message.part_id,)), sessions=sessions)
    told = [
        part(url),
        part(url, workspace_id=OTHER),
        part("https://passing.example/", job=passing, total=1, keep=False),
        part("https://known.example/", leased=True),
        part("https://unknown.example/", leased=True),
        cancelled,
    ]
    check(sessions, told)
    with sessions() as session:
        links = {(workspace, found) for workspace, found in session.execute(select(Link.workspace_id, Link.url))}
        found = queries.get_job(session, WORKSPACE, passing)
    assert links == {(WORKSPACE, url), (OTHER, url), (WORKSPACE, "https://known.example/")}
    assert found
    assert found.state == "finished"
    assert checks(sessions) == 5


def test_of_two_parts_with_a_link_in_common_the_second_has_it_later(sessions: Sessions) -> None:
    told = [part("https://a.example/", job=uuid.uuid4(), total=1) for _ in range(2)]
    check(sessions, told)
    assert checks(sessions) == 1
    with sessions() as session:
        [later] = session.scalars(select(PartDeferred)).all()
    assert later.job_id == told[1].message.job_id


def test_two_parts_that_skip_one_link_both_say_so(sessions: Sessions) -> None:
    """What is not fetched is nobody's, and still is one result's doing at a time."""

    class Nothing(Answers):
        def check(self, targets):  # type: ignore[no-untyped-def]  # as Answers'
            raise AssertionError

    with sessions.begin() as session:
        session.add(
            Window(
                id=uuid.uuid4(),
                workspace_id=WORKSPACE,
                name="night",
                starts_at=datetime(2026, 1, 1, tzinfo=UTC),
                duration_s=86_400,
                rrule="FREQ=DAILY",
                timezone="UTC",
            )
        )
    told = [part("https://a.example/", job=uuid.uuid4(), total=1) for _ in range(2)]
    check(sessions, told)
    assert checks(sessions) == 2
    assert len(said(sessions, "JobFinished")) == 2


class Watched:
    """An engine whose landings are written down, each before the next."""

    def __init__(self, engine: Engine, landed: threading.Event) -> None:
        self._engine = engine
        self._landed = landed

    def check_each(self, asked: Sequence[Sequence[Target]], unwanted: Unwanted = all_wanted) -> Iterator[Landed]:
        for landed in self._engine.check_each(asked, unwanted):
            yield landed
            self._landed.set()


def test_a_slow_link_holds_up_nobody_but_its_own_part(
    sessions: Sessions, engine: Engine, host: Host, slow: Host
) -> None:
    told = [part(slow.url("page")), *(part(host.url(f"quick-{number}")) for number in range(5))]
    landed = threading.Event()
    running = threading.Thread(target=check, args=(sessions, told, Watched(engine, landed)))
    running.start()
    assert landed.wait(20)
    assert running.is_alive()
    assert 1 <= checks(sessions) <= 5
    running.join(20)
    assert checks(sessions) == 6


def test_what_is_cancelled_while_it_waits_beside_others_is_given_up(
    sessions: Sessions, engine: Engine, host: Host, slow: Host
) -> None:
    job = uuid.uuid4()
    told = [part(slow.url("page"), job=job, total=2), part(host.url("other"), job=job, total=2)]
    running = threading.Thread(target=check, args=(sessions, told, engine))
    running.start()
    cancel_parts(CancelParts(job, (told[0].message.part_id,)), sessions=sessions)
    running.join(20)
    assert checks(sessions) == 1


def test_one_part_by_itself_is_no_different(sessions: Sessions) -> None:
    check_links(
        part("https://a.example/").message,
        sessions=sessions,
        checker=Answers(at=datetime.now(UTC)),
        settings=SETTINGS,
    )
    with sessions() as session:
        assert session.get_one(Link, link_id(WORKSPACE, "https://a.example/")).state == "up"
