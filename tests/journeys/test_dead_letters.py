"""What no worker can do is seen with its reason, mended and replayed, or discarded; the workers go on throughout."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click.testing
import kombu
import psycopg
import pytest

from cli.local.processes import WITHOUT_CHATTER
from cli.main import main
from config import broker
from tests.journeys.system import System, fresh, wait_for

QUEUE = "notifications"


@pytest.fixture(autouse=True)
def _none_before(system: System) -> None:
    """Stories that broke things before leave dead letters, too."""
    with kombu.Connection(system.backing.broker_url) as connection:
        for names in broker.QUEUES.values():
            for name in names:
                connection.default_channel.queue_purge(broker.dead_name(name))


def pranala(system: System, *arguments: str) -> Any:
    """The command, and what it printed as JSON."""
    environ = {"PRANALA_URL": system.product.url, "PRANALA_TOKEN": system.key, "PRANALA_DATA_DIR": "/nowhere"}
    done = click.testing.CliRunner(env=environ).invoke(main, ["ops", "dead", *arguments])
    assert done.exit_code == 0, done.output
    return json.loads(done.stdout)


def listed(system: System, queue: str, count: int) -> list[Any]:
    """The dead letters of a queue, once there are so many."""

    def ask() -> list[Any] | None:
        found: list[Any] = pranala(system, "list", "--queue", queue, "--format", "json")
        return found if len(found) >= count else None

    return wait_for(ask, 60, f"{count} dead letters in {queue}")


def send(system: System, task: str, body: str | bytes, **headers: Any) -> str:
    """Publish to today's workers what they do not know; returns its id."""
    identity = str(uuid.uuid4())
    with kombu.Connection(system.backing.broker_url) as connection:
        connection.Producer().publish(
            body,
            exchange=broker.JOBS.name,
            routing_key=QUEUE,
            headers={"task": task, "id": identity, "root_id": identity, "lang": "py", **headers},
            correlation_id=identity,
            content_type="application/json",
            content_encoding="utf-8",
            delivery_mode=2,
        )
    return identity


def record(system: System) -> tuple[str, str]:
    """An event for audit's record: the job, and by what it is found there."""
    action = f"story.{uuid.uuid4().hex[:12]}"
    return system.post("/audit/events", {"action": action, "occurred_at": "2026-11-22T08:00:00Z"})["job_id"], action


def audit_database(system: System) -> psycopg.Connection[Any]:
    return psycopg.connect(system.backing.database_urls["audit"].replace("+psycopg", ""), autocommit=True)


@contextmanager
def tomorrow(system: System, folder: Path) -> Iterator[Path]:
    """A worker of the next version in place of today's; the file in which it writes what it has done."""
    done = folder / "done"
    done.touch()
    command = ("celery", "-A", "tests.journeys.tomorrow", "worker", "-P", "threads", "-c", "1", *WITHOUT_CHATTER)
    environ = {**os.environ, **system.product.env, "TOMORROW": str(done)}
    system.product.stop(QUEUE)
    with subprocess.Popen([sys.executable, "-m", *command, "-n", "tomorrow@%h"], env=environ) as worker:
        try:
            yield done
        finally:
            worker.terminate()
            worker.wait(30)
            system.product.start(QUEUE)


