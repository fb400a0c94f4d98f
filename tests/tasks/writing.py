"""Rows of any table, one by one, and which constraint refuses those that cannot be true."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError

from tasks.rows import as_json

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
EARLIER = NOW - timedelta(hours=1)
ID, OTHER = uuid.UUID(int=7), uuid.UUID(int=8)

Row = Mapping[str, Any]

OUTBOX: Row = {
    "id": ID,
    "name": "LinkBroke",
    "exchange": "events",
    "routing_key": "LinkBroke",
    "body": "{}",
    "traceparent": "",
    "request_id": "",
    "created_at": NOW,
}
# What a table is kept right by, but for its primary key.
RULES = text("""
    SELECT conrelid::regclass::text, conname FROM pg_constraint JOIN pg_class ON pg_class.oid = conrelid
    WHERE contype IN ('c', 'u', 'f') AND connamespace = 'public'::regnamespace AND NOT relispartition
    UNION
    SELECT indrelid::regclass::text, indexrelid::regclass::text FROM pg_index JOIN pg_class ON pg_class.oid = indrelid
    WHERE indisunique AND NOT indisprimary AND relnamespace = 'public'::regnamespace AND NOT relispartition
    UNION
    SELECT tgrelid::regclass::text, tgname FROM pg_trigger JOIN pg_class ON pg_class.oid = tgrelid
    WHERE NOT tgisinternal AND NOT relispartition
""")


@dataclass(frozen=True)
class Wrong:
    """A write that `rule` refuses: the right row with these columns wrong, or the right row and `then` a statement.

    `beside` are columns of the same right row that is written before it, for what is about two of them.
    """

    table: str
    rule: str
    row: Row = field(default_factory=dict)
    then: str = ""
    beside: Row | None = None

    def __str__(self) -> str:
        return f"{self.table}-{self.rule}"


def refusal(connection: Connection, right: Mapping[str, Row], needs: Mapping[str, Sequence[str]], wrong: Wrong) -> Any:
    """The name of what refuses this; None where nothing does. All of it is taken back."""
    for table in needs.get(wrong.table, ()):
        _insert(connection, table, right[table])
    if wrong.beside is not None:
        _insert(connection, wrong.table, {**right[wrong.table], **wrong.beside})
    if wrong.then:
        _insert(connection, wrong.table, {**right[wrong.table], **wrong.row})
    try:
        if wrong.then:
            connection.execute(text(wrong.then))
        else:
            _insert(connection, wrong.table, {**right[wrong.table], **wrong.row})
    except DBAPIError as error:
        cause = error.orig
        return (cause.diag.constraint_name if isinstance(cause, psycopg.Error) else None) or str(cause)
    finally:
        connection.rollback()
    return None


def rules(connection: Connection) -> set[tuple[str, str]]:
    """Every rule of the database, by table."""
    found = {(str(table), str(name)) for table, name in connection.execute(RULES)}
    connection.rollback()
    return found


def _insert(connection: Connection, table: str, row: Row) -> None:
    columns = ", ".join(row)
    connection.execute(
        text(
            f"INSERT INTO {table} ({columns}) SELECT {columns}"
            f" FROM json_populate_record(NULL::{table}, CAST(:row AS json))"
        ),
        {"row": as_json(row)},
    )
