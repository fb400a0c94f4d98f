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
    product = Product(backing, {"PATH": os.environ["PATH"], "PRANALA_SWEEP_LEASE_S": "1", "PRANALA_PATIENCE_S": "1"})
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


def send(channel: Any, body: str | bytes, headers: dict[str, Any], content_type: str = "application/json") -> None:
    kombu.Producer(channel).publish(
        body,
        exchange=broker.JOBS.name,
        routing_key="intake",
        headers=headers,
        content_type=content_type,
        content_encoding="utf-8",
        delivery_mode=2,
    )


def headers(task: Any) -> dict[str, Any]:
    task_id = str(uuid.uuid4())
    return {"task": task, "id": task_id, "root_id": task_id, "lang": "py", "retries": 0}


def body(**fields: Any) -> str:
    return json.dumps([[], fields, {}])


def dead_letter(channel: Any) -> Any:
    return wait_for(lambda: channel.basic_get("intake.dead", no_ack=True), 15, "a dead letter")


PART = {"event_id": str(uuid.uuid4()), "part_id": str(uuid.uuid4()), "job_id": str(uuid.uuid4())}


@pytest.mark.parametrize(
    ("task", "text", "content_type", "reason", "words"),
    [
        ("PartChecked", body(part_id="not an id"), "application/json", "invalid", "Invalid UUID - at `$.part_id`"),
        ("PartChecked", json.dumps([[1], {}, {}]), "application/json", "invalid", "expected fields by name"),
        ("NeverHeardOf", body(), "application/json", "unknown_task", "unknown task NeverHeardOf"),
        ("PartChecked", "{garbage", "application/json", "unreadable", "line 1 column 2 (char 1)"),
        ("PartChecked", b"\xff\xfe", "application/json", "unreadable", "can't decode byte 0xff"),
        ("PartChecked", "cos\nsystem\n", "application/x-python-serialize", "unreadable", "untrusted content of type"),
        ("PartChecked", "5", "application/json", "unreadable", "the body is no"),
        ("PartChecked", "{}", "application/json", "unreadable", "the body is no"),
        ("PartChecked", "[]", "application/json", "unreadable", "the body is no"),
        ("PartChecked", "[[], [1], {}]", "application/json", "unreadable", "the body is no"),
        ("PartChecked", "[[], {}, 5]", "application/json", "unreadable", "the body is no"),
        (["a", "list"], body(), "application/json", "unreadable", "unhashable"),
        (None, body(), "application/json", "unreadable", ""),
    ],
)
def test_what_no_worker_can_do_becomes_a_dead_letter_with_the_reason(
    channel: Any, worker: Product, task: Any, text: str | bytes, content_type: str, reason: str, words: str
) -> None:
    before = worker.backing.local.supervisord.state("intake").pid
    given = {name: value for name, value in headers(task).items() if value is not None}
    send(channel, text, {**given, "request_id": "request-1"}, content_type)
    letter = dead_letter(channel)
    death = letter.headers["pranala-death"]
    assert (death["reason"], death["queue"], death["worker"]) == (reason, "intake", "intake")
    assert words in death["detail"]
    assert death["deliveries"] == 1
    # All that it takes to look into it, or to send it again.
    assert letter.headers["request_id"] == "request-1"
    assert letter.headers.get("task") == task
    assert letter.content_type == content_type
    assert letter.properties["delivery_mode"] == 2
    assert letter.body == text
    assert worker.backing.local.supervisord.state("intake").pid == before


def test_what_is_of_a_newer_version_waits_among_the_dead_letters_for_a_worker_that_knows_it(channel: Any) -> None:
    send(channel, body(version=3, **PART), {**headers("PartChecked"), "version": 3})
    death = dead_letter(channel).headers["pranala-death"]
    assert (death["reason"], death["detail"]) == ("too_new", "message version 3, this worker knows 1")


def test_what_came_too_often_and_was_never_finished_is_given_up_before_it_is_begun_again(channel: Any) -> None:
    """Its workers died. The broker alone can count that, and says it with every delivery."""
    send(channel, body(**PART), {**headers("PartChecked"), "x-delivery-count": broker.DELIVERIES_MOST})
    death = dead_letter(channel).headers["pranala-death"]
    assert death["reason"] == "gave_up"
    assert death["detail"].startswith("delivered 5 times and never finished")


def test_an_outage_of_the_database_never_counts_against_a_message(
    channel: Any, backing: Backing, worker: Product
) -> None:
    """It is put back as new, more often than a message may be delivered."""
    unfinished = add_part(backing)
    before = put_back(worker)
    with administrating(backing) as administrator:
        administrator.execute("ALTER DATABASE pranala_intake ALLOW_CONNECTIONS false")
        administrator.execute(END_SESSIONS)
        send(channel, body(**unfinished), headers("PartChecked"))
        try:
            wait_for(lambda: put_back(worker) > before + broker.DELIVERIES_MOST + 1 or None, 90, "it to be put back")
            assert channel.basic_get("intake.dead", no_ack=True) is None
        finally:
            administrator.execute("ALTER DATABASE pranala_intake ALLOW_CONNECTIONS true")
    wait_for(lambda: is_finished(backing, unfinished), 30, "the part to be struck off")


