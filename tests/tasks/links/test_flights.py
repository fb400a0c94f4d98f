"""Which links are being checked at this moment, kept in a real Redis."""

import threading
import time
import uuid
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta

import msgspec
import pytest
import redis
from sqlalchemy import func, select, update

from cli.local.redis import Redis
from tasks.database import Sessions
from tasks.links import queries
from tasks.links.checking import check_links
from tasks.links.flights import Flight, Flights
from tasks.links.handlers import lease_due
from tasks.links.messages import CheckLinks, LeaseDueLinks, LinkSpec
from tasks.links.models import Check, Outbox, PartDeferred
from tasks.links.result import Result, Target
from tests.conftest import MakeDatabase
from tests.tasks.links.checkers import PartByPart
from tests.tasks.links.test_handlers import SETTINGS, WORKSPACE, Answers

ONE, TWO, THREE = (LinkSpec(f"https://{name}.example/") for name in ("one", "two", "three"))
NOWHERE = "redis://127.0.0.1:9/0"

Make = Callable[..., Flights]


@pytest.fixture
def space() -> uuid.UUID:
    """A workspace that no other test knows."""
    return uuid.uuid4()


def of(workspace: uuid.UUID, *specs: LinkSpec, identity: uuid.UUID | None = None) -> CheckLinks:
    return CheckLinks(identity or uuid.uuid4(), workspace, datetime.now(UTC), specs)


def found(flights: Flights, part: CheckLinks) -> Flight:
    """What the part would have now."""
    with flights.of(part, part.links) as flight:
        return flight


@pytest.fixture
def process(private_redis: Redis) -> Make:
    """Call for what one more process knows."""
    return lambda lease_s=10.0: Flights(private_redis.url, lease_s)


def test_a_link_is_taken_once_over_all_processes_and_given_back(process: Make, space: uuid.UUID) -> None:
    here, there = process(), process()
    with here.of(of(space, ONE, TWO), [ONE, TWO]) as first:
        for flights in (there, here):
            with flights.of(of(space, TWO, THREE), [TWO, THREE]) as second:
                assert second == Flight(ours=[THREE], others=[TWO])
        with there.of(of(uuid.uuid4(), ONE), [ONE]) as another:
            assert another.ours == [ONE]
    assert first == Flight(ours=[ONE, TWO])
    with there.of(of(space, ONE, TWO, THREE), [ONE, TWO, THREE]) as last:
        assert last.others == []


def test_what_a_killed_process_had_is_free_when_its_lease_ends_and_not_before_if_it_lives(
    process: Make, space: uuid.UUID
) -> None:
    killed, alive, other = process(lease_s=1.0), process(lease_s=1.0), process()
    with ExitStack() as stack:
        stack.enter_context(killed.of(of(space, ONE), [ONE]))
        killed.close()
        stack.enter_context(alive.of(of(space, TWO), [TWO]))
        assert found(other, of(space, ONE, TWO)).others == [ONE, TWO]
        time.sleep(1.5)
        assert found(other, of(space, ONE, TWO)).others == [TWO]


def test_what_redis_forgot_is_known_again(process: Make, private_redis: Redis, space: uuid.UUID) -> None:
    here, there = process(lease_s=0.6), process()
    with here.of(of(space, ONE), [ONE]):
        redis.Redis.from_url(private_redis.url).flushall()
        deadline = time.monotonic() + 5
        while not found(there, of(space, ONE)).others:
            assert time.monotonic() < deadline
            time.sleep(0.25)


@pytest.mark.parametrize("url", ["", NOWHERE])
def test_without_redis_a_process_knows_of_its_own(url: str, space: uuid.UUID) -> None:
    flights = Flights(url)
    with flights.of(of(space, ONE), [ONE]) as first:
        assert first.ours == [ONE]
        assert found(flights, of(space, ONE, TWO)) == Flight(ours=[TWO], others=[ONE])
    assert found(flights, of(space, ONE)).ours == [ONE]


def test_of_many_who_want_a_link_at_once_one_has_it(process: Make, space: uuid.UUID) -> None:
    processes = [process() for _ in range(2)]
    flying, most, done = 0, 0, 0
    lock = threading.Lock()

    def fly(flights: Flights) -> None:
        nonlocal flying, most, done
        while True:
            with flights.of(of(space, ONE), [ONE]) as flight:
                if flight.ours:
                    with lock:
                        flying += 1
                        most = max(most, flying)
                    time.sleep(0.005)
                    with lock:
                        flying -= 1
                        done += 1
                    return
            time.sleep(0.001)

    with ThreadPoolExecutor(8) as pool:
        for flight in [pool.submit(fly, processes[number % 2]) for number in range(40)]:
            flight.result()
    assert (most, done) == (1, 40)


