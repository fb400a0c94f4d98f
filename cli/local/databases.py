"""A role and a database for each service, closed to the others' roles."""

from collections.abc import Iterable
from urllib.parse import quote, urlsplit, urlunsplit

import psycopg
from psycopg import sql

from cli.local.credentials import Credentials
from cli.local.errors import LocalError
from cli.local.readiness import libpq, where


def create_databases(superuser_url: str, services: Iterable[str], credentials: Credentials) -> dict[str, str]:
    """The services' URLs; creates what is missing and leaves alone what is there."""
    try:
        with psycopg.connect(libpq(superuser_url), autocommit=True, connect_timeout=10) as connection:
            return {service: _create(connection, superuser_url, service, credentials) for service in services}
    except psycopg.Error as error:
        raise LocalError(f"the databases could not be made at {where(superuser_url)}: {error}") from error


def close_to_services(superuser_url: str) -> None:
    """In a server of our own, the maintenance databases are nobody's business either."""
    with psycopg.connect(libpq(superuser_url), autocommit=True) as connection:
        connection.execute("REVOKE CONNECT ON DATABASE postgres FROM PUBLIC")
        connection.execute("REVOKE CONNECT ON DATABASE template1 FROM PUBLIC")


def _create(connection: psycopg.Connection, superuser_url: str, service: str, credentials: Credentials) -> str:
    name = f"pranala_{service}"
    password = credentials.get(name)
    role = sql.Identifier(name)
    if not _exists(connection, "SELECT 1 FROM pg_roles WHERE rolname = %s", name):
        connection.execute(sql.SQL("CREATE ROLE {}").format(role))
    connection.execute(sql.SQL("ALTER ROLE {} LOGIN PASSWORD {}").format(role, sql.Literal(password)))
    if not _exists(connection, "SELECT 1 FROM pg_database WHERE datname = %s", name):
        create = "CREATE DATABASE {} OWNER {} ENCODING 'UTF8' TEMPLATE template0"
        connection.execute(sql.SQL(create).format(role, role))
    connection.execute(sql.SQL("REVOKE ALL ON DATABASE {} FROM PUBLIC").format(role))
    return _service_url(superuser_url, name, password)


def _exists(connection: psycopg.Connection, question: str, name: str) -> bool:
    return connection.execute(question, (name,)).fetchone() is not None


def _service_url(superuser_url: str, name: str, password: str) -> str:
    parts = urlsplit(superuser_url)
    place = parts.netloc.rpartition("@")[2]
    login = f"{name}:{quote(password, safe='')}@{place}"
    return urlunsplit(("postgresql+psycopg", login, f"/{name}", parts.query, ""))
