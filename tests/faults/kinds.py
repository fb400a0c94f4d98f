"""Every kind of fault that a campaign knows: what is broken, for how long, and that it is given back."""

from __future__ import annotations

import os
import random
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

import kombu
import psutil
import psycopg
from psycopg import sql

from cli.local.processes import PROCESSES
from config import broker, failpoints
from tests.faults.ground import SECOND_BEAT, Ground
from tests.journeys.system import wait_for
from tests.servers.receiver import Answer


class Chance(random.Random):
    """What is left to chance, drawn by a seed; `span` stretches or shortens every wait."""

    def __init__(self, seed: int, span: float = 1.0) -> None:
        super().__init__(seed)
        self._span = span

    def wait(self, least_s: float, most_s: float) -> None:
        """Let a while pass."""
        time.sleep(self._span * self.uniform(least_s, most_s))


Strike = Callable[[Ground, Chance], None]


@dataclass(frozen=True)
class Kind:
    """`strike` breaks something and returns when it is whole again, as far as we broke it."""

    name: str
    strike: Strike


KINDS: list[Kind] = []


def kind(name: str) -> Callable[[Strike], Strike]:
    """Make a fault known by a name."""

    def known(strike: Strike) -> Strike:
        KINDS.append(Kind(name, strike))
        return strike

    return known


def _killed(name: str) -> None:
    @kind(f"{name} killed")
    def strike(ground: Ground, _: Chance) -> None:
        ground.product.kill(name)


def _stopped(name: str) -> None:
    @kind(f"{name} frozen")
    def strike(ground: Ground, chance: Chance) -> None:
        with _frozen(ground.pid(name)):
            chance.wait(1, 6)


for _process in PROCESSES:
    _killed(_process.name)
    _stopped(_process.name)


@kind("one process of web killed")
def _(ground: Ground, chance: Chance) -> None:
    """gunicorn's master replaces it."""
    children = psutil.Process(ground.pid("web")).children()
    if children:
        chance.choice(children).kill()


@kind("rabbitmq killed")
def _(ground: Ground, _: Chance) -> None:
    ground.backing.rabbitmq.kill()
    ground.backing.rabbitmq.start()


@kind("rabbitmq restarted")
def _(ground: Ground, _: Chance) -> None:
    ground.backing.rabbitmq.stop()
    ground.backing.rabbitmq.start()


@kind("rabbitmq wiped")
def _(ground: Ground, _: Chance) -> None:
    """Killed, and all it had stored is gone."""
    ground.backing.rabbitmq.kill()
    ground.backing.rabbitmq.wipe()
    ground.backing.rabbitmq.start()


@kind("rabbitmq frozen")
def _(ground: Ground, chance: Chance) -> None:
    with _frozen(ground.pid("rabbitmq")):
        chance.wait(2, 8)


@kind("rabbitmq in memory alarm")
def _(ground: Ground, chance: Chance) -> None:
    ctl = ground.backing.rabbitmq.ctl
    ctl("set_vm_memory_high_watermark", "absolute", "1MB")
    chance.wait(2, 8)
    ctl("set_vm_memory_high_watermark", "absolute", "512MB")


@kind("rabbitmq in disk alarm")
def _(ground: Ground, chance: Chance) -> None:
    ctl = ground.backing.rabbitmq.ctl
    ctl("set_disk_free_limit", "1000GB")
    chance.wait(2, 8)
    ctl("set_disk_free_limit", "50MB")


@kind("rabbitmq closes all connections")
def _(ground: Ground, _: Chance) -> None:
    ground.backing.rabbitmq.ctl("close_all_connections", "a fault")


@kind("a queue deleted")
def _(ground: Ground, chance: Chance) -> None:
    """With all that is in it: links, whose loss is made good by their leases."""
    name = chance.choice(broker.QUEUES["links"])
    ground.backing.rabbitmq.ctl("delete_queue", name)