class Slow(PartByPart):
    """A checker that answers when it is let, and counts how many of its checks of one URL were under way at once."""

    def __init__(self) -> None:
        self.begun = threading.Event()
        self.let = threading.Event()
        self.asked: list[str] = []

    def check(self, targets: Sequence[Target]) -> list[Result]:
        self.asked += [target.url for target in targets]
        self.begun.set()
        assert self.let.wait(20)
        return Answers(at=datetime.now(UTC)).check(targets)


@pytest.fixture
def sessions(database: MakeDatabase) -> Sessions:
    return database("links")


def test_what_another_part_checks_is_put_back_and_every_job_is_finished(process: Make, sessions: Sessions) -> None:
    """A check of now beside one that is slow, in another process."""
    jobs = [uuid.uuid4(), uuid.uuid4()]
    slow, quick = Slow(), Answers(at=datetime.now(UTC))
    long = CheckLinks(uuid.uuid4(), WORKSPACE, datetime.now(UTC), (ONE, TWO), jobs[0], 2)
    short = CheckLinks(uuid.uuid4(), WORKSPACE, datetime.now(UTC), (TWO, THREE), jobs[1], 2)
    here, there = process(), process()

    def send(message: CheckLinks, checker: Slow | Answers, flights: Flights) -> None:
        check_links(message, sessions=sessions, checker=checker, settings=SETTINGS, flights=flights)

    running = threading.Thread(target=send, args=(long, slow, here))
    running.start()
    assert slow.begun.wait(20)
    send(short, quick, there)
    assert [each.url for each in quick.asked] == [THREE.url]
    again = released(sessions)
    send(again, quick, there)
    assert [each.url for each in quick.asked] == [THREE.url]
    slow.let.set()
    running.join(20)
    send(released(sessions), quick, there)
    assert [each.url for each in quick.asked] == [THREE.url, TWO.url]
    with sessions() as session:
        found_jobs = [queries.get_job(session, WORKSPACE, job) for job in jobs]
        assert session.scalar(select(func.count()).select_from(Check)) == 4
        assert session.scalar(select(func.count()).select_from(PartDeferred)) == 0
    assert [(job.state, job.done) for job in found_jobs if job] == [("finished", 2)] * 2


def test_a_part_that_comes_twice_at_once_is_left_to_the_copy_that_is_under_way(
    process: Make, sessions: Sessions
) -> None:
    """Its sender lost patience with it. What the first copy finds is not thrown away for that."""
    job = uuid.uuid4()
    message = CheckLinks(uuid.uuid4(), WORKSPACE, datetime.now(UTC), (ONE, TWO), job, 2)
    slow, quick = Slow(), Answers(at=datetime.now(UTC))
    here, there = process(), process()
    running = threading.Thread(
        target=check_links,
        args=(message,),
        kwargs={"sessions": sessions, "checker": slow, "settings": SETTINGS, "flights": here},
    )
    running.start()
    assert slow.begun.wait(20)
    for copy in (message, released):
        copy = copy if isinstance(copy, CheckLinks) else copy(sessions)
        check_links(copy, sessions=sessions, checker=quick, settings=SETTINGS, flights=there)
    slow.let.set()
    running.join(20)
    check_links(released(sessions), sessions=sessions, checker=quick, settings=SETTINGS, flights=there)
    with sessions() as session:
        found_job = queries.get_job(session, WORKSPACE, job)
        assert session.scalar(select(func.count()).select_from(PartDeferred)) == 0
    assert found_job
    assert (found_job.state, found_job.done, quick.asked) == ("finished", 2, [])


def test_a_part_whose_copy_died_is_checked_when_that_lease_ends(process: Make, sessions: Sessions) -> None:
    job = uuid.uuid4()
    message = CheckLinks(uuid.uuid4(), WORKSPACE, datetime.now(UTC), (ONE, TWO), job, 2)
    killed, there, quick = process(lease_s=0.5), process(), Answers(at=datetime.now(UTC))
    with killed.of(message, message.links):
        killed.close()
        check_links(message, sessions=sessions, checker=quick, settings=SETTINGS, flights=there)
        assert quick.asked == []
        time.sleep(0.6)
        check_links(released(sessions), sessions=sessions, checker=quick, settings=SETTINGS, flights=there)
    with sessions() as session:
        found_job = queries.get_job(session, WORKSPACE, job)
        assert session.scalar(select(func.count()).select_from(PartDeferred)) == 0
    assert found_job
    assert (found_job.state, found_job.done) == ("finished", 2)


def released(sessions: Sessions) -> CheckLinks:
    """What a tick sends of what was put back, once its time has come."""
    with sessions.begin() as session:
        session.execute(update(PartDeferred).values(not_before=datetime.now(UTC) - timedelta(seconds=1)))
    lease_due(LeaseDueLinks(), sessions=sessions, settings=SETTINGS)
    with sessions() as session:
        body = session.scalars(
            select(Outbox.body).where(Outbox.name == "CheckLinks").order_by(Outbox.id.desc())
        ).first()
    assert body
    return msgspec.json.decode(body, type=CheckLinks)
