"""A real worker on a real broker: what it cannot do goes to the dead letters, what it cannot do now waits."""

import json
import os
import uuid
from collections.abc import Iterator
from typing import Any

import kombu
import psycopg
import pytest

from cli.local.backing import Backing
from cli.local.product import Product
from config import broker
from tests.journeys.system import wait_for


@pytest.fixture(scope="module")
def worker(backing: Backing) -> Iterator[Product]:
    """The intake workers alone."""
    product = Product(backing, {"PATH": os.environ["PATH"], "PRANALA_SWEEP_LEASE_S": "1"})
    product.migrate()
    product.launch(["intake"])
    product.wait_ready()
    yield product
    product.stop()


@pytest.fixture
def channel(backing: Backing, worker: Product) -> Iterator[Any]:
    with kombu.Connection(backing.broker_url) as connection:
        channel = connection.default_channel
        broker.declare(channel, rabbitmq=True)
        channel.queue_purge("intake.dead")
        yield channel


def send(channel: Any, body: str, headers: dict[str, Any], content_type: str = "application/json") -> None:
    kombu.Producer(channel).publish(
        body,
        exchange=broker.JOBS.name,
        routing_key="intake",
        headers=headers,
        content_type=content_type,
        content_encoding="utf-8",
        delivery_mode=2,
    )


def headers(task: str) -> dict[str, Any]:
    task_id = str(uuid.uuid4())
    return {"task": task, "id": task_id, "root_id": task_id, "lang": "py", "retries": 0}


def body(**fields: Any) -> str:
    return json.dumps([[], fields, {}])


def dead_letter(channel: Any) -> Any:
    return wait_for(lambda: channel.basic_get("intake.dead", no_ack=True), 15, "a dead letter")


@pytest.mark.parametrize(
    ("task", "text", "content_type"),
    [
        pytest.param("PartChecked", body(part_id="not an id"), "application/json", id="fields-that-do-not-fit"),
        pytest.param("NeverHeardOf", body(), "application/json", id="unknown-task"),
        pytest.param("PartChecked", "{garbage", "application/json", id="garbage"),
        pytest.param("PartChecked", "cos\nsystem\n", "application/x-python-serialize", id="pickle"),
    ],
)
def test_what_no_worker_can_do_becomes_a_dead_letter(channel: Any, task: str, text: str, content_type: str) -> None:
    send(channel, text, headers(task), content_type)
    assert dead_letter(channel).body


def test_a_worker_whose_database_is_away_keeps_its_message_until_it_is_back(
    channel: Any, backing: Backing, worker: Product
) -> None:
    assert backing.postgres_url
    own = backing.database_urls["intake"].replace("+psycopg", "")
    part, submission, workspace = (str(uuid.uuid4()) for _ in range(3))
    with psycopg.connect(own) as connection:
        connection.execute(
            "INSERT INTO submissions VALUES (%s, %s, 'links', 1, 'key:test', '', now(), NULL)", (submission, workspace)
        )
        connection.execute(
            "INSERT INTO parts (id, submission_id, workspace_id, name, queue, body, leased_until)"
            " VALUES (%s, %s, %s, 'CheckLinks', 'links.bulk', '{}', now() + interval '1 hour')",
            (part, submission, workspace),
        )
    with psycopg.connect(backing.postgres_url.replace("+psycopg", ""), autocommit=True) as administrator:
        administrator.execute("ALTER DATABASE pranala_intake ALLOW_CONNECTIONS false")
        administrator.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = 'pranala_intake'")
        send(channel, body(event_id=str(uuid.uuid4()), part_id=part, job_id=submission), headers("PartChecked"))
        with pytest.raises(AssertionError):
            wait_for(lambda: channel.basic_get("intake.dead", no_ack=True), 3, "a dead letter")
        administrator.execute("ALTER DATABASE pranala_intake ALLOW_CONNECTIONS true")

    def finished() -> Any:
        with psycopg.connect(own) as connection:
            return connection.execute("SELECT finished_at FROM submissions WHERE id = %s", (submission,)).fetchone()[0]  # type: ignore[index]

    assert wait_for(finished, 15, "the part to be struck off")
