"""Each process is given the databases that it needs, and no other secret of a database."""

import os
from pathlib import Path

import pytest

from cli.local.backing import Backing
from cli.local.processes import PROCESSES, make_environment, make_program

pytestmark = pytest.mark.servers


@pytest.mark.parametrize(
    ("name", "databases"),
    [("web", {"intake"}), ("links", {"links"}), ("links-2", {"links"}), ("audit", {"audit"}), ("beat", set())],
)
def test_a_process_is_given_its_own_databases_only(backing: Backing, name: str, databases: set[str]) -> None:
    given = {f"PRANALA_{service.upper()}_DATABASE_URL": url for service, url in backing.database_urls.items()}
    env = make_environment(backing, {**given, "PRANALA_POSTGRES_URL": "postgresql://root:secret@127.0.0.1/postgres"})
    process = next(process for process in PROCESSES if process.name == name)
    found = make_program(process, backing, env).env
    assert {key for key in found if "DATABASE" in key or "POSTGRES" in key} == {
        f"PRANALA_{service.upper()}_DATABASE_URL" for service in databases
    }


def test_what_the_environment_says_wins_over_what_is_made(backing: Backing, tmp_path: Path) -> None:
    settings = {"PRANALA_SECRET_KEY": "own", "PRANALA_RPC_TOKEN_FILE": str(tmp_path), "PRANALA_CONFIRM_HARD": "1"}
    env = make_environment(backing, {**settings, "PATH": os.defpath})
    assert {name: env[name] for name in settings} == settings
    assert "PRANALA_RPC_TOKEN" not in env
    assert env["PRANALA_BROKER_URL"] == backing.broker_url


def test_made_secrets_are_the_same_every_time(backing: Backing) -> None:
    names = ("PRANALA_SECRET_KEY", "PRANALA_RPC_TOKEN", "PRANALA_LINKS_KEY", "PRANALA_NOTIFICATIONS_KEY")
    first, second = make_environment(backing, {}), make_environment(backing, {})
    assert [first[name] for name in names] == [second[name] for name in names]
    assert len({first[name] for name in names}) == 4