@kind("a queue emptied")
def _(ground: Ground, chance: Chance) -> None:
    """Links again."""
    name = chance.choice(broker.QUEUES["links"])
    ground.backing.rabbitmq.ctl("purge_queue", name)


@kind("messages doubled and shuffled")
def _(ground: Ground, chance: Chance) -> None:
    """Up to two hundred messages of each queue are put back twice, in another order."""
    with kombu.Connection(ground.backing.rabbitmq.url) as connection:
        channel = connection.channel()
        channel.confirm_select()
        for name in (name for names in broker.QUEUES.values() for name in names):
            taken = [message for _ in range(200) if (message := channel.basic_get(name))]
            again = taken * 2
            chance.shuffle(again)
            for message in again:
                channel.basic_publish_confirm(message, exchange=broker.JOBS.name, routing_key=name, mandatory=True)
            for message in taken:
                channel.basic_ack(message.delivery_tag)


@kind("postgres crashed")
def _(ground: Ground, _: Chance) -> None:
    """Every process of it is gone at once, as with the power."""
    ground.backing.postgres.kill()
    ground.backing.postgres.start()


@kind("postgres restarted")
def _(ground: Ground, _: Chance) -> None:
    ground.backing.postgres.stop()
    ground.backing.postgres.start()


@kind("a backend of postgres killed")
def _(ground: Ground, chance: Chance) -> None:
    """PostgreSQL then ends all others and recovers."""
    rows = ground.books.ask("intake", "SELECT pid FROM pg_stat_activity WHERE datname LIKE 'pranala_%%'")
    os.kill(chance.choice(rows)[0], signal.SIGKILL)
    time.sleep(0.5)
    ground.backing.postgres.wait_ready()


@kind("postgres ends every session")
def _(ground: Ground, _: Chance) -> None:
    ground.books.ask(
        "accounts",
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        " WHERE datname LIKE 'pranala_%%' AND pid <> pg_backend_pid()",
    )


@kind("postgres frozen")
def _(ground: Ground, chance: Chance) -> None:
    with _frozen(ground.pid("postgres")):
        chance.wait(1, 5)


def _closed(service: str) -> None:
    @kind(f"{service} database away")
    def strike(ground: Ground, chance: Chance) -> None:
        with ground.system.database_closed(service):
            chance.wait(1, 6)


for _service in ("intake", "links", "notifications", "audit", "accounts"):
    _closed(_service)


@kind("no connection left for a service")
def _(ground: Ground, chance: Chance) -> None:
    """Its role may have none, and loses those that it has one by one."""
    service = chance.choice(("intake", "links", "notifications", "audit"))
    role = ground.role(service)
    limit = sql.SQL("ALTER ROLE {} CONNECTION LIMIT {}")
    with ground.connected(service) as connection:
        connection.execute(limit.format(sql.Identifier(role), 0))
        connection.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = %s", [role])
        connection.commit()
        chance.wait(1, 5)
        connection.execute(limit.format(sql.Identifier(role), -1))


TABLES = {
    "intake": ("submissions", "parts", "outbox"),
    "links": ("jobs", "links", "outbox", "leases"),
    "notifications": ("deliveries", "outbox"),
    "audit": ("events",),
}


@kind("a table locked")
def _(ground: Ground, chance: Chance) -> None:
    """As by somebody's forgotten transaction."""
    service = chance.choice(list(TABLES))
    with ground.connected(service) as connection, connection.transaction():
        connection.execute(f"LOCK TABLE {chance.choice(TABLES[service])} IN ACCESS EXCLUSIVE MODE")  # type: ignore[arg-type]
        chance.wait(1, 5)


@kind("deadlocks")
def _(ground: Ground, chance: Chance) -> None:
    """Two tables are locked in turn, now in one order and now in the other; PostgreSQL ends one of those who wait."""
    service = chance.choice(("intake", "links", "notifications"))
    for _ in range(4):
        first, second = chance.sample(TABLES[service], 2)
        with suppress(psycopg.Error), ground.connected(service) as connection, connection.transaction():
            connection.execute(f"LOCK TABLE {first} IN EXCLUSIVE MODE")  # type: ignore[arg-type]
            time.sleep(0.2)
            connection.execute(f"LOCK TABLE {second} IN EXCLUSIVE MODE")  # type: ignore[arg-type]


