"""Rows of several tables on their way into a real PostgreSQL."""

from __future__ import annotations

import select
import uuid
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import event, func, text
from sqlalchemy import select as query
from sqlalchemy.exc import IntegrityError

from tasks import rows
from tasks.database import Sessions
from tasks.intake.models import IDEMPOTENCY_KEYS, OUTBOX, PARTS, SUBMISSION
from tests.conftest import MakeDatabase

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)


@pytest.fixture
def sessions(database: MakeDatabase) -> Sessions:
    return database("intake")


@pytest.fixture
def asked(sessions: Sessions) -> list[str]:
    """The first words of all that is asked of the database from now on."""
    statements: list[str] = []

    @event.listens_for(sessions.kw["bind"], "before_cursor_execute")
    def note(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        statements.append(statement.split()[0])

    return statements


def submission() -> dict[str, Any]:
    return {
        "id": uuid.uuid4(),
        "workspace_id": uuid.uuid4(),
        "kind": "links",
        "total": 1,
        "actor": "key:admin",
        "traceparent": "",
    }


def part(of: dict[str, Any], marks: bytes = b"") -> dict[str, Any]:
    return {
        "id": uuid.uuid4(),
        "submission_id": of["id"],
        "workspace_id": of["workspace_id"],
        "name": "CheckLinks",
        "queue": "links.bulk",
        "body": '{"text": "ü\\u0001\\""}',
        "link_marks": rows.as_bytea(marks),
        "leased_until": NOON,
    }


def letter() -> dict[str, Any]:
    place = {"name": "Ping", "exchange": "pranala.jobs", "routing_key": "intake"}
    return {"id": uuid.uuid4(), **place, "body": "{}", "traceparent": "", "request_id": ""}


def count(sessions: Sessions, table: Any) -> int:
    with sessions() as session:
        return session.scalar(query(func.count()).select_from(table)) or 0


def test_few_rows_of_many_tables_are_written_in_one_statement_and_as_they_are(
    sessions: Sessions, asked: list[str]
) -> None:
    whole = submission()
    piece = part(whole, bytes(range(8)))
    with sessions.begin() as session:
        # A part before the submission that it belongs to.
        rows.insert_rows(session, PARTS, [piece])
        rows.insert_rows(session, SUBMISSION, [whole])
        rows.insert_rows(session, OUTBOX, [letter()])
        rows.insert_rows(session, OUTBOX, [letter()])
        assert asked == []
    assert asked == ["WITH"]
    assert count(sessions, OUTBOX) == 2
    with sessions() as session:
        [found] = session.execute(query(PARTS)).mappings()
    assert dict(found) == {**piece, "link_marks": bytes(range(8)), "link_ids": [], "attempts": 1}


def test_whoever_asks_sees_what_was_inserted_before(sessions: Sessions) -> None:
    with sessions.begin() as session:
        rows.insert_rows(session, OUTBOX, [letter()])
        assert session.scalar(query(func.count()).select_from(OUTBOX)) == 1
        rows.insert_rows(session, OUTBOX, [letter()])
        assert session.execute(text("SELECT count(*) FROM outbox")).scalar() == 2
        rows.insert_rows(session, OUTBOX, [letter()])
        rows.insert_rows(session, OUTBOX, [letter() for _ in range(rows.FEW + 1)])
        assert session.scalars(query(OUTBOX.c.id)).all()
    assert count(sessions, OUTBOX) == rows.FEW + 4


def test_what_is_rolled_back_is_not_written_later(sessions: Sessions) -> None:
    with sessions() as session:
        rows.insert_rows(session, OUTBOX, [letter()])
        rows.notify(session, "outbox")
        session.rollback()
        rows.insert_rows(session, OUTBOX, [letter()])
        session.commit()
    assert count(sessions, OUTBOX) == 1


def test_many_rows_are_copied_at_once(sessions: Sessions, asked: list[str]) -> None:
    with sessions.begin() as session:
        rows.insert_rows(session, OUTBOX, [letter() for _ in range(rows.FEW + 1)])
    assert asked == []
    assert count(sessions, OUTBOX) == rows.FEW + 1


@pytest.mark.parametrize("times", [2, rows.FEW + 1], ids=["few", "many"])
def test_rows_that_may_not_be_are_refused_all_of_them(sessions: Sessions, times: int) -> None:
    known = {"scope": "0" * 64, "fingerprint": "a", "answer": "{}", "location": "/"}

    def add() -> None:
        with sessions.begin() as session:
            rows.insert_rows(session, OUTBOX, [letter()])
            rows.insert_rows(session, IDEMPOTENCY_KEYS, [known] * times)

    with pytest.raises(IntegrityError):
        add()
    assert (count(sessions, OUTBOX), count(sessions, IDEMPOTENCY_KEYS)) == (0, 0)


def test_whoever_listens_is_woken_by_the_commit_and_by_nothing_before(sessions: Sessions) -> None:
    listener: Any
    with sessions.kw["bind"].connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("LISTEN outbox"))
        listener = connection.connection.driver_connection
        with sessions.begin() as session:
            rows.notify(session, "outbox")
            rows.notify(session, "outbox")
            session.execute(text("SELECT 1"))
            assert select.select([listener.fileno()], [], [], 0.2)[0] == []
        assert len(list(listener.notifies(timeout=5, stop_after=1))) == 1
