"""A host goes down and takes its links with it; and links that everybody wants to check at the same moment."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.journeys.system import System, wait_for
from tests.servers.host import Host
from tests.servers.receiver import Receiver

LINKS = 37


@pytest.fixture
def told(nervous: System) -> Iterator[Receiver]:
    """Whoever is told of everything."""
    with Receiver() as receiver:
        channel = nervous.post("/channels", {"kind": "webhook", "name": "ops", "target": receiver.url})
        receiver.trust(channel["secret"])
        yield receiver
    nervous.delete_channels()


def heard(receiver: Receiver, count: int) -> list[tuple[str, Any]]:
    """What was told, once it is so much: which host and how many links, or which link."""
    wait_for(lambda: len(receiver.received) >= count or None, 60, f"{count} messages")
    return [
        (each["type"], (each["data"]["host"], each["data"]["links"]) if "host" in each["data"] else each["data"]["url"])
        for each in receiver.received
    ]


def test_a_host_that_goes_down_is_told_once_and_once_when_all_of_it_is_back(nervous: System, told: Receiver) -> None:
    with Host("127.0.8.1") as host, Host("127.0.8.2") as other:
        urls = [host.url(f"page-{number}") for number in range(LINKS)]
        nervous.finished(nervous.submit([*urls, other.url("alone")]))
        host.stop()
        other.status = 404
        nervous.finished(nervous.submit([*urls, other.url("alone")]))
        name = "127.0.8.1"
        assert sorted(heard(told, 2)) == [("host.broken", (name, LINKS)), ("link.broken", other.url("alone"))]
        assert [each["data"]["title"] for each in told.received if each["type"] == "host.broken"] == [
            f"{LINKS} links of {name} broke: connection_refused"
        ]
        [group] = nervous.all("/incident-groups", host=name)
        assert (group["state"], group["reason"], group["links"], group["open"]) == (
            "open",
            "connection_refused",
            LINKS,
            LINKS,
        )
        members = nervous.all("/incidents", group=group["id"])
        assert {each["url"] for each in members} == set(urls)
        assert {each["group"] for each in members} == {group["id"]}
        seen = nervous.call("POST", f"/incident-groups/{group['id']}/acknowledge").json()
        assert seen["acknowledged_by"] == "key:admin"
        assert nervous.get(f"/incidents/{members[0]['id']}")["timeline"][-1]["kind"] == "acknowledged"

        host.start()
        nervous.finished(nervous.submit(urls))
        assert heard(told, 3)[2:] == [("host.recovered", (name, LINKS))]
        assert nervous.get(f"/incident-groups/{group['id']}")["state"] == "resolved"
        on_record = wait_for(lambda: recorded(nervous, members), 20, "every break and recovery on record")
        assert on_record == {"link.broke": LINKS, "link.recovered": LINKS}
        assert len(nervous.all("/audit/events", resource=group["id"])) == 3
        assert len(told.received) == 3


def recorded(system: System, incidents: list[Any]) -> dict[str, int] | None:
    """How many of these incidents' breaks and recoveries are on record, once that is all."""
    ids = {each["id"] for each in incidents}
    found = {
        action: sum(each["details"]["incident_id"] in ids for each in system.all("/audit/events", action=action))
        for action in ("link.broke", "link.recovered")
    }
    return found if min(found.values()) >= len(ids) else None


def test_a_link_is_never_fetched_twice_at_once_and_every_job_is_finished(nervous: System) -> None:
    with Host("127.0.8.3") as host:
        urls = [host.url(f"slow-{number}") for number in range(6)]
        nervous.finished(nervous.submit(urls))
        host.delay_s = 1.5
        links = {each["url"]: each["id"] for each in nervous.all("/links", host="127.0.8.3")}

        def submit_all(_: int) -> str:
            return nervous.submit(urls)

        def check(url: str) -> str:
            return str(nervous.post(f"/links/{links[url]}/check", None)["job_id"])

        def submit_one(url: str) -> str:
            # With an interval of a second, the schedule wants it too.
            return str(nervous.post("/links", {"url": url, "interval_s": 1})["job_id"])

        with ThreadPoolExecutor(8) as pool:
            jobs = [*pool.map(submit_all, range(2)), *pool.map(submit_one, urls), *pool.map(check, urls)]
        for job in jobs:
            found = nervous.finished(job, within_s=120)
            assert found["verdicts"]["ok"] == found["total"]
        host.delay_s = 0.0
        nervous.call("POST", "/links/actions", json={"action": "delete", "filter": {"host": "127.0.8.3"}})
        assert max(host.most.values()) == 1
        assert all(host.hits[f"slow-{number}"] >= 5 for number in range(6))
