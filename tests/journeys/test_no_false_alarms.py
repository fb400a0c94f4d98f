"""What must never be called a broken link, on a system that would say so within seconds, and what must."""

from __future__ import annotations

import itertools
import time
import uuid
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from cli.local.processes import PROCESSES
from tasks import database, outbox, wire
from tasks.links.messages import CheckLinks, LinkSpec
from tasks.links.models import OUTBOX, Link, PartDone
from tests.journeys.system import System, fresh, wait_for
from tests.servers.behaviour import BehaviourServer
from tests.servers.host import Host

# Longer than it takes to be sure of a link that fails.
SURE_S = 6
ADDRESSES = (f"127.0.7.{number}" for number in itertools.count(1))

Strike = Callable[[System], None]


@pytest.fixture
def host() -> Iterator[Host]:
    """A host that no other story knows."""
    with Host(next(ADDRESSES)) as host:
        yield host


def keep(system: System, url: str, **settings: Any) -> str:
    """A link that works, and is looked at by itself only where it fails."""
    accepted = system.post("/links", {"url": url, "interval_s": 86_400})
    system.finished(accepted["job_id"])
    link = str(accepted["id"])
    if settings:
        edit(system, link, **settings)
    return link


def edit(system: System, link: str, **wanted: Any) -> None:
    etag = system.call("GET", f"/links/{link}").headers["ETag"]
    response = system.call("PATCH", f"/links/{link}", json=wanted, headers={"If-Match": etag})
    assert response.status_code == 200, response.text


def check(system: System, link: str) -> Any:
    """Look at it now; the verdicts of the job."""
    return system.finished(system.post(f"/links/{link}/check", None)["job_id"])["verdicts"]


def state(system: System, link: str) -> str:
    return str(system.get(f"/links/{link}")["state"])


def alarms(system: System, link: str) -> list[Any]:
    """That it broke, in whatever way that may be said."""
    incidents = system.all("/incidents", link_id=link)
    return incidents + system.all("/audit/events", resource=link, action="link.broke")


def breaks(system: System, link: str) -> None:
    """The alarm is given, on record and to people."""
    wait_for(lambda: state(system, link) == "broken" or None, 30, "the link to break")
    wait_for(lambda: len(alarms(system, link)) == 2 or None, 30, "an incident, and that it is on record")


def test_a_link_that_is_truly_broken_is_called_so_within_seconds(nervous: System, host: Host) -> None:
    """What the others rely on: the same system does give the alarm."""
    gone, down = keep(nervous, host.url("gone")), keep(nervous, host.url("down"))
    host.statuses["gone"] = 404
    check(nervous, gone)
    breaks(nervous, gone)
    host.stop()
    check(nervous, down)
    breaks(nervous, down)


@pytest.mark.parametrize("status", [404, 500])
def test_single_failures(nervous: System, host: Host, status: int) -> None:
    link = keep(nervous, host.url("page"))
    for _ in range(2):
        host.status = status
        assert check(nervous, link)["broken"] == 1
        host.status = 200
        wait_for(lambda: state(nervous, link) == "up" or None, 20, "the link to be confirmed as working")
    assert alarms(nervous, link) == []


@pytest.mark.parametrize(
    "path", ["/status/403", "/rate-limited", "/status/999", "/challenge", "/aws-challenge", "/status/401"]
)
def test_refusals_and_challenges(nervous: System, behaviour: BehaviourServer, path: str) -> None:
    link = keep(nervous, f"{behaviour.bases['plain']}{fresh(path)}", min_confirm_s=0, confirm_hard=1)
    for _ in range(3):
        assert check(nervous, link)["inconclusive"] == 1
    assert alarms(nervous, link) == []
    assert state(nervous, link) == "pending"


def test_while_the_checker_is_offline(nervous: System, host: Host, outside: Host) -> None:
    """Every host is away, and so is what we know to be there: it is us."""
    link = keep(nervous, host.url("page"))
    host.stop()
    outside.stop()
    # That we were online was believed for some seconds.
    time.sleep(5)
    for _ in range(3):
        assert check(nervous, link)["skipped"] == 1
    time.sleep(SURE_S)
    assert (state(nervous, link), alarms(nervous, link)) == ("up", [])
    [reason] = {each["reason"] for each in nervous.all(f"/links/{link}/checks")} - {"ok"}
    assert reason == "checker_offline"
    outside.start()
    time.sleep(5)
    check(nervous, link)
    breaks(nervous, link)


