"""Every service has one history, which makes exactly the tables of its models and can be taken back."""

import pytest
from alembic import command
from alembic.script import ScriptDirectory
from sqlalchemy import inspect

from config.settings import SERVICES
from tests.conftest import MakeDatabase
from workers.migrate import history


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
