"""After every fault of the broker a worker goes on by itself, or ends and is started anew; nothing it had is lost."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import suppress

import kombu
import psycopg
import pytest
from kombu.exceptions import KombuError

from cli.local.backing import Backing
from cli.local.product import Product
from config import broker
from tests.journeys.system import wait_for
from tests.workers.test_app import add_part, body, headers, is_finished, own_database, send, worker  # noqa: F401

# What the promise says of the slowest recovery, and as much again for a machine that is busy with other things.
RECOVERED_WITHIN_S = 60

pytestmark = pytest.mark.long


def publish(backing: Backing, part: dict[str, str]) -> None:
    """Have the part struck off, as soon as the broker takes the message."""

    def try_it() -> bool:
        with suppress(KombuError, OSError), kombu.Connection(backing.broker_url, connect_timeout=5) as connection:
            broker.declare(connection.default_channel, rabbitmq=True)
            send(connection.default_channel, body(**part), headers("PartChecked"))
            return True
        return False

    wait_for(try_it, RECOVERED_WITHIN_S, "the broker to take a message")


def works(backing: Backing) -> None:
    """The worker does what it is sent now."""
    part = add_part(backing)
    publish(backing, part)
    wait_for(lambda: is_finished(backing, part), RECOVERED_WITHIN_S, "the worker to go on")


def delete_the_queue(backing: Backing) -> None:
    backing.rabbitmq.ctl("delete_queue", "intake")


def close_every_connection(backing: Backing) -> None:
    backing.rabbitmq.ctl("close_all_connections", "an operator's whim")


def take_the_rights_away(backing: Backing) -> None:
    """Permissions are looked at anew on a new connection, and after a while on an old one."""
    backing.rabbitmq.ctl("clear_permissions", "-p", "/", "pranala")
    close_every_connection(backing)
    time.sleep(4)
    backing.rabbitmq.ctl("set_permissions", "-p", "/", "pranala", ".*", ".*", ".*")


def delete_the_virtual_host(backing: Backing) -> None:
    backing.rabbitmq.ctl("delete_vhost", "/")
    time.sleep(4)
    backing.rabbitmq.ctl("add_vhost", "/")
    backing.rabbitmq.ctl("set_permissions", "-p", "/", "pranala", ".*", ".*", ".*")


def change_the_password_and_back(backing: Backing) -> None:
    password = backing.broker_url.split(":")[2].split("@")[0]
    backing.rabbitmq.ctl("change_password", "pranala", "another")
    close_every_connection(backing)
    time.sleep(4)
    backing.rabbitmq.ctl("change_password", "pranala", password)


def stop_the_application(backing: Backing) -> None:
    backing.rabbitmq.ctl("stop_app")
    time.sleep(2)
    backing.rabbitmq.ctl("start_app")


@pytest.mark.parametrize(
    "fault",
    [
        delete_the_queue,
        close_every_connection,
        take_the_rights_away,
        delete_the_virtual_host,
        change_the_password_and_back,
        stop_the_application,
    ],
)
def test_a_worker_goes_on_after(fault: Callable[[Backing], None], backing: Backing, worker: Product) -> None:  # noqa: F811
    works(backing)
    fault(backing)
    works(backing)


@pytest.fixture
def impatient(backing: Backing) -> Iterator[None]:
    """A broker that waits three seconds for an acknowledgement, instead of thirty minutes."""
    evaluate(backing, "application:set_env(rabbit, consumer_timeout, 3000)")
    evaluate(backing, "application:set_env(rabbit, channel_tick_interval, 1000)")
    # What is set is read when a channel is opened.
    close_every_connection(backing)
    yield
    evaluate(backing, "application:set_env(rabbit, consumer_timeout, 1800000)")
    evaluate(backing, "application:set_env(rabbit, channel_tick_interval, 60000)")
    close_every_connection(backing)


def evaluate(backing: Backing, expression: str) -> None:
    backing.rabbitmq.ctl("eval", f"{expression}.")


@pytest.mark.usefixtures("impatient")
def test_a_worker_goes_on_after_the_broker_lost_patience_with_it(backing: Backing, worker: Product) -> None:  # noqa: F811
    """406: its channel is closed, the message is delivered again, and what was done twice took effect once."""
    works(backing)
    part = add_part(backing)
    with psycopg.connect(own_database(backing)) as holder:
        holder.execute("LOCK TABLE parts IN ACCESS EXCLUSIVE MODE")
        publish(backing, part)
        log = worker.backing.local.supervisord.log_file("intake")
        wait_for(lambda: "PRECONDITION_FAILED" in log.read_text() or None, 60, "the broker to lose patience")
    wait_for(lambda: is_finished(backing, part), RECOVERED_WITHIN_S, "the part to be struck off")
    works(backing)


def test_a_worker_goes_on_when_its_control_queue_is_free_again(backing: Backing, worker: Product) -> None:  # noqa: F811
    """405: somebody holds the queue for themselves, as the broker does for a connection that is half-open."""
    works(backing)
    names = backing.rabbitmq.ctl("list_queues", "name").split()
    [name] = [each for each in names if each.startswith("intake@") and each.endswith(".celery.pidbox")]
    worker.stop("intake")
    with kombu.Connection(backing.broker_url) as connection:
        channel = connection.default_channel
        channel.queue_delete(name)
        channel.queue_declare(name, exclusive=True)
        worker.start("intake")
        log = worker.backing.local.supervisord.log_file("intake")
        wait_for(lambda: "RESOURCE_LOCKED" in log.read_text() or None, 60, "the worker to be locked out")
    works(backing)
