"""Plain rows on their way into tables.

A few rows wait in their session until something else is asked of it, or it commits: then all that waits, whatever the
tables, is written in one statement. To ask the database costs more than what a few rows say.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from typing import Any

import msgspec
import psycopg
from psycopg.types.json import set_json_dumps
from sqlalchemy import ColumnElement, Dialect, Table, TextClause, any_, bindparam, event, text
from sqlalchemy.dialects.postgresql import ARRAY, UUID
from sqlalchemy.dialects.postgresql.psycopg import PGDialect_psycopg
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import ORMExecuteState, Session, SessionTransaction, sessionmaker

_DIALECT: Dialect = PGDialect_psycopg()  # type: ignore[no-untyped-call]
# How COPY writes what is JSON.
set_json_dumps(msgspec.json.encode)
# Types that PostgreSQL has another name for than SQLAlchemy.
_TYPES = {"float": "float8"}
# More than these are copied at once: that is cheaper by the row, and dearer by the statement.
FEW = 50
# Of a session's `info`: rows that wait, by table and columns, and the channels that are to be notified.
_ROWS, _CHANNELS = "rows", "channels"

Row = Mapping[str, Any]
Kind = tuple[str, tuple[str, ...]]


def follow(sessions: sessionmaker[Session]) -> None:
    """Have rows that wait in these sessions written before anything else is asked, and before the commit."""
    event.listen(sessions, "do_orm_execute", _before_others)
    event.listen(sessions, "before_commit", write)
    event.listen(sessions, "after_soft_rollback", _forget)


def insert_rows(session: Session, table: Table, rows: Sequence[Row]) -> None:
    """Insert rows of the same keys: many now, few with what else is written soon."""
    if not rows:
        return
    names = tuple(rows[0])
    if len(rows) > FEW:
        copy_rows(session, table, names, ([row[name] for name in names] for row in rows))
    else:
        _of(session).setdefault(_ROWS, {}).setdefault((table.name, names), []).extend(rows)


def notify(session: Session, channel: str) -> None:
    """Wake whoever listens when, and only if, this transaction commits."""
    _of(session).setdefault(_CHANNELS, set()).add(channel)


def write(session: Session) -> None:
    """Write what waits, all of it in one statement."""
    waiting: dict[Kind, list[Row]] = session.info.pop(_ROWS, {})
    channels: set[str] = session.info.pop(_CHANNELS, set())
    if waiting or channels:
        values: dict[str, Any] = {f"rows_{place}": as_json(rows) for place, rows in enumerate(waiting.values())}
        session.execute(_inserting(tuple(waiting)), values | {"channels": sorted(channels)})


def copy_rows(session: Session, table: Table, names: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """Insert many rows, whose values are in the order of `names`. Nothing is parsed or escaped on the way."""
    write(session)
    statement = f"COPY {table.name} ({', '.join(names)}) FROM STDIN (FORMAT BINARY)"
    driver: Any = session.connection().connection.driver_connection
    try:
        with driver.cursor() as cursor, cursor.copy(statement) as copy:
            copy.set_types(_types(table, tuple(names)))
            for row in rows:
                copy.write_row(row)
    except psycopg.Error as error:
        raise DBAPIError.instance(statement, None, error, psycopg.Error, dialect=session.get_bind().dialect) from error


def add_rows(session: Session, table: Table, key: str, rows: Sequence[Row]) -> set[Any]:
    """Insert those of many rows whose unique `key` is not there yet; returns the keys that were added."""
    if not rows:
        return set()
    columns = ", ".join(rows[0])
    added = session.execute(
        text(
            f"INSERT INTO {table.name} ({columns}) SELECT {columns}"  # noqa: S608  # names from our own models
            f" FROM json_populate_recordset(NULL::{table.name}, CAST(:rows AS json))"
            f" ON CONFLICT ({key}) DO NOTHING RETURNING {key}"
        ),
        {"rows": as_json(rows)},
    )
    return set(added.scalars())


def update_rows(session: Session, table: Table, key: str, rows: Sequence[Row]) -> None:
    """Update many rows by `key` in one statement; every row holds the same keys."""
    if not rows:
        return
    columns = [column for column in rows[0] if column != key]
    changes = ", ".join(f"{column} = new.{column}" for column in columns)
    session.execute(
        text(
            f"UPDATE {table.name} SET {changes}"  # noqa: S608  # names from our own models
            f" FROM json_populate_recordset(NULL::{table.name}, CAST(:rows AS json)) AS new"
            f" WHERE {table.name}.{key} = new.{key}"
        ),
        {"rows": as_json(rows)},
    )


def among(column: ColumnElement[Any], name: str) -> ColumnElement[bool]:
    """Is the column one of the ids in the parameter `name`, a list? `in_` makes a parameter of each of them."""
    return column == any_(bindparam(name, type_=ARRAY(UUID)))


def as_json(value: Any) -> str:
    """JSON as PostgreSQL reads it: UUIDs and times as text; for bytes see `as_bytea`."""
    return msgspec.json.encode(value).decode()


def as_bytea(value: bytes) -> str:
    """Bytes as PostgreSQL reads them from text."""
    return rf"\x{value.hex()}"


def _of(session: Session) -> dict[Any, Any]:
    """What belongs to the transaction that is under way; it ends what waits."""
    if not session.in_transaction():
        session.begin()
    return session.info


def _before_others(state: ORMExecuteState) -> None:
    write(state.session)


def _forget(session: Session, _: SessionTransaction) -> None:
    session.info.pop(_ROWS, None)
    session.info.pop(_CHANNELS, None)


@cache
def _inserting(kinds: tuple[Kind, ...]) -> TextClause:
    """Inserts rows of these kinds, each from a parameter of its own. Foreign keys are looked at when all are there."""
    inserts = [_insert(place, *kind) for place, kind in enumerate(kinds)]
    told = "SELECT pg_notify(channel, '') FROM unnest(CAST(:channels AS text[])) AS channel"
    return text(f"WITH {', '.join(inserts)} {told}" if inserts else told)


def _insert(place: int, table: str, columns: tuple[str, ...]) -> str:
    names = ", ".join(columns)
    return (
        f"insert_{place} AS (INSERT INTO {table} ({names}) SELECT {names}"  # noqa: S608  # names from our own models
        f" FROM json_populate_recordset(NULL::{table}, CAST(:rows_{place} AS json)))"
    )


@cache
def _types(table: Table, names: tuple[str, ...]) -> list[str]:
    """What PostgreSQL calls the types of these columns."""
    kinds = [str(table.c[name].type.compile(_DIALECT)).lower() for name in names]
    return [_TYPES.get(kind, kind) for kind in kinds]
