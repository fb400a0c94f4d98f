"""A service's own database: sessions and transactions on it, and what its errors mean."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from typing import Any, TypeVar

import psycopg
import stamina
from psycopg.errors import DeadlockDetected, LockNotAvailable, SerializationFailure
from sqlalchemy import create_engine, event
from sqlalchemy.exc import DBAPIError, InterfaceError, InvalidatePoolError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.orm import Session, sessionmaker
from sqlalchemy.pool import ConnectionPoolEntry

from config.failpoints import reach
from tasks import clock, rows

Sessions = sessionmaker[Session]
T = TypeVar("T")

SESSION = (
    "timezone=UTC",
    "statement_timeout=60s",
    # What a client that is gone had locked is free after this, also where its connection looks alive.
    "idle_in_transaction_session_timeout=15s",
    # A plan that is kept was made for tables as small as they were then, and an import grows them while it runs.
    "plan_cache_mode=force_custom_plan",
)

# Of the network, as libpq calls it: a silent one is noticed after fifteen seconds.
PATIENCE: dict[str, Any] = {
    "connect_timeout": 5,
    "keepalives_idle": 6,
    "keepalives_interval": 3,
    "keepalives_count": 3,
    "tcp_user_timeout": 15_000,
}

# What "the database is away" looks like through SQLAlchemy.
AWAY = (OperationalError, InterfaceError, PoolTimeout)
# A connection is asked whether it is alive when it was not used for so long.
IDLE_S = 1.0
_USED_AT = "used_at"
# SQLSTATE classes of connections, resources, operators' shutdowns and failing disks.
OUT_OF_ORDER = ("08", "53", "57P", "58")
# What is left of a primary after another took over.
READ_ONLY = ("25006",)
# Serialisation failure and deadlock: two transactions were in each other's way, and one was undone.
CONFLICTS = DeadlockDetected | SerializationFailure


def connect(
    url: str, name: str = "pranala", pool_size: int = 10, patience_s: float = 5.0, settings: Sequence[str] = ()
) -> Sessions:
    """Sessions on the database at `url`; nothing is opened before the first query.

    More than twice `pool_size` are never open: whoever wants another one waits for it, as long as `patience_s`.
    `settings` of PostgreSQL go over those that every session has.
    The statement time-out bounds what a sick database can hold up, the keepalives what a silent network can.
    """
    engine = create_engine(
        url,
        pool_size=pool_size,
        max_overflow=pool_size,
        pool_timeout=patience_s,
        connect_args={
            "application_name": name,
            "options": " ".join(f"-c {setting}" for setting in (*SESSION, *settings)),
            **PATIENCE,
        },
    )
    event.listen(engine, "checkin", _note_use)
    event.listen(engine, "checkout", _ask_idle)
    clock.follow(engine)
    sessions = sessionmaker(engine, expire_on_commit=False)
    rows.follow(sessions)
    return sessions


def _note_use(_: object, record: ConnectionPoolEntry) -> None:
    record.info[_USED_AT] = time.monotonic()


def _ask_idle(connection: psycopg.Connection, record: ConnectionPoolEntry, _: object) -> None:
    """Whether a connection that nobody used for a while is still one; under load that would be every other question."""
    if time.monotonic() - record.info.get(_USED_AT, math.inf) < IDLE_S:
        return
    try:
        connection.execute("")
        connection.rollback()
    except psycopg.Error as error:
        # The others are no better: all of them are made anew.
        raise InvalidatePoolError(str(error)) from error


@cache
def _without_transactions(sessions: Sessions) -> Sessions:
    engine = sessions.kw["bind"].execution_options(isolation_level="AUTOCOMMIT")
    return sessionmaker(engine, expire_on_commit=False)


def reading(sessions: Sessions) -> Session:
    """A session for questions alone: each sees what is committed by then, as it would in any transaction of ours, and
    none has to be begun and ended for it."""
    return _without_transactions(sessions)()


@contextmanager
def transaction(sessions: Sessions, point: str) -> Iterator[Session]:
    """One transaction of the path, between its failpoints `<point>.written` and `<point>.committed`."""
    with sessions.begin() as session:
        yield session
        session.flush()
        rows.write(session)
        reach(f"{point}.written")
    reach(f"{point}.committed")


def is_away(error: BaseException) -> bool:
    """Whether this error says that the database cannot be reached, rather than that it refused."""
    if isinstance(error, AWAY):
        return True
    state = getattr(getattr(error, "orig", None), "sqlstate", None)
    return isinstance(error, DBAPIError) and (error.connection_invalidated or state in READ_ONLY)


def is_outage(error: BaseException) -> bool:
    """Whether no statement of anybody can be done now: the database is gone, full, read-only, or takes nobody in.

    What the database did refuse to this statement alone, such as a deadlock or a time-out, is none.
    """
    state = getattr(getattr(error, "orig", None), "sqlstate", None)
    if isinstance(error, DBAPIError) and state:
        return error.connection_invalidated or state in READ_ONLY or state.startswith(OUT_OF_ORDER)
    return is_away(error)


def is_locked_out(error: BaseException) -> bool:
    """Whether somebody held what this needed, for longer than it may wait: the same may well work a little later."""
    return isinstance(error, OperationalError) and isinstance(error.orig, LockNotAvailable | DeadlockDetected)


def is_full(error: BaseException) -> bool:
    """Whether this error says that the database's disk is full."""
    return isinstance(error, DBAPIError) and isinstance(error.orig, psycopg.errors.DiskFull)


def is_conflict(error: BaseException) -> bool:
    """Whether the transaction was undone for another's sake: it is as good as never begun, and may be made again."""
    return isinstance(error, OperationalError) and isinstance(error.orig, CONFLICTS)


def attempts() -> Iterable[stamina.Attempt]:
    """Tries of what must be whole transactions: one that was undone for another's sake is made again, soon."""
    return stamina.retry_context(on=is_conflict, attempts=6, wait_initial=0.02, wait_max=0.5, wait_jitter=0.1)


def transact(sessions: Sessions, work: Callable[[Session], T], point: str) -> T:
    """Do it in one transaction, and again where that had to give way; `work` changes nothing but the database.

    `point` names its failpoints, as for `transaction`.
    """
    for attempt in attempts():
        with attempt, transaction(sessions, point) as session:
            return work(session)
    raise AssertionError("the last attempt returns or raises")
