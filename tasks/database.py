"""A service's own database: sessions, and bulk writes of plain rows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from typing import Any

import msgspec
import psycopg
from psycopg.types.json import set_json_dumps
from sqlalchemy import ColumnElement, Dialect, Table, any_, bindparam, create_engine, text
from sqlalchemy.dialects.postgresql import ARRAY, UUID
from sqlalchemy.dialects.postgresql.psycopg import PGDialect_psycopg
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.orm import Session, sessionmaker

Sessions = sessionmaker[Session]

_DIALECT: Dialect = PGDialect_psycopg()  # type: ignore[no-untyped-call]
# How COPY writes what is JSON.
set_json_dumps(msgspec.json.encode)
# Types that PostgreSQL has another name for than SQLAlchemy.
_TYPES = {"float": "float8"}

SESSION = (
    "timezone=UTC",
    "statement_timeout=60s",
    "idle_in_transaction_session_timeout=120s",
    # A plan that is kept was made for tables as small as they were then, and an import grows them while it runs.
    "plan_cache_mode=force_custom_plan",
)

# What "the database is away" looks like through SQLAlchemy.
AWAY = (OperationalError, InterfaceError, PoolTimeout)


def connect(url: str, name: str = "pranala", pool_size: int = 10, patience_s: float = 5.0) -> Sessions:
    """Sessions on the database at `url`; nothing is opened before the first query.

    More than twice `pool_size` are never open: whoever wants another one waits for it, as long as `patience_s`.
    The statement time-out bounds what a sick database can hold up, the keepalives what a silent network can.
    """
    engine = create_engine(
        url,
        pool_size=pool_size,
        max_overflow=pool_size,
        pool_timeout=patience_s,
        pool_pre_ping=True,
        connect_args={
            "application_name": name,
            "connect_timeout": 5,
            "keepalives_idle": 15,
            "keepalives_interval": 5,
            "keepalives_count": 3,
            "tcp_user_timeout": 30_000,
            "options": " ".join(f"-c {setting}" for setting in SESSION),
        },
    )
    return sessionmaker(engine, expire_on_commit=False)


def is_away(error: BaseException) -> bool:
    """Whether this error says that the database cannot be reached, rather than that it refused."""
    return isinstance(error, AWAY) or (isinstance(error, DBAPIError) and error.connection_invalidated)


def among(column: ColumnElement[Any], name: str) -> ColumnElement[bool]:
    """Is the column one of the ids in the parameter `name`, a list? `in_` makes a parameter of each of them."""
    return column == any_(bindparam(name, type_=ARRAY(UUID)))


def insert_rows(session: Session, table: Table, rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert many rows of the same keys."""
    if rows:
        names = tuple(rows[0])
        copy_rows(session, table, names, ([row[name] for name in names] for row in rows))


def copy_rows(session: Session, table: Table, names: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """Insert many rows, whose values are in the order of `names`. Nothing is parsed or escaped on the way."""
    statement = f"COPY {table.name} ({', '.join(names)}) FROM STDIN (FORMAT BINARY)"
    driver: Any = session.connection().connection.driver_connection
    try:
        with driver.cursor() as cursor, cursor.copy(statement) as copy:
            copy.set_types(_types(table, tuple(names)))
            for row in rows:
                copy.write_row(row)
    except psycopg.Error as error:
        raise DBAPIError.instance(statement, None, error, psycopg.Error, dialect=session.get_bind().dialect) from error


def add_rows(session: Session, table: Table, key: str, rows: Sequence[Mapping[str, Any]]) -> set[Any]:
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


def update_rows(session: Session, table: Table, key: str, rows: Sequence[Mapping[str, Any]]) -> None:
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


def as_json(value: Any) -> str:
    """JSON as PostgreSQL reads it: UUIDs and times as text."""
    return msgspec.json.encode(value).decode()


@cache
def _types(table: Table, names: tuple[str, ...]) -> list[str]:
    """What PostgreSQL calls the types of these columns."""
    kinds = [str(table.c[name].type.compile(_DIALECT)).lower() for name in names]
    return [_TYPES.get(kind, kind) for kind in kinds]
