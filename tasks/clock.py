"""What time it is: the database's, which all processes of a service ask, whatever their own machines believe.

Between two askings the time is counted on by a clock that nobody sets, so that a machine whose clock jumps neither
leases work that is not due nor believes that a failure has lasted for an hour.
"""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta

import psycopg
from sqlalchemy import Engine, event
from sqlalchemy.exc import DisconnectionError

ASK_AFTER_S = 60.0
# Goes on while the machine sleeps, where there is such a clock.
_STEADY = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)


class Clock:
    """Tells the time of a server that was asked a while ago; until then the machine's own."""

    def __init__(self) -> None:
        self._asked_s = float("-inf")
        self._zero = datetime.now(UTC) - timedelta(seconds=steady_s())

    def now(self) -> datetime:
        """The time, in UTC."""
        return self._zero + timedelta(seconds=steady_s())

    @property
    def is_old(self) -> bool:
        """Whether the server should be asked again."""
        return steady_s() - self._asked_s > ASK_AFTER_S

    def set(self, told: datetime) -> None:
        """Go by what the server has just told."""
        self._asked_s = steady_s()
        self._zero = told.astimezone(UTC) - timedelta(seconds=self._asked_s)


def steady_s() -> float:
    """Seconds on a clock that only ever goes on; its zero means nothing."""
    return time.clock_gettime(_STEADY)


# One for the process: its databases are one server's, or servers that are kept in step.
_OURS = Clock()


def now() -> datetime:
    """The time, in UTC, as the database tells it."""
    return _OURS.now()


def follow(engine: Engine) -> None:
    """Ask this database for the time, now and then, when a connection to it is taken."""
    event.listen(engine, "checkout", _ask)


def _ask(connection: psycopg.Connection, *_: object) -> None:
    if not _OURS.is_old:
        return
    try:
        row = connection.execute("SELECT clock_timestamp()").fetchone()
        connection.rollback()
    except psycopg.Error as error:
        raise DisconnectionError(str(error)) from error
    if row:
        _OURS.set(row[0])
