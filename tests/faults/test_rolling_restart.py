"""Every process is restarted under load, and nobody notices."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from cli.local.processes import PROCESSES
from cli.local.rolling import children_of
from tests.conftest import ROOT
from tests.faults.stream import Stream, mixed
from tests.journeys.system import System, running, wait_for
from tests.servers.host import Host

pytestmark = [pytest.mark.servers, pytest.mark.long]

RATE = float(os.environ.get("PRANALA_TEST_RATE", "20"))
READS = ("/api/v1/links?limit=10", "/api/v1/incidents?limit=10", "/api/v1/channels", "/healthz", "/api/v1/audit/events")
SETTINGS = {
    "PRANALA_ALLOW_NETWORKS": "127.0.0.0/8",
    "PRANALA_HOST_CONCURRENCY": "64",
    "PRANALA_HOST_INTERVAL_MS": "0",
    "PRANALA_TICK_S": "1",
    # What a restart lost would come back long after this test's patience.
    "PRANALA_SWEEP_LEASE_S": "3600",
    # A machine that is busy with other things is slow, and that is no failure of this.
    "PRANALA_RPC_TIMEOUT_S": "15",
}


@pytest.fixture
def host() -> Iterator[Host]:
    with Host("127.0.0.11") as host:
        yield host


@pytest.fixture
def system(tmp_path: Path) -> Iterator[System]:
    with running(tmp_path / "data", SETTINGS) as system:
        yield system


@pytest.mark.timeout(1500)
def test_all_processes_restarted_under_load_fail_no_request_and_lose_and_double_nothing(
    system: System, host: Host
) -> None:
    before, web = processes(system), children_of(processes(system)["web"])
    with Stream(system.product.url, system.key, mixed(lambda n: host.url(f"{n}"), READS), RATE) as stream:
        restarted = pranala(system, "restart")
    assert restarted.returncode == 0, restarted.stdout + restarted.stderr
    after = processes(system)
    assert set(before) == set(after)
    assert [name for name in before if name != "web" and before[name] == after[name]] == []
    assert len(web) == len(children_of(after["web"])) == 2
    assert not web & children_of(after["web"])

    assert [(each.path, each.status, each.body) for each in stream.failed] == []
    jobs = {each["job_id"] for each in stream.accepted()}
    assert len(jobs) == len(stream.accepted()) > 0
    wait_for(lambda: unfinished(system) == 0 or None, 300, "every submission to be finished")
    checks, checked = one_row(system, "links", "SELECT count(*), count(DISTINCT link_id) FROM checks")
    assert checks == checked == len(jobs)
    [latest] = one_row(system, "intake", "SELECT extract(epoch FROM max(finished_at - created_at)) FROM submissions")
    asked_twice = sum(hits > 1 for hits in host.hits.values())
    print(
        f"{len(stream.answers)} requests at {stream.reached:.0f}/s, {len(jobs)} accepted, 0 failed;"
        f" the latest finished after {latest:.1f} s; {asked_twice} links were fetched twice;"
        f" median {stream.median_s('POST') * 1000:.0f} ms to accept, {stream.median_s('GET') * 1000:.0f} ms to read"
    )


def pranala(system: System, *words: str) -> subprocess.CompletedProcess[str]:
    """The command, as its operator runs it beside `pranala up`."""
    env = {"PATH": os.environ["PATH"], "PRANALA_DATA_DIR": str(system.backing.local.data.root)}
    command = [sys.executable, "-m", "cli.main", *words]
    return subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, timeout=900, check=False)


def processes(system: System) -> dict[str, int]:
    """The product's own, by name."""
    own = {process.name for process in PROCESSES}
    return {state.name: state.pid for state in system.backing.local.supervisord.states() if state.name in own}


def unfinished(system: System) -> int:
    [count] = one_row(system, "intake", "SELECT count(*) FROM submissions WHERE finished_at IS NULL")
    return int(count)


def one_row(system: System, service: str, query: str) -> tuple[float, ...]:
    with psycopg.connect(system.backing.database_urls[service].replace("+psycopg", "")) as connection:
        found = connection.execute(query).fetchone()
        assert found is not None
        return found
