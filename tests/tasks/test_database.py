"""Transactions that are in each other's way on a real PostgreSQL."""

import threading
import time
from collections.abc import Callable

import psycopg
import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.orm import Session

from tasks import database as databases
from tasks.database import Sessions, is_away, is_conflict, transact
from tests.conftest import MakeDatabase


@pytest.fixture
def sessions(database: MakeDatabase) -> Sessions:
    sessions = database("accounts")
    with sessions.begin() as session:
        session.execute(text("CREATE TABLE counters (name text PRIMARY KEY, value int NOT NULL)"))
        session.execute(text("INSERT INTO counters VALUES ('a', 0), ('b', 0)"))
    return sessions


def add(session: Session, name: str) -> None:
    session.execute(text("UPDATE counters SET value = value + 1 WHERE name = :name"), {"name": name})


def values(sessions: Sessions) -> dict[str, int]:
    with sessions() as session:
        return {row.name: row.value for row in session.execute(text("SELECT name, value FROM counters"))}


def together(*work: Callable[[], None]) -> None:
    """Each in a thread of its own, to their end."""
    threads = [threading.Thread(target=each) for each in work]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def test_of_two_transactions_in_a_deadlock_both_are_done_once(sessions: Sessions) -> None:
    tries = []
    both_hold_one = threading.Barrier(2)

    def crosswise(first: str, second: str) -> Callable[[Session], None]:
        def work(session: Session) -> None:
            tries.append(first)
            add(session, first)
            if len(tries) <= 2:
                both_hold_one.wait(timeout=30)
            add(session, second)

        return work

    together(
        lambda: transact(sessions, crosswise("a", "b"), "front"),
        lambda: transact(sessions, crosswise("b", "a"), "front"),
    )
    assert values(sessions) == {"a": 2, "b": 2}
    assert len(tries) == 3


def test_a_serialisation_failure_is_tried_again(sessions: Sessions) -> None:
    tries = []

    def work(session: Session) -> int:
        tries.append(1)
        session.execute(text("SET TRANSACTION ISOLATION LEVEL SERIALIZABLE"))
        value = session.execute(text("SELECT value FROM counters WHERE name = 'a'")).scalar_one()
        if len(tries) == 1:
            with sessions.begin() as other:
                add(other, "a")
        add(session, "a")
        return int(value)

    assert transact(sessions, work, "front") == 1
    assert values(sessions)["a"] == 2
    assert len(tries) == 2


def test_what_the_database_refuses_for_other_reasons_is_not_tried_again(sessions: Sessions) -> None:
    tries = []

    def work(session: Session) -> None:
        tries.append(1)
        session.execute(text("INSERT INTO counters VALUES ('a', 0)"))

    with pytest.raises(DBAPIError, match="duplicate key") as refusal:
        transact(sessions, work, "front")
    assert tries == [1]
    assert not is_conflict(refusal.value)
    assert not is_away(refusal.value)


def test_too_many_connections_are_told_apart_from_what_is_refused_for_good(
    sessions: Sessions, postgres_url: str
) -> None:
    name = sessions.kw["bind"].url.database
    with databases.connect(postgres_url).begin() as session:
        session.execute(text("CREATE ROLE crowded LOGIN PASSWORD 'crowded' CONNECTION LIMIT 1"))
        session.execute(text(f'GRANT CONNECT ON DATABASE "{name}" TO crowded'))
    crowded = databases.connect(
        sessions.kw["bind"].url.set(username="crowded", password="crowded").render_as_string(hide_password=False)
    )
    try:
        with crowded() as only:
            only.execute(text("SELECT 1"))
            with pytest.raises(OperationalError, match="too many connections") as refusal, crowded() as second:
                second.execute(text("SELECT 1"))
            assert is_away(refusal.value)
    finally:
        crowded.kw["bind"].dispose()
        with databases.connect(postgres_url).begin() as session:
            session.execute(text(f'REVOKE CONNECT ON DATABASE "{name}" FROM crowded'))
            session.execute(text("DROP ROLE crowded"))


def test_connections_that_died_while_nobody_used_them_are_made_anew(sessions: Sessions, postgres_url: str) -> None:
    def pid() -> int:
        with sessions() as session:
            return session.scalar(text("SELECT pg_backend_pid()")) or 0

    with sessions() as one, sessions() as other:
        known = {session.scalar(text("SELECT pg_backend_pid()")) for session in (one, other)}
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        for each in known:
            connection.execute("SELECT pg_terminate_backend(%s, 5000)", (each,))
    time.sleep(databases.IDLE_S + 0.1)
    assert not known & {pid(), pid()}
