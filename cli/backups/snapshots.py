"""The databases at one moment: a snapshot of each, held open while it is dumped, and what it sees."""

import hashlib
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import datetime

import psycopg
from psycopg import sql

from cli.backups.errors import BackupError
from cli.local.readiness import libpq, where

# A dump of a large database takes longer than a session may usually sit in a transaction.
PATIENT = "-c timezone=UTC -c statement_timeout=0 -c idle_in_transaction_session_timeout=0"
TABLES = "SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY tablename"
EVENTS = "COPY (SELECT * FROM events ORDER BY seq) TO STDOUT"


@dataclass(frozen=True)
class Facts:
    """What can be compared after a restore. `rows` are by table."""

    schema: str
    rows: Mapping[str, int]
    audit_digest: str


@dataclass(frozen=True)
class Snapshot:
    """A moment of one database that pg_dump can be told of by `id`, for as long as `connection` is open."""

    service: str
    id: str
    taken_at: datetime
    lsn: str
    connection: psycopg.Connection

    def facts(self) -> Facts:
        """Of this moment."""
        return facts(self.connection, self.service)


@contextmanager
def hold(urls: Mapping[str, str]) -> Iterator[list[Snapshot]]:
    """Snapshots of all, taken one right after the other; connecting comes first, because it takes longest."""
    with ExitStack() as stack:
        connections = {service: stack.enter_context(connect(url)) for service, url in urls.items()}
        yield [_snapshot(service, connection) for service, connection in connections.items()]


@contextmanager
def connect(url: str) -> Iterator[psycopg.Connection]:
    """A connection that reads one moment, of which the first query decides."""
    try:
        connection = psycopg.connect(libpq(url), connect_timeout=10, options=PATIENT)
    except psycopg.OperationalError as error:
        raise BackupError(f"the database at {where(url)} cannot be reached: {str(error).strip()}") from error
    with connection:
        connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        connection.read_only = True
        yield connection


def facts(connection: psycopg.Connection, service: str) -> Facts:
    """What the database holds."""
    tables = [name for (name,) in connection.execute(TABLES)]
    if "alembic_version" not in tables:
        raise BackupError(f"the {service} database has no schema: it was never migrated, so there is nothing to keep")
    rows = {name: _count(connection, name) for name in tables}
    schema = connection.execute("SELECT version_num FROM alembic_version").fetchone()
    return Facts(schema[0] if schema else "", rows, _digest(connection) if service == "audit" else "")


def _snapshot(service: str, connection: psycopg.Connection) -> Snapshot:
    row = connection.execute("SELECT pg_export_snapshot(), clock_timestamp(), pg_current_wal_lsn()::text").fetchone()
    assert row
    return Snapshot(service, row[0], row[1], row[2], connection)


def _count(connection: psycopg.Connection, table: str) -> int:
    row = connection.execute(sql.SQL("SELECT count(*) FROM {}").format(sql.Identifier(table))).fetchone()
    return row[0] if row else 0


def _digest(connection: psycopg.Connection) -> str:
    """SHA-256 over every event, in the order of the record: an event that is changed, lost or moved shows."""
    digest = hashlib.sha256()
    with connection.cursor() as cursor, cursor.copy(EVENTS) as copy:
        for part in copy:
            digest.update(part)
    return digest.hexdigest()
