"""The proving ground: the whole product with a network that can fail between it and its servers, and sites to check."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import psycopg

from benchmarks import site
from cli.local.backing import Backing, start_backing
from cli.local.processes import PROCESSES, Process
from cli.local.product import Product
from config import broker
from tests.faults.account import Books
from tests.journeys.system import System, free_port, serving, wait_for
from tests.servers.certificates import Certificates
from tests.servers.host import Host
from tests.servers.proxy import Network
from tests.servers.receiver import Receiver

SERVERS = ("rabbitmq", "postgres", "redis")
SECOND_BEAT = "beat-2"
SETTINGS = {
    "PRANALA_ALLOW_NETWORKS": "127.0.0.0/8",
    "PRANALA_TICK_S": "1",
    # Short enough that what a wiped broker held is back within seconds.
    "PRANALA_SWEEP_LEASE_S": "5",
    "PRANALA_SWEEP_LEASE_MAX_S": "40",
    "PRANALA_LEASE_S": "10",
    # Nobody is away for longer, and what a wiped broker makes everybody say again is to be done beside the load.
    "PRANALA_SENT_KEPT_S": "120",
    "PRANALA_MIN_CONFIRM_S": "1",
    "PRANALA_CONFIRM_OFFSETS_S": "1,2,3",
    "PRANALA_CONNECT_TIMEOUT_S": "2",
    "PRANALA_TOTAL_TIMEOUT_S": "5",
    "PRANALA_HOST_CONCURRENCY": "0",
    "PRANALA_HOST_INTERVAL_MS": "0",
    # What breaks here breaks link by link, on a few hosts.
    "PRANALA_GROUP_LEAST": "0",
    "PRANALA_FREEZE_SHARE": "1",
    "PRANALA_DELIVERY_BACKOFF_S": ",".join(["1", "2"] + ["4"] * 30),
    "PRANALA_DELIVERY_TIMEOUT_S": "3",
    "PRANALA_DELIVERY_LEASE_S": "8",
}


@dataclass
class Ground:
    """A running product and all that can be done to it. `plain` and `secure` are the receivers of its two channels."""

    system: System
    network: Network
    books: Books
    certificates: Certificates
    plain: Receiver
    secure: Receiver
    channels: tuple[str, str]
    # Links that break and recover live here.
    host: Host
    port: int
    failpoints: Path

    @property
    def product(self) -> Product:
        """Its processes."""
        return self.system.product

    @property
    def backing(self) -> Backing:
        """Its servers."""
        return self.system.backing

    def pid(self, name: str) -> int:
        """The process of a program, once it runs."""
        supervisord = self.backing.local.supervisord
        return wait_for(lambda: supervisord.state(name).pid or None, 30, f"{name} to run")

    def role(self, service: str) -> str:
        """Whom PostgreSQL knows a service as."""
        return str(urlsplit(self.backing.database_urls[service]).username)

    def connected(self, service: str) -> psycopg.Connection[Any]:
        """A superuser's connection to a service's database, past the network."""
        assert self.backing.postgres_url
        return psycopg.connect(self.backing.postgres_url, dbname=f"pranala_{service}")

    def waiting(self) -> int:
        """Messages in all queues but those of dead letters."""
        return sum(count for name, count in self._queues() if not name.endswith(".dead"))

    def dead_letters(self) -> int:
        """Messages that nobody could do."""
        return sum(count for name, count in self._queues() if name.endswith(".dead"))

    def down(self) -> list[str]:
        """Programs that should run and do not."""
        states = self.backing.local.supervisord.states()
        return [state.name for state in states if state.status != "RUNNING" and state.name != SECOND_BEAT]

    def _queues(self) -> list[tuple[str, int]]:
        lines = self.backing.rabbitmq.ctl("list_queues", "name", "messages", "--no-table-headers").splitlines()
        rows = [line.split("\t") for line in lines if "\t" in line]
        known = [name for names in broker.QUEUES.values() for name in names]
        return [(name, int(count)) for name, count in rows if name.removesuffix(".dead") in known]

    def page(self, name: str) -> str:
        """The URL of a page that works, on one of many hosts."""
        return f"http://{site.host(zlib.crc32(name.encode()) % 200)}:{self.port}/page/{name}"


@contextmanager
def standing(folder: Path, durable: bool = False, settings: dict[str, str] | None = None) -> Iterator[Ground]:
    """The ground, ready; everything of it is private and gone afterwards."""
    with ExitStack() as stack:
        certificates = Certificates(folder)
        failpoints = folder / "failpoints"
        failpoints.mkdir()
        backing = stack.enter_context(start_backing(folder / "data", durable=durable))
        network = stack.enter_context(_network(backing))
        given = {
            **SETTINGS,
            "PRANALA_CA_FILE": str(certificates.ca_file),
            "PRANALA_FAILPOINTS_DIR": str(failpoints),
            **(settings or {}),
        }
        system = stack.enter_context(serving(_routed(backing, network), given, _second_beat()))
        system.product.stop(SECOND_BEAT)
        plain = stack.enter_context(Receiver())
        secure = stack.enter_context(Receiver(context=certificates.contexts["good"]))
        channels = _channel(system, "plain", plain), _channel(system, "secure", secure)
        host = stack.enter_context(Host("127.0.9.1"))
        port = stack.enter_context(site.serve())
        assert backing.postgres_url
        books = Books(backing.postgres_url)
        yield Ground(system, network, books, certificates, plain, secure, channels, host, port, failpoints)


def _channel(system: System, name: str, receiver: Receiver) -> str:
    channel = system.post("/channels", {"kind": "webhook", "name": name, "target": receiver.url})
    receiver.trust(channel["secret"])
    return str(channel["id"])


@contextmanager
def _network(backing: Backing) -> Iterator[Network]:
    assert backing.postgres_url
    urls = (backing.broker_url, backing.postgres_url, backing.redis_url)
    places = [urlsplit(url) for url in urls]
    targets = {name: (place.hostname or "", place.port or 0) for name, place in zip(SERVERS, places, strict=True)}
    with Network(targets, {name: free_port() for name in SERVERS}) as network:
        yield network


def _routed(backing: Backing, network: Network) -> Backing:
    """The same servers, as the product reaches them."""
    return replace(
        backing,
        broker_url=_through(backing.broker_url, network.ports["rabbitmq"]),
        redis_url=_through(backing.redis_url, network.ports["redis"]),
        database_urls={
            service: _through(url, network.ports["postgres"]) for service, url in backing.database_urls.items()
        },
    )


def _through(url: str, port: int) -> str:
    parts = urlsplit(url)
    login = parts.netloc.rpartition("@")[0]
    place = f"127.0.0.1:{port}"
    return urlunsplit(parts._replace(netloc=f"{login}@{place}" if login else place))


def _second_beat() -> Process:
    [beat] = [process for process in PROCESSES if process.name == "beat"]
    return replace(beat, name=SECOND_BEAT)