def test_what_the_database_refuses_for_ever_is_dead_in_the_end_with_the_databases_own_words(
    channel: Any, backing: Backing
) -> None:
    unfinished = add_part(backing)
    with administrating(backing) as administrator:
        administrator.execute("ALTER DATABASE pranala_intake SET lock_timeout = '100ms'")
        administrator.execute(END_SESSIONS)
        holder = psycopg.connect(own_database(backing))
        holder.execute("LOCK TABLE parts IN ACCESS EXCLUSIVE MODE")
        try:
            send(channel, body(**unfinished), headers("PartChecked"))
            death = wait_for(lambda: dead_of(channel, "PartChecked"), 90, "the dead letter").headers["pranala-death"]
        finally:
            holder.close()
            administrator.execute("ALTER DATABASE pranala_intake RESET lock_timeout")
            administrator.execute(END_SESSIONS)
    assert (death["reason"], death["deliveries"]) == ("failed", broker.DELIVERIES_MOST)
    assert "LockNotAvailable" in death["detail"]


def bundle(*fields: dict[str, Any]) -> str:
    members = [
        {"id": str(uuid.uuid4()), "traceparent": "", "request_id": "request-2", "kwargs": each} for each in fields
    ]
    return body(bundle=members)


def test_the_messages_of_a_bundle_are_done_together(channel: Any, backing: Backing) -> None:
    unfinished = [add_part(backing) for _ in range(3)]
    send(channel, bundle(*unfinished), headers("PartChecked"))
    wait_for(lambda: all(is_finished(backing, part) for part in unfinished) or None, 15, "all to be struck off")


def test_one_bad_message_of_a_bundle_dies_alone(channel: Any, backing: Backing) -> None:
    unfinished = add_part(backing)
    send(channel, bundle(unfinished, {"part_id": "not an id"}), headers("PartChecked"))
    letter = dead_letter(channel)
    assert letter.headers["pranala-death"]["reason"] == "invalid"
    assert letter.headers["request_id"] == "request-2"
    assert json.loads(letter.body)[1] == {"part_id": "not an id"}
    wait_for(lambda: is_finished(backing, unfinished), 15, "the good one to be done")


def test_a_bundle_that_makes_workers_die_is_taken_apart(channel: Any, backing: Backing) -> None:
    unfinished = [add_part(backing) for _ in range(2)]
    often = {**headers("PartChecked"), "x-delivery-count": broker.BUNDLES_MOST}
    send(channel, bundle(*unfinished), often)
    wait_for(lambda: all(is_finished(backing, part) for part in unfinished) or None, 15, "each to be done by itself")


END_SESSIONS = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = 'pranala_intake'"


def administrating(backing: Backing) -> psycopg.Connection[Any]:
    assert backing.postgres_url
    return psycopg.connect(backing.postgres_url.replace("+psycopg", ""), autocommit=True)


def own_database(backing: Backing) -> str:
    return backing.database_urls["intake"].replace("+psycopg", "")


def add_part(backing: Backing) -> dict[str, str]:
    """A part that is not finished; returns the fields of the message that strikes it off."""
    part, submission, workspace = (str(uuid.uuid4()) for _ in range(3))
    with psycopg.connect(own_database(backing)) as connection:
        connection.execute(
            "INSERT INTO submissions VALUES (%s, %s, 'links', 1, 'key:test', '', now(), NULL)", (submission, workspace)
        )
        connection.execute(
            "INSERT INTO parts (id, submission_id, workspace_id, name, queue, body, leased_until)"
            " VALUES (%s, %s, %s, 'CheckLinks', 'links.bulk', '{}', now() + interval '1 hour')",
            (part, submission, workspace),
        )
    return {"event_id": str(uuid.uuid4()), "part_id": part, "job_id": submission}


def is_finished(backing: Backing, part: dict[str, str]) -> Any:
    with psycopg.connect(own_database(backing)) as connection:
        [finished_at] = connection.execute(
            "SELECT finished_at FROM submissions WHERE id = %s", (part["job_id"],)
        ).fetchone() or [None]
        return finished_at


def put_back(worker: Product) -> int:
    """How often the worker has put a message back as new."""
    return worker.backing.local.supervisord.log_file("intake").read_text().count('"put back"')


def dead_of(channel: Any, task: str) -> Any:
    found = channel.basic_get("intake.dead", no_ack=True)
    return found if found and found.headers.get("task") == task else None
