"""Three RabbitMQ nodes, of which the one that leads the queues is killed under load."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from cli.local.backing import Backing
from cli.local.rabbitmq import RabbitMQ
from config import broker
from tests.faults.stream import Question, Stream
from tests.journeys.system import System, running, wait_for
from tests.servers.host import Host

pytestmark = [pytest.mark.servers, pytest.mark.long]

RATE = float(os.environ.get("PRANALA_TEST_RATE", "20"))
NODES = 3
# How long there is load before the leader is killed, and after.
BEFORE_S, AFTER_S = 8, 20
SETTINGS = {
    "PRANALA_ALLOW_NETWORKS": "127.0.0.0/8",
    "PRANALA_HOST_CONCURRENCY": "64",
    "PRANALA_HOST_INTERVAL_MS": "0",
    # What the broker had confirmed and then lost would come back long after this test's patience.
    "PRANALA_SWEEP_LEASE_S": "600",
}


@pytest.fixture
def host() -> Iterator[Host]:
    with Host("127.0.0.12") as host:
        yield host


@pytest.fixture
def system(tmp_path: Path) -> Iterator[System]:
    with running(tmp_path / "data", SETTINGS, enlarge=add_nodes) as system:
        yield system


@pytest.mark.timeout(600)
def test_a_killed_leader_of_the_queues_loses_and_doubles_nothing_and_refuses_nobody(system: System, host: Host) -> None:
    queues = {name for names in broker.QUEUES.values() for name in names}
    assert {name: len(found["members"]) for name, found in quorum(system).items() if name in queues} == dict.fromkeys(
        queues, NODES
    )
    leader = quorum(system)["links.interactive"]["leader"]
    [killed] = [node for node in nodes(system) if node.node == leader]

    def submission(number: int) -> Question:
        return Question("POST", "/api/v1/links", {"url": host.url(f"{number}")})

    with Stream(system.product.url, system.key, submission, RATE) as stream:
        time.sleep(BEFORE_S)
        killed_at = time.monotonic()
        killed.kill()
        time.sleep(AFTER_S)

    assert stream.failed == []
    accepted = stream.accepted()
    wait_for(
        lambda: count(system, "intake", "submissions WHERE finished_at IS NULL") == 0 or None, 120, "all to finish"
    )
    assert count(system, "intake", "submissions") == len(accepted) > 0
    assert count(system, "links", "checks") == count(system, "links", "links") == len(accepted)
    report(system, stream, killed_at)

    killed.wait_ready(120)
    wait_for(lambda: len(quorum(system)["links.interactive"]["online"]) == NODES or None, 60, "the node to be back")


def add_nodes(backing: Backing) -> None:
    """Make the broker a cluster, one node after the other."""
    first = backing.rabbitmq
    for number in range(2, NODES + 1):
        node = first.peer(number)
        backing.servers[node.name] = node
        node.register()
        node.start()
    backing.broker_url = ";".join(node.url for node in backing.servers.values() if isinstance(node, RabbitMQ))


def nodes(system: System) -> list[RabbitMQ]:
    return [node for node in system.backing.servers.values() if isinstance(node, RabbitMQ)]


def quorum(system: System) -> dict[str, dict[str, str]]:
    """Of each queue: its leader, its members and those of them that are online."""
    told = nodes(system)[-1].ctl("list_queues", "--formatter", "json", "name", "leader", "members", "online")
    return {each["name"]: each for each in json.loads(told)}


def report(system: System, stream: Stream, killed_at: float) -> None:
    before, during = stream.median_s("POST", until=killed_at), stream.median_s("POST", killed_at, killed_at + 10)
    query = "SELECT extract(epoch FROM max(finished_at - created_at)) FROM submissions"
    with psycopg.connect(system.backing.database_urls["intake"].replace("+psycopg", "")) as connection:
        row = connection.execute(query).fetchone()
    print(
        f"{len(stream.answers)} submissions at {stream.reached:.0f}/s, all accepted, finished and checked once;"
        f" median {before * 1000:.1f} ms before and {during * 1000:.1f} ms in the 10 s after the kill"
        f" ({during / before:.2f} times); the latest finished {row[0] if row else 0:.1f} s after it was accepted"
    )


def count(system: System, service: str, what: str) -> int:
    with psycopg.connect(system.backing.database_urls[service].replace("+psycopg", "")) as connection:
        found = connection.execute(f"SELECT count(*) FROM {what}").fetchone()  # type: ignore[arg-type]
        assert found is not None
        return int(found[0])
