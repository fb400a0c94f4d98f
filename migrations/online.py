"""Changes to tables that are in use: each takes its locks for milliseconds, and what takes long takes none that matter.

They run outside the revision's transaction, one by one, and do nothing where they are done already: a revision that
was cut short is simply run again.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from alembic import op
from sqlalchemy import text

# All who want a table wait behind a revision that waits for it: it waits no longer than this, and `workers.migrate`
# tries again. What it does while it holds the lock must be over soon, too.
TIMEOUTS = ("SET lock_timeout = '1s'", "SET statement_timeout = '20s'")
KNOWN = "SELECT conname FROM pg_constraint WHERE conrelid = CAST(:table AS regclass)"
# What a concurrent build leaves behind that was cut short.
SPOILT = "SELECT 1 FROM pg_index WHERE indexrelid = to_regclass(:index) AND NOT indisvalid"


def constrain(table: str, checks: Mapping[str, str]) -> None:
    """Have these conditions hold for what is written from now on, then make sure of all that is there.

    Fails, with the constraint's name, where a row breaks one; new rows are guarded by then.
    """
    with op.get_context().autocommit_block():
        known = _known(table)
        missing = {name: condition for name, condition in checks.items() if name not in known}
        if missing:
            added = (f"ADD CONSTRAINT {name} CHECK ({condition}) NOT VALID" for name, condition in missing.items())
            op.execute(f"ALTER TABLE {table} {', '.join(added)}")
        with _patience():
            # In one statement, so that the table is read once.
            op.execute(f"ALTER TABLE {table} {', '.join(f'VALIDATE CONSTRAINT {name}' for name in checks)}")


def release(table: str, *names: str) -> None:
    """Take constraints back."""
    with op.get_context().autocommit_block():
        op.execute(f"ALTER TABLE {table} {', '.join(f'DROP CONSTRAINT IF EXISTS {name}' for name in names)}")


def index(name: str, on: str, unique: bool = False, where: str = "") -> None:
    """Make an index, `on` being table and columns, while others write. Not of a table that is cut into partitions."""
    condition = f" WHERE {where}" if where else ""
    with op.get_context().autocommit_block(), _patience():
        if _is_spoilt(name):
            op.execute(f"DROP INDEX CONCURRENTLY {name}")
        kind = "UNIQUE INDEX" if unique else "INDEX"
        op.execute(f"CREATE {kind} CONCURRENTLY IF NOT EXISTS {name} ON {on}{condition}")


def drop_index(name: str) -> None:
    """Drop an index while others read."""
    with op.get_context().autocommit_block(), _patience():
        op.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {name}")


@contextmanager
def _patience() -> Iterator[None]:
    """Let take as long as it takes what keeps nobody from reading and writing."""
    op.execute("SET statement_timeout = 0")
    op.execute("SET lock_timeout = 0")
    yield
    for timeout in TIMEOUTS:
        op.execute(timeout)


def _known(table: str) -> set[str]:
    if op.get_context().as_sql:
        return set()
    return set(op.get_bind().execute(text(KNOWN), {"table": table}).scalars())


def _is_spoilt(name: str) -> bool:
    return not op.get_context().as_sql and bool(op.get_bind().execute(text(SPOILT), {"index": name}).scalar())
