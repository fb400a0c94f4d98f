"""`pranala db` on real databases, named by their URLs."""

from __future__ import annotations

import json
import os
import shutil
import stat
import subprocess
import sys
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest

from cli.backups import manifest
from tasks.database import Sessions
from tests.conftest import ROOT, MakeDatabase

EVENT = (
    "INSERT INTO events (event_id, occurred_at, service, actor, action, outcome, reason, resource_kind, resource_id,"
    " resource_name, ip, user_agent, request_id, trace_id, details)"
    " SELECT gen_random_uuid(), now(), 'web', 'key', 'links.submit', 'success', '', '', '', '', '', '', '', '', '{}'"
    " FROM generate_series(1, %s)"
)


@dataclass
class Operator:
    """Somebody with the URLs of two databases, who runs `pranala db`."""

    urls: Mapping[str, str]
    folder: Path

    def run(self, *words: str, code: int = 0) -> subprocess.CompletedProcess[str]:
        env = {name: value for name, value in os.environ.items() if not name.startswith("PRANALA_")}
        env |= {f"PRANALA_{service.upper()}_DATABASE_URL": url for service, url in self.urls.items()}
        command = [sys.executable, "-m", "cli.main", "db", *words]
        done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, check=False)
        assert done.returncode == code, done.stderr
        return done

    def back_up(self, *words: str) -> Path:
        services = ("--service", "accounts", "--service", "audit")
        return Path(self.run("backup", str(self.folder), *services, *words).stdout.strip())

    def ask(self, service: str, query: str, *values: object) -> list[tuple[object, ...]]:
        with psycopg.connect(self.urls[service].replace("+psycopg", ""), autocommit=True) as connection:
            cursor = connection.execute(query, values)
            return cursor.fetchall() if cursor.description else []


def url_of(sessions: Sessions) -> str:
    url: str = sessions.kw["bind"].url.render_as_string(hide_password=False)
    sessions.kw["bind"].dispose()
    return url


@pytest.fixture
def operator(database: MakeDatabase, tmp_path: Path) -> Operator:
    operator = Operator({each: url_of(database(each)) for each in ("accounts", "audit")}, tmp_path / "backups")
    operator.ask("accounts", "INSERT INTO workspaces VALUES (%s, 'kept', now())", uuid.uuid4())
    operator.ask("audit", EVENT, 100)
    return operator


def test_what_was_committed_before_the_backup_comes_back_and_what_came_later_is_gone(operator: Operator) -> None:
    backup = operator.back_up()
    events = operator.ask("audit", "SELECT * FROM events ORDER BY seq")
    operator.ask("accounts", "INSERT INTO workspaces VALUES (%s, 'later', now())", uuid.uuid4())
    operator.ask("audit", EVENT, 1)
    said = operator.run("restore", str(backup), "--yes")
    assert "as they were backed up" in said.stderr
    assert operator.ask("accounts", "SELECT name FROM workspaces") == [("kept",)]
    assert operator.ask("audit", "SELECT * FROM events ORDER BY seq") == events
    with pytest.raises(psycopg.errors.InsufficientPrivilege, match="append-only"):
        operator.ask("audit", "DELETE FROM events")
    assert operator.ask("accounts", "SELECT name FROM outbox") == [("RecordEvents",)]
    assert operator.ask("audit", "SELECT nspname FROM pg_namespace WHERE nspname = 'before_restore'") == []


def test_what_was_restored_can_be_backed_up_and_restored_again(operator: Operator) -> None:
    operator.run("restore", str(operator.back_up()), "--yes")
    again = operator.back_up()
    operator.ask("accounts", "DROP SCHEMA public CASCADE")
    operator.ask("accounts", "CREATE SCHEMA public")
    operator.run("restore", str(operator.folder), "--yes")
    assert operator.ask("accounts", "SELECT name FROM workspaces") == [("kept",)]
    assert manifest.find(operator.folder) == again


def test_a_backup_is_its_owners_alone_and_says_what_it_holds(operator: Operator) -> None:
    backup = operator.back_up()
    for path in (operator.folder, backup, *backup.iterdir()):
        assert stat.S_IMODE(path.stat().st_mode) & 0o077 == 0, path
    found = manifest.read(backup)
    assert found.dump("audit").rows["events"] == 100
    assert found.spread.total_seconds() < 5
    assert "101 rows" in operator.run("verify", str(backup)).stdout
    assert "PRANALA_LINKS_KEY" in operator.run("backup", str(operator.folder), "--service", "audit").stderr


def test_only_the_newest_are_kept_and_half_a_backup_is_none(operator: Operator) -> None:
    made = [operator.back_up("--keep", "2") for _ in range(3)]
    assert manifest.all_in(operator.folder) == made[1:]
    shutil.rmtree(made[1])
    (made[2] / manifest.FILE).unlink()
    refused = operator.run("restore", str(operator.folder), "--yes", code=1)
    assert "there is no backup" in refused.stderr


@pytest.mark.parametrize("fault", ["cut", "missing", "changed"])
def test_a_spoilt_dump_is_refused_before_anything_is_touched(fault: str, operator: Operator) -> None:
    backup = operator.back_up()
    dump = backup / "audit.dump"
    body = dump.read_bytes()
    dump.unlink()
    if fault != "missing":
        dump.write_bytes(body[:-100] if fault == "cut" else body[:-100] + bytes(100))
    operator.ask("audit", EVENT, 1)
    assert "is not what was backed up" in operator.run("restore", str(backup), "--yes", code=1).stderr
    assert "is not what was backed up" in operator.run("verify", str(backup), code=1).stderr
    assert operator.ask("audit", "SELECT count(*) FROM events") == [(101,)]


def test_a_restore_that_fails_leaves_what_was_there(operator: Operator) -> None:
    backup = operator.back_up()
    fields = json.loads((backup / manifest.FILE).read_text())
    for dump in fields["dumps"]:
        dump["audit_digest"] = "0" * 64 if dump["service"] == "audit" else ""
    (backup / manifest.FILE).write_text(json.dumps(fields))
    operator.ask("audit", EVENT, 1)
    refused = operator.run("restore", str(backup), "--service", "audit", "--yes", code=1)
    assert "are not those that were backed up" in refused.stderr
    assert operator.ask("audit", "SELECT count(*) FROM events") == [(101,)]


def test_a_restore_that_was_killed_is_taken_up_again(operator: Operator) -> None:
    backup = operator.back_up()
    operator.ask("audit", "ALTER SCHEMA public RENAME TO before_restore")
    operator.ask("audit", "CREATE SCHEMA public")
    operator.ask("audit", "CREATE TABLE events (half int)")
    operator.run("restore", str(backup), "--yes")
    assert operator.ask("audit", "SELECT count(*) FROM events") == [(100,)]


def test_a_database_in_use_is_not_restored(operator: Operator) -> None:
    backup = operator.back_up()
    with psycopg.connect(operator.urls["audit"].replace("+psycopg", "")):
        refused = operator.run("restore", str(backup), "--yes", code=1)
    assert "stop the product first" in refused.stderr


def test_a_database_whose_url_is_not_known_is_named(operator: Operator) -> None:
    refused = operator.run("backup", str(operator.folder), code=1)
    assert "PRANALA_LINKS_DATABASE_URL" in refused.stderr
