"""Whether there is room for more: nothing is accepted that would fill the disk or wait in a jam.

What was accepted is kept, and its work goes on. That makes room, and the room is given back to the disk (`reclaim`).
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

import structlog
from sqlalchemy import text
from sqlalchemy.orm import Session

from config.settings import Intake
from tasks.database import Sessions

log = structlog.get_logger(__name__)

MEASURED_EVERY_S = 1.0
# Counting a long outbox takes a while; it is done for no more than this share of the time.
MEASURED_SHARE = 0.05
# A few messages that no queue takes may be as old as they like: they are no jam.
FEW = 1000
# Tables that are emptied as work is done. PostgreSQL keeps their space until it is told to give it back.
EMPTIED = ("outbox", "sent", "parts", "parts_finished", "idempotency_keys")

_MEASURE = text("""
    SELECT
        (SELECT count(*) FROM (SELECT FROM outbox LIMIT :most) AS waiting),
        (SELECT extract(epoch FROM now() - created_at) FROM outbox ORDER BY id OFFSET :few LIMIT 1),
        CASE WHEN :quota_mb > 0 THEN pg_database_size(current_database()) ELSE 0 END
""")


@dataclass(frozen=True)
class Measured:
    """`waiting` messages, counted no further than matters; age of the jam in seconds; size of the database in bytes."""

    waiting: int
    jam_s: float
    size: int


def measure(session: Session, settings: Intake) -> Measured:
    """As it is now."""
    values = {"most": settings.outbox_most, "few": FEW, "quota_mb": settings.quota_mb}
    waiting, jam_s, size = session.execute(_MEASURE, values).one()
    return Measured(waiting, float(jam_s or 0), size)


def lack(found: Measured, settings: Intake) -> str:
    """What there is too much of, in words for clients; empty where there is room."""
    if _is_over(found.size, settings):
        return f"What is accepted and not yet done takes more than {settings.quota_mb} MiB."
    if settings.outbox_most and found.waiting >= settings.outbox_most:
        return f"{settings.outbox_most} messages or more wait for the broker."
    if settings.outbox_oldest_s and found.jam_s > settings.outbox_oldest_s:
        return f"Messages have waited for the broker for more than {settings.outbox_oldest_s:.0f} s."
    return ""


class Room:
    """What is lacking, measured once a second at most however many ask; one for each process."""

    def __init__(self, settings: Intake, clock: Callable[[], float] = time.monotonic) -> None:
        self._settings = settings
        self._clock = clock
        self._lock = threading.Lock()
        self._next_at = clock()
        self._lack = ""

    def lack(self, session: Session) -> str:
        """In words for clients; empty where there is room."""
        with self._lock:
            began = self._clock()
            if began < self._next_at:
                return self._lack
            # The others go by what was found before.
            self._next_at = began + MEASURED_EVERY_S
        found = lack(measure(session, self._settings), self._settings)
        now = self._clock()
        self._next_at = now + max(MEASURED_EVERY_S, (now - began) / MEASURED_SHARE)
        if found and not self._lack:
            log.warning("no room", lack=found)
        elif self._lack and not found:
            log.info("room again")
        self._lack = found
        return found


def reclaim(sessions: Sessions, settings: Intake) -> None:
    """Give back to the disk what done work has left, where the quota is reached."""
    with sessions() as session:
        if not _is_over(measure(session, settings).size, settings):
            return
    with sessions.kw["bind"].connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        for table in EMPTIED:
            connection.execute(text(f"VACUUM (SKIP_LOCKED) {table}"))


def _is_over(size: int, settings: Intake) -> bool:
    return bool(settings.quota_mb) and size > settings.quota_mb * 2**20
