"""Real servers for the tests that need them: private, on free ports, started once and only when asked for."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import Connection, NullPool, create_engine
from sqlalchemy.engine import make_url
from xdist.remote import Producer

from cli.local.backing import Backing, Given, launch_backing, make_local
from cli.local.data import DataDir
from cli.local.supervisord import Supervisord
from tasks import database as databases
from tests import side_by_side
from workers.migrate import upgrade

ROOT = Path(__file__).parent.parent
WHOLE = (ROOT / "tests" / "journeys", ROOT / "tests" / "faults")
# Fixtures that start servers.
SERVERS = {"launched", "private_redis"}

MakeDatabase = Callable[[str], databases.Sessions]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tests that use a server carry the mark `servers`, so that the fast lane can leave them out."""
    for item in items:
        if SERVERS & set(getattr(item, "fixturenames", ())) or any(map(item.path.is_relative_to, WHOLE)):
            item.add_marker(pytest.mark.servers)
    side_by_side.group(items)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> side_by_side.Scheduling | None:
    """Who runs what, with `-n 3 --dist loadgroup`."""
    return side_by_side.Scheduling(config, log) if config.getoption("dist") == "loadgroup" else None


@pytest.fixture(scope="session")
def launched(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Backing]:
    """The backing servers; PostgreSQL answers, the broker may still be starting (see `backing`)."""
    data = DataDir(tmp_path_factory.mktemp("backing"))
    given = Given({})
    with data.locked() as lock, Supervisord(data, lock) as supervisord:
        local = make_local(data, supervisord, given, durable=False)
        yield launch_backing(local, given, say=print)


@pytest.fixture(scope="session")
def backing(launched: Backing) -> Backing:
    """The backing servers, all of them answering."""
    launched.wait_ready()
    return launched


@pytest.fixture(scope="session")
def postgres_url(launched: Backing) -> str:
    """A superuser's URL of the tests' PostgreSQL."""
    assert launched.postgres_url
    return launched.postgres_url


@pytest.fixture(scope="session")
def template(postgres_url: str) -> Callable[[str], str]:
    """The name of a migrated, empty database of a service, from which others are copied."""
    made: dict[str, str] = {}

    def of(service: str) -> str:
        if service not in made:
            name = f"template_{service}"
            _execute(postgres_url, f'CREATE DATABASE "{name}"')
            upgrade(service, url_of(postgres_url, name))
            made[service] = name
        return made[service]

    return of


@pytest.fixture
def database(postgres_url: str, template: Callable[[str], str]) -> Iterator[MakeDatabase]:
    """Call with a service's name: sessions on an empty, migrated database of that service, the test's own."""
    made: list[tuple[str, databases.Sessions]] = []

    def make(service: str) -> databases.Sessions:
        name = f"test_{service}_{uuid.uuid4().hex[:12]}"
        _execute(postgres_url, f'CREATE DATABASE "{name}" TEMPLATE "{template(service)}"')
        sessions = databases.connect(url_of(postgres_url, name))
        made.append((name, sessions))
        return sessions

    yield make
    for name, sessions in made:
        sessions.kw["bind"].dispose()
        _execute(postgres_url, f'DROP DATABASE "{name}" WITH (FORCE)')


@pytest.fixture
def empty(postgres_url: str, template: Callable[[str], str]) -> Iterator[Callable[[str], Connection]]:
    """Call with a service's name: a connection to its migrated, empty database, in which nothing may be committed."""
    connections: list[Connection] = []

    def connect(service: str) -> Connection:
        engine = create_engine(url_of(postgres_url, template(service)), poolclass=NullPool)
        connections.append(engine.connect())
        return connections[-1]

    yield connect
    for connection in connections:
        connection.close()


@pytest.fixture
def rabbitmq_vhost(backing: Backing) -> str:
    """The broker's URL. Tests that publish purge the queues they use."""
    return backing.broker_url


def url_of(postgres_url: str, name: str) -> str:
    """The URL of another database on the same server."""
    url = make_url(postgres_url).set(drivername="postgresql+psycopg", database=name)
    return url.render_as_string(hide_password=False)


def _execute(postgres_url: str, statement: str) -> None:
    plain = make_url(postgres_url).set(drivername="postgresql").render_as_string(hide_password=False)
    with psycopg.connect(plain, autocommit=True) as connection:
        connection.execute(statement)  # type: ignore[arg-type]  # names made here, not literals
