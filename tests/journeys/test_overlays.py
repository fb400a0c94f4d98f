"""What lies over a link's state: muted, unsteady, unverifiable, and failures that are ours."""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.journeys.system import System, wait_for
from tests.journeys.test_no_false_alarms import check, edit, keep, state
from tests.servers.host import Host
from tests.servers.receiver import Receiver

ADDRESSES = (f"127.0.6.{number}" for number in itertools.count(1))


@pytest.fixture
def host() -> Iterator[Host]:
    """A host that no other story knows."""
    with Host(next(ADDRESSES)) as host:
        yield host


@pytest.fixture
def told(nervous: System) -> Iterator[Receiver]:
    """Whoever is told of everything."""
    with Receiver() as receiver:
        channel = nervous.post("/channels", {"kind": "webhook", "name": "ops", "target": receiver.url})
        receiver.trust(channel["secret"])
        yield receiver
    nervous.delete_channels()


def types(receiver: Receiver, count: int) -> list[str]:
    wait_for(lambda: len(receiver.received) >= count or None, 30, f"{count} messages")
    return [str(each["type"]) for each in receiver.received]


def test_of_a_muted_link_people_hear_when_it_may_be_spoken_of(nervous: System, told: Receiver, host: Host) -> None:
    until = datetime.now(UTC) + timedelta(seconds=8)
    link = keep(nervous, host.url("page"), muted_until=until.isoformat())
    host.status = 404
    check(nervous, link)
    wait_for(lambda: nervous.all("/incidents", link_id=link) or None, 20, "an incident")
    assert told.received == []
    assert types(told, 1) == ["link.broken"]
    assert datetime.now(UTC) >= until
    assert told.received[0]["data"]["incident_id"] == nervous.get(f"/links/{link}")["incident_id"]


def test_of_an_unsteady_link_people_hear_once_until_it_is_calm(nervous: System, told: Receiver, host: Host) -> None:
    link = keep(nervous, host.url("page"), paused=True, min_confirm_s=0, confirm_hard=1)
    for number in range(8):
        host.status = 200 if number % 2 else 404
        check(nervous, link)
    assert nervous.get(f"/links/{link}")["flapping"]
    heard = [each["type"] for each in told.received]
    assert types(told, 2)[-1] == "link.flapping"
    assert heard.count("link.flapping") <= 1
    host.status = 200
    for _ in range(20):
        check(nervous, link)
    assert not nervous.get(f"/links/{link}")["flapping"]
    assert types(told, 3)[:3].count("link.broken") == 1
    assert types(told, 3)[-1] == "link.recovered"
    assert len(told.received) == 3


def test_a_link_that_no_check_can_tell_of_is_told_once(nervous: System, told: Receiver, host: Host) -> None:
    link = keep(nervous, host.url("page"))
    host.status = 403
    for _ in range(12):
        check(nervous, link)
    assert state(nervous, link) == "unverifiable"
    assert types(told, 1) == ["link.unverifiable"]
    host.status = 200
    check(nervous, link)
    assert state(nervous, link) == "up"
    time.sleep(1)
    assert len(told.received) == 1


def test_when_nearly_everything_fails_at_once_nothing_is_called_broken_and_people_hear_of_that(
    nervous: System, told: Receiver
) -> None:
    with ExitStack() as stack:
        hosts = [stack.enter_context(Host(next(ADDRESSES))) for _ in range(8)]
        urls = [host.url("page") for host in hosts]
        nervous.finished(nervous.submit(urls))
        for host in hosts:
            host.stop()
        assert nervous.finished(nervous.submit(urls))["verdicts"]["broken"] == 8
        assert types(told, 1) == ["checks.frozen"]
        states = {each["state"] for host in hosts for each in nervous.all("/links", host=host.place.split(":")[0])}
        assert states == {"up"}
        for host in hosts:
            host.start()
        nervous.finished(nervous.submit(urls))
        assert [each["type"] for each in told.received] == ["checks.frozen"]


def test_what_was_paused_is_not_looked_at_and_its_incident_goes_on_when_it_is_resumed(
    nervous: System, told: Receiver, host: Host
) -> None:
    link = keep(nervous, host.url("page"))
    host.status = 404
    check(nervous, link)
    assert types(told, 1) == ["link.broken"]
    edit(nervous, link, paused=True)
    hits: Any = host.hits["page"]
    host.status = 200
    time.sleep(4)
    assert host.hits["page"] <= hits + 1
    assert len(told.received) == 1
    edit(nervous, link, paused=False)
    assert types(told, 2) == ["link.broken", "link.recovered"]
