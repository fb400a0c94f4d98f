"""A service's own database: sessions, and bulk writes of plain rows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec
import psycopg
from sqlalchemy import Table, create_engine, text
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.orm import Session, sessionmaker

Sessions = sessionmaker[Session]

# What "the database is away" looks like through SQLAlchemy.
AWAY = (OperationalError, InterfaceError, PoolTimeout)


def connect(url: str, name: str = "pranala", pool_size: int = 10) -> Sessions:
    """Sessions on the database at `url`; nothing is opened before the first query.

    The statement time-out bounds what a sick database can hold up, the keepalives what a silent network can.
    """
    engine = create_engine(
        url,
        pool_size=pool_size,
        max_overflow=pool_size,
        pool_timeout=5,
        pool_pre_ping=True,
        connect_args={
            "application_name": name,
            "connect_timeout": 5,
            "keepalives_idle": 15,
            "keepalives_interval": 5,
            "keepalives_count": 3,
            "tcp_user_timeout": 30_000,
            "options": "-c timezone=UTC -c statement_timeout=60s -c idle_in_transaction_session_timeout=120s",
        },
    )
    return sessionmaker(engine, expire_on_commit=False)


def is_away(error: BaseException) -> bool:
    """Whether this error says that the database cannot be reached, rather than that it refused."""
    return isinstance(error, AWAY) or (isinstance(error, DBAPIError) and error.connection_invalidated)


def insert_rows(session: Session, table: Table, rows: Sequence[Mapping[str, Any]], conflict: str = "") -> None:
    """Insert many rows of the same keys in one statement; `conflict` is an `ON CONFLICT …` clause."""
    if not rows:
        return
    columns = ", ".join(rows[0])
    session.execute(
        text(
            f"INSERT INTO {table.name} ({columns}) SELECT {columns}"  # noqa: S608  # names from our own models
            f" FROM json_populate_recordset(NULL::{table.name}, CAST(:rows AS json)) {conflict}"
        ),
        {"rows": as_json(rows)},
    )


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


def copy_rows(session: Session, table: Table, columns: Mapping[str, str], rows: Iterable[Sequence[Any]]) -> None:
    """Insert many large rows: `columns` are PostgreSQL's types by name. Nothing is parsed or escaped on the way."""
    statement = f"COPY {table.name} ({', '.join(columns)}) FROM STDIN (FORMAT BINARY)"
    driver: Any = session.connection().connection.driver_connection
    try:
        with driver.cursor() as cursor, cursor.copy(statement) as copy:
            copy.set_types(list(columns.values()))
            for row in rows:
                copy.write_row(row)
    except psycopg.Error as error:
        raise DBAPIError.instance(statement, None, error, psycopg.Error, dialect=session.get_bind().dialect) from error


def as_json(value: Any) -> str:
    """JSON as PostgreSQL reads it: UUIDs and times as text."""
    return msgspec.json.encode(value).decode()
