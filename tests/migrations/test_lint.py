"""No revision may keep those who work waiting: squawk reads the SQL of each."""

import io
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from alembic import command
from alembic.script import ScriptDirectory

from config.settings import SERVICES
from workers.migrate import history

SQUAWK = Path(sys.executable).parent / "squawk"
# A matter of taste: the rest of squawk's rules is about locks, rewrites and what running code still relies on.
TASTE = (
    "prefer-bigint-over-int",
    "prefer-bigint-over-smallint",
    "prefer-identity",
    # Alembic's own table.
    "prefer-text-field",
    # Each revision is a transaction; what runs outside of one is in `migrations.online`, and can be run again.
    "prefer-robust-stmts",
)
# History, which is never edited. Nothing is added here: a new revision finds another way.
BEFORE_THE_LINT = {
    # All ran before the first release, on tables without users.
    ("links", "0002"): {
        "adding-foreign-key-constraint",
        "constraint-missing-not-valid",
        "require-concurrent-index-creation",
    },
    # The table is made anew with its history in it: names move, and workers of the version before find every column.
    ("links", "0003"): {"ban-drop-constraint", "ban-drop-not-null", "renaming-object", "renaming-table"},
}


def revisions() -> Iterator[tuple[str, str, str]]:
    for service in SERVICES:
        for revision in ScriptDirectory.from_config(history(service, "")).walk_revisions():
            yield service, str(revision.down_revision or "base"), revision.revision


def complaints(sql: str) -> set[str]:
    """The rules that this SQL breaks."""
    lint = (SQUAWK, "--reporter", "json", "--pg-version", "15", "--exclude", ",".join(TASTE))
    done = subprocess.run(lint, input=sql, capture_output=True, text=True, check=False)
    assert done.returncode in (0, 1), done.stderr
    return {each["rule_name"] for each in json.loads(done.stdout or "[]")}


def sql_of(service: str, before: str, revision: str) -> str:
    config, written = history(service, "postgresql://"), io.StringIO()
    config.output_buffer = written
    command.upgrade(config, f"{before}:{revision}", sql=True)
    return written.getvalue()


@pytest.mark.parametrize(("service", "before", "revision"), list(revisions()))
def test_a_revision_keeps_nobody_waiting(service: str, before: str, revision: str) -> None:
    assert complaints(sql_of(service, before, revision)) == BEFORE_THE_LINT.get((service, revision), set())


@pytest.mark.parametrize(
    "sql",
    [
        "CREATE INDEX links_by_age ON links (created_at);",
        "ALTER TABLE links ADD CONSTRAINT known CHECK (state <> '');",
        "ALTER TABLE links ALTER COLUMN id TYPE bigint;",
        "ALTER TABLE links ADD COLUMN badge boolean NOT NULL;",
        "ALTER TABLE links ALTER COLUMN reason SET NOT NULL;",
        "ALTER TABLE links DROP COLUMN told;",
        "ALTER TABLE incidents ADD CONSTRAINT of_link FOREIGN KEY (link_id) REFERENCES links (id);",
        "ALTER TABLE pauses ADD CONSTRAINT once UNIQUE (link_id);",
    ],
)
def test_the_lint_finds_what_would(sql: str) -> None:
    timeouts = "SET lock_timeout = '1s';\nSET statement_timeout = '20s';\n"
    assert complaints(timeouts + sql)


def test_a_revision_without_time_outs_is_found() -> None:
    assert complaints("ALTER TABLE links ADD COLUMN note text;") == {
        "require-lock-timeout",
        "require-statement-timeout",
    }
