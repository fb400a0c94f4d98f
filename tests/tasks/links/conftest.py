"""A Redis of these tests' own, which they may stop and kill."""

from collections.abc import Iterator

import pytest

from cli.local.backing import Given, make_local
from cli.local.data import DataDir
from cli.local.origin import find_redis
from cli.local.redis import Redis
from cli.local.supervisord import Supervisord


@pytest.fixture(scope="session")
def private_redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Redis]:
    """Started once; one that was killed stays down."""
    data = DataDir(tmp_path_factory.mktemp("redis"))
    with data.locked() as lock, Supervisord(data, lock) as supervisord:
        local = make_local(data, supervisord, Given({}), durable=False, restart=False)
        server = Redis(local, find_redis(local.skip))
        server.register()
        server.start()
        yield server
