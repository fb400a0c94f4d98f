"""The servers of one data directory: private, told apart by password, on ports that last."""

import os
import stat
from pathlib import Path

import psycopg
import pytest

from cli.local.backing import SERVICES, Backing, start_backing
from cli.local.readiness import ask_rabbitmq, ask_redis, libpq

pytestmark = pytest.mark.servers


def links_login(backing: Backing, database: str) -> str:
    """The links service's role and password, at the door of another database."""
    return libpq(backing.database_urls["links"]).removesuffix("pranala_links") + database


def test_a_fresh_directory_gives_servers_that_answer(backing: Backing) -> None:
    ask_rabbitmq(backing.broker_url)
    ask_redis(backing.redis_url)
    assert set(backing.database_urls) == set(SERVICES)
    assert backing.warnings == []


def test_a_service_may_write_in_its_own_database(backing: Backing) -> None:
    with psycopg.connect(libpq(backing.database_urls["links"])) as connection:
        connection.execute("CREATE TABLE told (word text)")
        connection.rollback()


@pytest.mark.parametrize("other", ["intake", "notifications", "audit", "accounts"])
def test_a_service_is_refused_by_the_databases_of_others(backing: Backing, other: str) -> None:
    url = links_login(backing, f"pranala_{other}")
    with pytest.raises(psycopg.OperationalError, match="permission denied for database"):
        psycopg.connect(url)


@pytest.mark.parametrize("database", ["postgres", "template1"])
def test_a_service_is_refused_by_the_maintenance_databases(backing: Backing, database: str) -> None:
    url = links_login(backing, database)
    with pytest.raises(psycopg.OperationalError, match="permission denied for database"):
        psycopg.connect(url)


def test_a_wrong_password_is_refused(backing: Backing) -> None:
    url = libpq(backing.database_urls["links"]).replace("pranala_links:", "pranala_links:x")
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        psycopg.connect(url)


def test_only_the_owner_can_read_the_data_directory(backing: Backing) -> None:
    root = backing.local.data.root
    assert stat.S_IMODE(root.stat().st_mode) == 0o700
    for name in ("secrets.json", "redis/redis.conf", "rabbitmq/rabbitmq.conf"):
        assert stat.S_IMODE((root / name).stat().st_mode) == 0o600, name
    assert stat.S_IMODE((root / "rabbitmq/home/.erlang.cookie").stat().st_mode) == 0o400


def test_passwords_are_not_on_any_command_line(backing: Backing) -> None:
    secrets = (backing.local.data.root / "secrets.json").read_text()
    passwords = [word for word in secrets.split('"') if len(word) == 48]
    lines = [path.read_bytes().decode(errors="replace") for path in Path("/proc").glob("[0-9]*/cmdline")]
    assert len(passwords) > 5
    assert not [line for line in lines if any(password in line for password in passwords)]


def test_rabbitmq_comes_back_on_its_port_with_its_queues(backing: Backing) -> None:
    url = backing.rabbitmq.url
    backing.rabbitmq.ctl("add_vhost", "kept")
    backing.rabbitmq.kill()
    backing.rabbitmq.start()
    ask_rabbitmq(url)
    assert "kept" in backing.rabbitmq.ctl("list_vhosts")


def test_a_wiped_rabbitmq_starts_empty_on_its_port(backing: Backing) -> None:
    backing.rabbitmq.ctl("add_vhost", "lost")
    backing.rabbitmq.wipe()
    backing.rabbitmq.start()
    assert "lost" not in backing.rabbitmq.ctl("list_vhosts")
    ask_rabbitmq(backing.broker_url)


def test_a_killed_postgres_keeps_what_was_committed(backing: Backing) -> None:
    url = libpq(backing.database_urls["audit"])
    with psycopg.connect(url) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 1 AS number")
    backing.postgres.kill()
    backing.postgres.start()
    with psycopg.connect(url) as connection:
        assert connection.execute("SELECT number FROM kept").fetchone() == (1,)


def test_a_pid_file_that_names_another_program_does_not_keep_postgres_down(backing: Backing) -> None:
    backing.postgres.stop()
    (backing.postgres.store / "postmaster.pid").write_text(f"{os.getpid()}\n{backing.postgres.store}\n")
    backing.postgres.start()


def test_redis_comes_back_on_its_port(backing: Backing) -> None:
    backing.redis.kill()
    backing.redis.start()
    ask_redis(backing.redis_url)


def test_given_urls_are_used_and_nothing_is_started(backing: Backing, tmp_path: Path) -> None:
    assert backing.postgres_url
    env = {
        "PRANALA_BROKER_URL": backing.broker_url,
        "PRANALA_REDIS_URL": backing.redis_url,
        "PRANALA_POSTGRES_URL": backing.postgres_url,
    }
    with start_backing(tmp_path / "second", env=env) as second:
        assert second.servers == {}
        assert second.broker_url == backing.broker_url
        assert "given by PRANALA_REDIS_URL" in second.origins["redis"]
        psycopg.connect(libpq(second.database_urls["links"])).close()


def test_a_url_may_be_given_in_a_file(backing: Backing, tmp_path: Path) -> None:
    (tmp_path / "broker").write_text(f"{backing.broker_url}\n")
    (tmp_path / "redis").write_text(backing.redis_url)
    databases = {f"PRANALA_{name.upper()}_DATABASE_URL": url for name, url in backing.database_urls.items()}
    files = {f"PRANALA_{name.upper()}_URL_FILE": str(tmp_path / name) for name in ("broker", "redis")}
    with start_backing(tmp_path / "third", env={**databases, **files}) as third:
        assert third.servers == {}
        assert third.redis_url == backing.redis_url
        assert third.database_urls == backing.database_urls


def test_the_next_run_finds_the_same_ports_passwords_and_data(tmp_path: Path) -> None:
    env = {"PRANALA_LOCAL_SKIP": "apt,found"}
    with start_backing(tmp_path / "data", env=env) as first:
        urls = (first.redis_url, first.database_urls)
        with psycopg.connect(libpq(first.database_urls["links"])) as connection:
            connection.execute("CREATE TABLE kept AS SELECT 1 AS number")
    with start_backing(tmp_path / "data", env=env) as second:
        assert (second.redis_url, second.database_urls) == urls
        with psycopg.connect(libpq(second.database_urls["links"])) as connection:
            assert connection.execute("SELECT number FROM kept").fetchone() == (1,)
