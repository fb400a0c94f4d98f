"""Changes to tables in use, on a real database with others at work in it."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from time import monotonic, sleep

import pytest
from alembic import command
from alembic.migration import MigrationContext
from alembic.operations import Operations
from sqlalchemy import Engine, text
from sqlalchemy.exc import IntegrityError

from migrations import online
from tests.conftest import ROOT, MakeDatabase
from workers.migrate import history, upgrade

WAITING = "SELECT count(*) FROM pg_locks WHERE NOT granted AND mode = 'AccessExclusiveLock'"
ASKING = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'pranala migrations'"
TABLE = "CREATE TABLE kept (id int); INSERT INTO kept VALUES (1), (1)"


@pytest.fixture
def engine(database: MakeDatabase) -> Engine:
    bind: Engine = database("intake").kw["bind"]
    return bind


@contextmanager
def revising(engine: Engine) -> Iterator[None]:
    """As in a revision."""
    with engine.connect() as connection:
        context = MigrationContext.configure(connection)
        with context.begin_transaction(), Operations.context(context):
            yield


def url_of(engine: Engine) -> str:
    return engine.url.render_as_string(hide_password=False)


def start(engine: Engine) -> subprocess.Popen[bytes]:
    """As a container starts it: Alembic is not made for threads."""
    environ = {**os.environ, "PRANALA_INTAKE_DATABASE_URL": url_of(engine)}
    return subprocess.Popen([sys.executable, "-m", "workers.migrate"], env=environ, cwd=ROOT)


def wait_for(done: Callable[[], bool]) -> None:
    until = monotonic() + 30
    while not done():
        assert monotonic() < until
        sleep(0.02)


def ask(engine: Engine, question: str) -> object:
    with engine.connect() as connection:
        connection.execute(text("SET statement_timeout = '20s'"))
        return connection.execute(text(question)).scalar()


def test_while_a_long_transaction_holds_a_table_the_migration_waits_in_short_tries_and_traffic_goes_on(
    engine: Engine,
) -> None:
    command.downgrade(history("intake", url_of(engine)), "0001")
    with ThreadPoolExecutor() as pool, engine.connect() as report:
        report.execute(text("SELECT count(*) FROM parts"))
        migration: Future[None] = pool.submit(upgrade, "intake", url_of(engine))
        for _ in range(2):
            wait_for(lambda: bool(ask(engine, WAITING)))
            # Behind the migration, and so until it gives up: the report does not end before this is answered.
            assert ask(engine, "SELECT count(*) FROM parts") == 0
        assert not migration.done()
        report.rollback()
        migration.result(timeout=60)
    added = "SELECT count(*) FROM information_schema.columns WHERE table_name = 'parts' AND column_name = 'link_marks'"
    assert ask(engine, added) == 1


def test_two_that_migrate_at_once_do_it_once(engine: Engine) -> None:
    command.downgrade(history("intake", url_of(engine)), "base")
    for each in [start(engine) for _ in range(2)]:
        assert each.wait(60) == 0
    assert ask(engine, "SELECT count(*) FROM alembic_version") == 1


def test_a_row_that_breaks_a_new_constraint_is_named_and_new_ones_are_kept_out(engine: Engine) -> None:
    with engine.begin() as connection:
        connection.execute(text(TABLE))
    with pytest.raises(IntegrityError, match="kept_twice"), revising(engine):
        online.constrain("kept", {"kept_twice": "id > 1"})
    with pytest.raises(IntegrityError, match="kept_twice"), engine.begin() as connection:
        connection.execute(text("INSERT INTO kept VALUES (0)"))
    with engine.begin() as connection:
        connection.execute(text("DELETE FROM kept"))
    for _ in range(2):
        with revising(engine):
            online.constrain("kept", {"kept_twice": "id > 1"})
    assert ask(engine, "SELECT convalidated FROM pg_constraint WHERE conname = 'kept_twice'") is True


def test_an_index_that_was_cut_short_is_made_anew(engine: Engine) -> None:
    with engine.begin() as connection:
        connection.execute(text(TABLE))
    with pytest.raises(IntegrityError), revising(engine):
        online.index("kept_once", "kept (id)", unique=True)
    assert ask(engine, "SELECT indisvalid FROM pg_index WHERE indexrelid = 'kept_once'::regclass") is False
    with engine.begin() as connection:
        connection.execute(text("DELETE FROM kept"))
    for _ in range(2):
        with revising(engine):
            online.index("kept_once", "kept (id)", unique=True)
    assert ask(engine, "SELECT indisvalid FROM pg_index WHERE indexrelid = 'kept_once'::regclass") is True


def test_an_index_does_not_wait_for_those_who_wait_to_migrate(engine: Engine) -> None:
    """Who asks for the lock in one long query would be waited for by the index, and wait for it."""
    with engine.begin() as connection:
        connection.execute(text(TABLE.replace("(1), (1)", "(1)")))
    with engine.connect() as first:
        first.execute(text("SELECT pg_advisory_lock(hashtextextended('pranala migrations', 0))"))
        first.commit()
        second = start(engine)
        wait_for(lambda: bool(ask(engine, ASKING)))
        with revising(engine):
            online.index("kept_once", "kept (id)", unique=True)
        assert second.poll() is None
        first.execute(text("SELECT pg_advisory_unlock_all()"))
        assert second.wait(60) == 0
