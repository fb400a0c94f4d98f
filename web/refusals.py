"""Refused requests, told to audit: as far as can be done without letting strangers fill the database."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import structlog
from sqlalchemy.exc import SQLAlchemyError

from tasks.database import Sessions
from tasks.intake.room import Room
from tasks.intake.submissions import Caller, record_refusal

log = structlog.get_logger(__name__)

BURST = 200.0
PER_S = 10.0


class Refusals:
    """Records refusals, at most `PER_S` a second in the long run; those beyond are only logged."""

    def __init__(self, intake: Sessions, room: Room, clock: Callable[[], float] = time.monotonic) -> None:
        self._intake = intake
        self._room = room
        self._clock = clock
        self._lock = threading.Lock()
        self._left = BURST
        self._counted_at = clock()

    def record(
        self, action: str, reason: str, caller: Caller | None, ip: str, user_agent: str, request_id: str
    ) -> None:
        """Best effort: a refusal stands whether or not it could be recorded."""
        log.warning("refused", action=action, reason=reason, ip=ip, actor=caller.actor if caller else None)
        if not self._may():
            return
        try:
            with self._intake.begin() as session:
                if self._room.lack(session):
                    return
                record_refusal(session, action, reason, caller, ip, user_agent, request_id)
        except SQLAlchemyError as error:
            log.warning("refusal not recorded", error=str(error))

    def _may(self) -> bool:
        with self._lock:
            now = self._clock()
            self._left = min(BURST, self._left + (now - self._counted_at) * PER_S)
            self._counted_at = now
            if self._left < 1:
                return False
            self._left -= 1
            return True
