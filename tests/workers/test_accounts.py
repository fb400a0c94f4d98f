import os
import subprocess
import sys

import pytest

from tasks.accounts.keys import hash_of, looks_valid
from tasks.accounts.queries import authenticate
from tasks.database import Sessions
from tests.conftest import ROOT, MakeDatabase


@pytest.fixture
def sessions(database: MakeDatabase) -> Sessions:
    return database("accounts")


def run(sessions: Sessions, *arguments: str) -> subprocess.CompletedProcess[str]:
    url = sessions.kw["bind"].url.render_as_string(hide_password=False)
    return subprocess.run(
        [sys.executable, "-m", "workers.accounts", *arguments],
        cwd=ROOT,
        env={**os.environ, "PRANALA_ACCOUNTS_DATABASE_URL": url},
        capture_output=True,
        text=True,
    )


def test_the_key_is_printed_alone_and_works(sessions: Sessions) -> None:
    made = run(sessions, "create-key", "--name", "ci", "--scope", "links:read", "links:write", "--scope", "audit:read")
    key = made.stdout.removesuffix("\n")
    assert (made.returncode, made.stderr) == (0, "")
    assert looks_valid(key)
    with sessions() as session:
        principal = authenticate(session, hash_of(key))
    assert principal
    assert (principal.name, principal.scopes) == ("ci", ("links:read", "links:write", "audit:read"))


def test_an_unknown_scope_is_refused_with_those_there_are(sessions: Sessions) -> None:
    refused = run(sessions, "create-key", "--name", "ci", "--scope", "everything")
    assert (refused.returncode, refused.stdout) == (2, "")
    assert "links:read" in refused.stderr


def test_a_database_that_cannot_be_reached_is_said_in_a_line() -> None:
    away = subprocess.run(
        [sys.executable, "-m", "workers.accounts", "create-key", "--name", "ci", "--scope", "admin"],
        cwd=ROOT,
        env={**os.environ, "PRANALA_ACCOUNTS_DATABASE_URL": "postgresql+psycopg://nobody:secret@127.0.0.1:9/none"},
        capture_output=True,
        text=True,
    )
    assert (away.returncode, away.stdout) == (1, "")
    assert away.stderr.startswith("the accounts database cannot be reached")
    assert "Traceback" not in away.stderr
    assert "secret" not in away.stderr
