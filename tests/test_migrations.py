"""Every service has one history, which makes exactly the tables of its models and can be taken back."""

import importlib

import pytest
from alembic import command
from alembic.script import ScriptDirectory
from sqlalchemy import Engine, inspect, text

from config.settings import SERVICES
from tests.conftest import MakeDatabase
from workers.migrate import history

CONSTRAINTS = """
    SELECT conrelid::regclass::text, conname, pg_get_constraintdef(pg_constraint.oid), convalidated FROM pg_constraint
    JOIN pg_class ON pg_class.oid = conrelid
    WHERE connamespace = 'public'::regnamespace AND NOT relispartition AND relname <> 'alembic_version'
"""
INDEXES = """
    SELECT tablename, indexname, indexdef, true FROM pg_indexes JOIN pg_class ON relname = tablename
    WHERE schemaname = 'public' AND NOT relispartition AND tablename <> 'alembic_version'
"""


def rules(engine: Engine) -> set[tuple[str, str, str, bool]]:
    """Every constraint and index, in PostgreSQL's words; conditions, which Alembic does not compare, too."""
    with engine.connect() as connection:
        return {tuple(row) for query in (CONSTRAINTS, INDEXES) for row in connection.execute(text(query))}


@pytest.mark.parametrize("service", SERVICES)
def test_a_history_has_one_head(service: str) -> None:
    assert len(ScriptDirectory.from_config(history(service, "")).get_heads()) == 1


@pytest.mark.parametrize("service", SERVICES)
def test_the_migrated_database_is_what_the_models_say(service: str, database: MakeDatabase) -> None:
    url = database(service).kw["bind"].url.render_as_string(hide_password=False)
    command.check(history(service, url))


@pytest.mark.parametrize("service", SERVICES)
def test_a_history_can_be_taken_back_and_applied_again(service: str, database: MakeDatabase) -> None:
    sessions = database(service)
    url = sessions.kw["bind"].url.render_as_string(hide_password=False)
    tables = set(inspect(sessions.kw["bind"]).get_table_names())
    command.downgrade(history(service, url), "base")
    assert set(inspect(sessions.kw["bind"]).get_table_names()) == {"alembic_version"}
    command.upgrade(history(service, url), "head")
    assert set(inspect(sessions.kw["bind"]).get_table_names()) == tables


@pytest.mark.parametrize("service", SERVICES)
def test_the_migrated_database_refuses_what_the_models_say(service: str, database: MakeDatabase) -> None:
    migrated, made = database(service).kw["bind"], database(service).kw["bind"]
    with made.begin() as connection:
        connection.execute(text("DROP SCHEMA public CASCADE"))
        connection.execute(text("CREATE SCHEMA public"))
    importlib.import_module(f"tasks.{service}.models").Base.metadata.create_all(made)
    assert rules(migrated) == rules(made)