def test_what_is_unknown_or_too_new_waits_for_the_upgrade_and_garbage_is_discarded(
    system: System, tmp_path: Path
) -> None:
    pid = system.backing.local.supervisord.state(QUEUE).pid
    unknown = send(system, "SingToTheDead", json.dumps([[], {"song": "Lazarus"}, {}]))
    too_new = send(system, "RetryDeliveries", json.dumps([[], {"version": 2, "who": "everybody"}, {}]), version=2)
    garbage = send(system, "RetryDeliveries", b"\x00\xffgarbage")
    letters = {each["message_id"]: each for each in listed(system, QUEUE, 3)}
    assert {name: letters[name]["reason"] for name in (unknown, too_new, garbage)} == {
        unknown: "unknown_task",
        too_new: "too_new",
        garbage: "unreadable",
    }
    assert letters[too_new]["detail"] == "message version 2, this worker knows 1"
    shown = pranala(system, "show", letters[unknown]["id"], "--format", "json")
    assert "Lazarus" in shown["body"]
    assert shown["worker"] == QUEUE
    # Looking has moved nothing, and the worker is the one that met them all.
    assert len(listed(system, QUEUE, 3)) == 3
    assert system.backing.local.supervisord.state(QUEUE).pid == pid
    with tomorrow(system, tmp_path) as done:
        ids = [letters[name]["id"] for name in (unknown, too_new)]
        assert pranala(system, "replay", *ids) == {"action": "replay", "count": 2}
        # The beat has its ticks done, too.
        both = ("SingToTheDead(song='Lazarus')", "RetryDeliveries(who='everybody')")
        wait_for(lambda: all(each in done.read_text() for each in both) or None, 60, "tomorrow's worker to do both")
    assert pranala(system, "discard", letters[garbage]["id"])["count"] == 1
    assert pranala(system, "list", "--queue", QUEUE, "--format", "json") == []
    [event] = wait_for(
        lambda: system.all("/audit/events", action="dead_letters.discarded")[:1] or None, 30, "the discarding on record"
    )
    assert event["actor"].startswith("key:")
    assert event["details"]["letters"] == [{"id": letters[garbage]["id"], "message_id": garbage}]


def test_what_failed_for_a_cause_that_is_mended_is_done_when_it_is_replayed(system: System) -> None:
    with audit_database(system) as database:
        database.execute("ALTER TABLE events RENAME TO mislaid")
        try:
            job, action = record(system)
            [letter] = [each for each in listed(system, "audit", 1) if each["message"] == "RecordEvents"][:1]
            assert letter["reason"] == "failed"
            assert 'relation "events" does not exist' in letter["detail"]
            assert "Traceback" in pranala(system, "show", letter["id"], "--format", "json")["traceback"]
            # The rest of the product does not mind.
            link = system.post("/links", {"url": f"http://127.0.0.1:9/{fresh()}"})
            assert system.finished(link["job_id"])["done"] == 1
        finally:
            database.execute("ALTER TABLE mislaid RENAME TO events")
    assert pranala(system, "replay", "--queue", "audit")["count"] >= 1
    system.finished(job)
    assert len(system.all("/audit/events", action=action)) == 1
    wait_for(lambda: system.all("/audit/events", action="dead_letters.replayed")[:1] or None, 30, "it on record")


def test_what_kills_its_worker_at_each_delivery_is_given_up_after_a_few(system: System) -> None:
    """Its workers die with it in hand, first as part of a bundle and then alone; the next one does not begin it."""
    with audit_database(system) as database, audit_database(system) as holder, holder.transaction():
        holder.execute("LOCK TABLE events IN ACCESS EXCLUSIVE MODE")
        job, action = record(system)
        for _ in range(broker.BUNDLES_MOST + broker.DELIVERIES_MOST):
            wait_for(lambda: waiting_for_a_lock(database), 60, "a worker to begin it")
            # One that dies while it starts is given up by its supervisor after a few times.
            wait_for(lambda: audit_runs(system) or None, 60, "the worker to be taken for running")
            system.product.kill("audit")
            # What the dead process asked for would wait on.
            database.execute(f"SELECT pg_terminate_backend(pid) {WAITING}")
            wait_for(lambda: not waiting_for_a_lock(database) or None, 30, "that to end")
        letter = listed(system, "audit", 1)[0]
        assert letter["reason"] == "gave_up"
        assert letter["detail"].startswith(f"delivered {broker.DELIVERIES_MOST} times and never finished")
    assert pranala(system, "replay", "--queue", "audit")["count"] >= 1
    system.finished(job)
    assert len(system.all("/audit/events", action=action)) == 1


def audit_runs(system: System) -> bool:
    return system.backing.local.supervisord.state("audit").status == "RUNNING"


WAITING = "FROM pg_stat_activity WHERE datname = 'pranala_audit' AND wait_event_type = 'Lock'"


def waiting_for_a_lock(database: psycopg.Connection[Any]) -> Any:
    return database.execute(f"SELECT pid {WAITING}").fetchall()