class Parts:
    """Sends parts of one paused link as the schedule does, in any order and as often as one likes."""

    def __init__(self, system: System, host: Host) -> None:
        self.host, self.system = host, system
        self.link = keep(system, host.url("page"), paused=True, min_confirm_s=0, confirm_hard=3)
        self._sessions = database.connect(system.backing.database_urls["links"])
        with self._sessions() as session:
            self._workspace = session.scalars(select(Link.workspace_id).where(Link.id == uuid.UUID(self.link))).one()
        self._began = datetime.now(UTC)

    def part(self, second: int) -> CheckLinks:
        """A part that was scheduled in that second of the story."""
        at = self._began + timedelta(seconds=second)
        return CheckLinks(wire.new_id(), self._workspace, at, (LinkSpec(self.host.url("page"), full=True),))

    def send(self, part: CheckLinks, status: int, times: int = 1) -> None:
        """Have the part done while the page answers so; by all workers, as often as it is sent."""
        self.host.status = status
        with self._sessions.begin() as session:
            outbox.post(session, OUTBOX, [outbox.job("links.bulk", part)] * times)
        wait_for(lambda: self._is_done(part), 30, "the part to be done")

    def _is_done(self, part: CheckLinks) -> bool | None:
        with self._sessions() as session:
            return session.get(PartDone, part.part_id) is not None or None


def test_results_that_come_twice(nervous: System, host: Host) -> None:
    parts = Parts(nervous, host)
    for second in (1, 2):
        parts.send(parts.part(second), 404, times=8)
    time.sleep(2)
    assert (state(nervous, parts.link), alarms(nervous, parts.link)) == ("failing", [])
    assert len(nervous.all(f"/links/{parts.link}/checks")) == 3
    parts.send(parts.part(3), 404)
    breaks(nervous, parts.link)


def test_results_that_come_out_of_order(nervous: System, host: Host) -> None:
    parts = Parts(nervous, host)
    for second, status in ((10, 404), (3, 404), (5, 500), (20, 404)):
        parts.send(parts.part(second), status)
    assert (state(nervous, parts.link), alarms(nervous, parts.link)) == ("failing", [])
    # It worked in between: what failed before says nothing any more.
    parts.send(parts.part(15), 200)
    for second in (30, 40):
        parts.send(parts.part(second), 404)
    assert (state(nervous, parts.link), alarms(nervous, parts.link)) == ("failing", [])
    parts.send(parts.part(50), 404)
    breaks(nervous, parts.link)


def terminate_processes(system: System) -> None:
    for process in PROCESSES:
        system.product.stop(process.name)
        system.product.start(process.name)


def kill_processes(system: System) -> None:
    for process in PROCESSES:
        system.product.kill(process.name)
        time.sleep(0.2)


def restart(server: str) -> Strike:
    def strike(system: System) -> None:
        getattr(system.backing, server).stop()
        time.sleep(1)
        getattr(system.backing, server).start()

    return strike


def kill(server: str) -> Strike:
    def strike(system: System) -> None:
        getattr(system.backing, server).kill()
        getattr(system.backing, server).start()

    return strike


def recover(system: System) -> None:
    """Until every process of the front API knows that all services are back: which of them answers is chance."""
    system.product.wait_ready()
    answers: list[bool] = []

    def is_whole() -> bool | None:
        answers.append(system.call("GET", "/links", params={"limit": 1}).ok)
        return (len(answers) >= 40 and all(answers[-40:])) or None

    wait_for(is_whole, 90, "the API to be whole")


@pytest.mark.parametrize(
    "strike",
    [
        pytest.param(terminate_processes, id="every process, in order"),
        pytest.param(kill_processes, id="every process, killed"),
        pytest.param(restart("rabbitmq"), id="RabbitMQ, in order"),
        pytest.param(kill("rabbitmq"), id="RabbitMQ, killed"),
        pytest.param(restart("postgres"), id="PostgreSQL, in order"),
        pytest.param(kill("postgres"), id="PostgreSQL, killed"),
        pytest.param(restart("redis"), id="Redis, in order"),
        pytest.param(kill("redis"), id="Redis, killed"),
    ],
)
def test_restarts_of_anything_amid_confirmations(nervous: System, host: Host, strike: Strike) -> None:
    """Links fail once: some are looked at no more by themselves, so that only a check that counts twice would break
    them; the others work again before they are confirmed."""
    still = [keep(nervous, host.url(f"still-{n}"), paused=True, min_confirm_s=0) for n in range(4)]
    passing = [keep(nervous, host.url(f"passing-{n}")) for n in range(4)]
    host.status = 404
    for number, link in enumerate(passing):
        assert check(nervous, link)["broken"] == 1
        host.statuses[f"passing-{number}"] = 200
    host.delay_s = 0.7
    jobs = [nervous.post(f"/links/{link}/check", None)["job_id"] for link in still]
    wait_for(lambda: host.hits["still-0"] >= 2 or None, 20, "a check to be under way")
    strike(nervous)
    recover(nervous)
    host.delay_s = 0.0
    for job in jobs:
        assert nervous.finished(job, within_s=90)["verdicts"]["broken"] == 1
    for link in passing:
        wait_for(lambda link=link: state(nervous, link) == "up" or None, 90, "what works to be up again")  # type: ignore[misc]  # bound as it is
    assert [state(nervous, link) for link in still] == ["failing"] * 4
    assert [alarms(nervous, link) for link in [*still, *passing]] == [[]] * 8


def test_after_all_that_what_is_truly_broken_is_still_called_so(nervous: System, host: Host) -> None:
    link = keep(nervous, host.url("page"))
    host.status = 404
    check(nervous, link)
    breaks(nervous, link)
