"""A backup is taken while the product is at work, everything is destroyed, and the backup is restored."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from cli.backups import manifest
from tests.conftest import ROOT
from tests.journeys.system import System, running, wait_for
from tests.servers.host import Host
from tests.servers.receiver import Receiver

SETTINGS = {
    "PRANALA_ALLOW_NETWORKS": "127.0.0.0/8",
    "PRANALA_MIN_CONFIRM_S": "1",
    "PRANALA_CONFIRM_OFFSETS_S": "1,2,3",
    "PRANALA_TICK_S": "1",
    "PRANALA_SWEEP_LEASE_S": "8",
    "PRANALA_SWEEP_LEASE_MAX_S": "16",
    "PRANALA_HOST_CONCURRENCY": "64",
    "PRANALA_HOST_INTERVAL_MS": "0",
    "PRANALA_BACKOFF_CAP_S": "0",
    "PRANALA_GROUP_LEAST": "0",
}
# What people set, each at its address.
SETTINGS_OF_PEOPLE = ("/channels", "/windows", "/badges")


pytestmark = [pytest.mark.servers, pytest.mark.long]


@pytest.fixture
def host() -> Iterator[Host]:
    with Host("127.0.0.9") as host:
        yield host


class Load:
    """Submits one link after the other; `accepted` are jobs, each with the moment at which it was answered."""

    def __init__(self, system: System, host: Host) -> None:
        self._system, self._host = system, host
        self.accepted: list[tuple[datetime, str, str]] = []
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run)

    @contextmanager
    def going_on(self) -> Iterator[None]:
        self._thread.start()
        try:
            yield
        finally:
            self._ended.set()
            self._thread.join()

    def before(self, moment: datetime) -> list[tuple[str, str]]:
        """Jobs and links that were answered before then."""
        return [(job, link) for at, job, link in self.accepted if at < moment]

    def _run(self) -> None:
        while not self._ended.is_set():
            answer = self._system.post("/links", {"url": self._host.url(f"{uuid.uuid4().hex}")})
            self.accepted.append((datetime.now(UTC), answer["job_id"], answer["id"]))
            time.sleep(0.02)


def pranala_db(folder: Path, *words: str) -> str:
    """`pranala db` as an operator runs it on this data directory."""
    env = {name: value for name, value in os.environ.items() if not name.startswith("PRANALA_")}
    env["PRANALA_DATA_DIR"] = str(folder)
    command = [sys.executable, "-m", "cli.main", "db", *words]
    done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, timeout=200, check=False)
    assert done.returncode == 0, done.stderr
    print(done.stderr, done.stdout)
    return done.stdout.strip()


def set_up(system: System, receiver: Receiver, host: Host) -> str:
    """What people set, and a link that breaks and is told of; returns the link's id."""
    channel = system.post("/channels", {"kind": "webhook", "name": "ops", "target": receiver.url})
    receiver.trust(channel["secret"])
    starts = "2030-01-01T00:00:00Z"
    system.post("/windows", {"name": "new year", "starts_at": starts, "duration_s": 3600, "timezone": "UTC"})
    system.post("/badges", {"tag": "shop"})
    host.statuses["gone"] = 404
    link = system.post("/links", {"url": host.url("gone"), "interval_s": 1})
    wait_for(lambda: receiver.received or None, 60, "somebody to be told of the broken link")
    return str(link["id"])


def rows(system: System, path: str) -> set[str]:
    return {row["id"] for row in system.all(path)}


def events(system: System) -> dict[str, Any]:
    return {event["id"]: event for event in system.all("/audit/events")}


def test_everything_is_destroyed_and_nothing_that_was_committed_before_the_backup_is_missing(
    tmp_path: Path, host: Host
) -> None:
    data, backups = tmp_path / "data", tmp_path / "backups"
    with Receiver() as receiver:
        with running(data, SETTINGS) as system:
            broken = set_up(system, receiver, host)
            load = Load(system, host)
            with load.going_on():
                wait_for(lambda: len(load.accepted) > 50 or None, 60, "some load")
                known = {path: rows(system, path) for path in SETTINGS_OF_PEOPLE}
                recorded = events(system)
                made = Path(pranala_db(data, "backup", str(backups), "--with-secrets"))
                time.sleep(1)
        found = manifest.read(made)
        destroyed_at = datetime.now(UTC)
        shutil.rmtree(data)
        told = {call.headers.get("webhook-id") for call in receiver.calls}

        began = time.monotonic()
        pranala_db(data, "restore", str(backups), "--yes")
        restored_s = time.monotonic() - began
        with running(data, SETTINGS) as system:
            ready_s = time.monotonic() - began
            before = load.before(found.moment)
            assert before
            for job, _ in before:
                assert system.finished(job, 90)["state"] == "finished"
            links = rows(system, "/links")
            assert {link for _, link in before} <= links
            assert {path: rows(system, path) for path in SETTINGS_OF_PEOPLE} == known
            assert system.get(f"/links/{broken}")["state"] == "broken"
            after = wait_for(lambda: audit_of(system, recorded, [job for job, _ in before]), 60, "the audit record")
            assert {name: after[name] for name in recorded} == recorded
            again = {call.headers.get("webhook-id") for call in receiver.calls}
            assert len(again - told) == 0, "the same break was told of under another id"
    newest = max(at for at, _, _ in load.accepted)
    lost = len(load.accepted) - len(before)
    print(
        f"RPO: {(destroyed_at - found.moment).total_seconds():.1f} s (backup to destruction), {lost} of "
        f"{len(load.accepted)} submissions, the newest of {newest:%T}; snapshots within "
        f"{found.spread.total_seconds() * 1000:.0f} ms; RTO: {restored_s:.1f} s restore, {ready_s:.1f} s until ready"
    )


def audit_of(system: System, recorded: dict[str, Any], jobs: list[str]) -> dict[str, Any] | None:
    """The record, once it holds what was there and the submission of every job."""
    found = events(system)
    submitted = {event["resource_id"] for event in found.values() if event["action"] == "links.submit"}
    return found if recorded.keys() <= found.keys() and set(jobs) <= submitted else None
