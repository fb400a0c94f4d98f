"""The three backing servers of one data directory: chosen, started side by side, reached by URL."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar
from urllib.parse import urlsplit, urlunsplit

from cli.local.credentials import Credentials
from cli.local.data import DataDir
from cli.local.databases import close_to_services, create_databases
from cli.local.errors import LocalError, Missing
from cli.local.origin import Skip, find_rabbitmq, find_redis
from cli.local.packages import fetch_rabbitmq
from cli.local.ports import Ports
from cli.local.postgres import Postgres
from cli.local.rabbitmq import RabbitMQ
from cli.local.readiness import ask_rabbitmq, ask_redis, wait_until, where
from cli.local.redis import Redis
from cli.local.server import READY_WITHIN_S, Local, Server
from cli.local.supervisord import Supervisord

SERVICES = ("intake", "links", "notifications", "audit", "accounts")

BROKER_IS_REDIS = (
    "NO RABBITMQ: Valkey is the broker. There are no quorum queues, no publisher confirms and no dead-letter "
    "queues, and a message whose worker died comes back only after a time-out. Nothing accepted is lost, because "
    "the databases hold it, but recovery is slower. Install rabbitmq-server to have them. ({reason})"
)

Say = Callable[[str], None]
Own = TypeVar("Own", bound=Server)


class Given:
    """What the environment says, `NAME` or the file that `NAME_FILE` names."""

    def __init__(self, env: Mapping[str, str]) -> None:
        self.env = env

    def get(self, name: str) -> str | None:
        if value := self.env.get(name):
            return value
        if path := self.env.get(f"{name}_FILE"):
            return Path(path).read_text(encoding="utf-8").strip()
        return None

    def database(self, service: str) -> str | None:
        return self.get(f"PRANALA_{service.upper()}_DATABASE_URL")


@dataclass
class Backing:
    """URLs of what the product needs; `origins` say where each server comes from, `warnings` what is weaker."""

    local: Local
    broker_url: str = ""
    redis_url: str = ""
    database_urls: dict[str, str] = field(default_factory=dict)
    postgres_url: str | None = None
    servers: dict[str, Server] = field(default_factory=dict)
    origins: dict[str, str] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)

    @property
    def postgres(self) -> Postgres:
        return self._own(Postgres)

    @property
    def redis(self) -> Redis:
        return self._own(Redis)

    @property
    def rabbitmq(self) -> RabbitMQ:
        return self._own(RabbitMQ)

    def wait_ready(self) -> None:
        """Wait until broker and Redis answer, ours or given; PostgreSQL has answered already."""
        for server in self.servers.values():
            server.wait_ready()
        watch = self.local.supervisord.raise_if_fatal
        ask_broker = ask_rabbitmq if urlsplit(self.broker_url).scheme.startswith("amqp") else ask_redis
        wait_until(lambda: ask_redis(self.redis_url), READY_WITHIN_S, watch)
        wait_until(lambda: ask_broker(self.broker_url), READY_WITHIN_S, watch)

    def _own(self, kind: type[Own]) -> Own:
        server = self.servers.get(kind.name)
        if not isinstance(server, kind):
            raise LocalError(f"{kind.name} was given by its URL, or is not used: it is not ours to stop or start.")
        return server


def launch_backing(local: Local, given: Given, say: Say) -> Backing:
    """Start what is not given; returns when PostgreSQL answers, while the broker may still be starting.

    The slowest is launched first, and the others come up while it does.
    """
    backing = Backing(local)
    has_broker = _launch_broker(backing, given, say)
    _launch_redis(backing, given)
    if not has_broker:
        _use_redis_as_broker(backing)
    _launch_postgres(backing, given)
    return backing


def launch_postgres(local: Local, given: Given) -> Backing:
    """The databases alone, ready."""
    backing = Backing(local)
    _launch_postgres(backing, given)
    return backing


@contextmanager
def start_backing(
    root: Path,
    *,
    durable: bool = True,
    restart: bool = True,
    env: Mapping[str, str] | None = None,
    say: Say = lambda words: None,
) -> Iterator[Backing]:
    """All three servers, ready, for as long as the context lasts; `env` may give URLs instead."""
    data = DataDir(root)
    given = Given(env or {})
    with data.locked() as lock, Supervisord(data, lock) as supervisord:
        backing = launch_backing(make_local(data, supervisord, given, durable, restart), given, say)
        backing.wait_ready()
        yield backing


def make_local(
    data: DataDir, supervisord: Supervisord, given: Given, durable: bool = True, restart: bool = True
) -> Local:
    return Local(
        data=data,
        supervisord=supervisord,
        ports=Ports(data.root / "ports.json"),
        credentials=Credentials(data.root / "secrets.json"),
        skip=Skip.from_environment(given.env),
        durable=durable,
        restart=restart,
    )


def _launch_broker(backing: Backing, given: Given, say: Say) -> bool:
    """Whether there is a broker of its own kind."""
    if url := given.get("PRANALA_BROKER_URL"):
        backing.broker_url = url
        backing.origins["broker"] = f"{where(url)}, given by PRANALA_BROKER_URL"
        return True
    local = backing.local
    try:
        binary = find_rabbitmq(local.skip) or fetch_rabbitmq(local.data.root / "rabbitmq-binaries", local.skip, say)
    except Missing as error:
        backing.warnings.append(BROKER_IS_REDIS.format(reason=error))
        return False
    server = RabbitMQ(local, binary)
    _launch(backing, server)
    backing.broker_url = server.url
    backing.origins["broker"] = f"RabbitMQ, {server.origin}"
    return True


def _launch_redis(backing: Backing, given: Given) -> None:
    if url := given.get("PRANALA_REDIS_URL"):
        backing.redis_url = url
        backing.origins["redis"] = f"{where(url)}, given by PRANALA_REDIS_URL"
        return
    server = Redis(backing.local, find_redis(backing.local.skip))
    _launch(backing, server)
    backing.redis_url = server.url
    backing.origins["redis"] = server.origin


def _use_redis_as_broker(backing: Backing) -> None:
    """Messages in a database beside the one for limits and results."""
    parts = urlsplit(backing.redis_url)
    number = int(parts.path.strip("/") or 0) + 1
    backing.broker_url = urlunsplit(parts._replace(path=f"/{number}"))
    backing.origins["broker"] = "the Redis below, because there is no RabbitMQ"


def _launch_postgres(backing: Backing, given: Given) -> None:
    databases = {service: url for service in SERVICES if (url := given.database(service))}
    missing = [service for service in SERVICES if service not in databases]
    if not missing:
        backing.origins["databases"] = "given by PRANALA_<SERVICE>_DATABASE_URL"
    elif url := given.get("PRANALA_POSTGRES_URL"):
        backing.origins["databases"] = f"{where(url)}, given by PRANALA_POSTGRES_URL"
        backing.postgres_url = url
    else:
        server = Postgres(backing.local)
        _launch(backing, server)
        server.wait_ready()
        close_to_services(server.url)
        backing.origins["databases"] = f"PostgreSQL, {server.origin}"
        backing.postgres_url = server.url
    if missing and backing.postgres_url:
        databases |= create_databases(backing.postgres_url, missing, backing.local.credentials)
    backing.database_urls = databases


def _launch(backing: Backing, server: Server) -> None:
    backing.servers[server.name] = server
    server.register()
    server.launch()