@kind("redis killed")
def _(ground: Ground, _: Chance) -> None:
    ground.backing.redis.kill()
    ground.backing.redis.start()


@kind("redis wiped")
def _(ground: Ground, _: Chance) -> None:
    ground.backing.redis.kill()
    ground.backing.redis.wipe()
    ground.backing.redis.start()


@kind("redis frozen")
def _(ground: Ground, chance: Chance) -> None:
    with _frozen(ground.pid("redis")):
        chance.wait(1, 6)


def _cut(route: str) -> None:
    @kind(f"{route}: connections reset")
    def reset(ground: Ground, _: Chance) -> None:
        ground.network.reset(route)

    @kind(f"{route}: connections half open")
    def half_open(ground: Ground, _: Chance) -> None:
        ground.network.half_open(route)

    @kind(f"{route}: unreachable")
    def unreachable(ground: Ground, chance: Chance) -> None:
        with ground.network.refusing(route):
            chance.wait(1, 6)

    @kind(f"{route}: silent")
    def silent(ground: Ground, chance: Chance) -> None:
        with ground.network.silent(route):
            chance.wait(1, 8)

    @kind(f"{route}: slow")
    def slow(ground: Ground, chance: Chance) -> None:
        with ground.network.slow(route, 0.05):
            chance.wait(1, 5)

    @kind(f"{route}: traffic cut off")
    def truncated(ground: Ground, chance: Chance) -> None:
        for _ in range(3):
            ground.network.truncate(route, chance.randint(1, 4000))
            time.sleep(0.2)


for _route in ("rabbitmq", "postgres", "redis"):
    _cut(_route)


@kind("webhook receiver fails")
def _(ground: Ground, chance: Chance) -> None:
    ground.plain.usual = Answer(chance.choice((500, 502, 503, 429)))
    chance.wait(1, 5)
    ground.plain.usual = Answer()


@kind("webhook receiver's certificate expired")
def _(ground: Ground, chance: Chance) -> None:
    ground.secure.context = ground.certificates.contexts["expired"]
    chance.wait(1, 5)
    ground.secure.context = ground.certificates.contexts["good"]


@kind("two beats")
def _(ground: Ground, chance: Chance) -> None:
    ground.product.start(SECOND_BEAT)
    chance.wait(3, 6)
    ground.product.stop(SECOND_BEAT)


@kind("no beat")
def _(ground: Ground, chance: Chance) -> None:
    ground.product.stop("beat")
    chance.wait(3, 8)
    ground.product.start("beat")


@kind("a worker told to stop")
def _(ground: Ground, chance: Chance) -> None:
    """In its own orderly way, and started again."""
    name = chance.choice([process.name for process in PROCESSES if process.consumes])
    ground.product.stop(name)
    ground.product.start(name)


@contextmanager
def _frozen(pid: int) -> Iterator[None]:
    """SIGSTOP for it and its children, and SIGCONT in any case."""
    process = psutil.Process(pid)
    those = [process, *process.children(recursive=True)]
    for each in those:
        with suppress(psutil.NoSuchProcess):
            each.suspend()
    try:
        yield
    finally:
        for each in those:
            with suppress(psutil.NoSuchProcess):
                each.resume()


def everything() -> list[Kind]:
    """All kinds, and death at each named point of the path."""
    return [*KINDS, *(_at(point) for point in failpoints.POINTS)]


def _at(point: str) -> Kind:
    def strike(ground: Ground, _: Chance) -> None:
        failpoints.arm(ground.failpoints, point, "kill")
        with suppress(AssertionError):
            wait_for(lambda: not (ground.failpoints / point).exists() or None, 10, f"somebody to arrive at {point}")
        failpoints.disarm(ground.failpoints, point)

    return Kind(f"killed at {point}", strike)
