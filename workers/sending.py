"""Empties one service's outbox into the broker: a batch is claimed and sent while the one before is confirmed."""

from __future__ import annotations

import threading
import time
import uuid
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime

import structlog
from sqlalchemy import Table
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from config.failpoints import reach
from tasks import bundles, copies, counted, database, outbox
from tasks.confirms import Batch
from tasks.outbox import FIRST, Letter
from tasks.publishing import Publisher, PublishError

log = structlog.get_logger(__name__)

BATCH = 500
IN_FLIGHT = 2
# Of messages that the broker has not confirmed.
WINDOW = BATCH * IN_FLIGHT
# The outbox is looked through from its beginning this often at least, however much there is to send.
ROUND_S = 1.0
# The broker is asked to speak this often at least.
WORK_S = 1.0
# Rows stay locked so long at most while the broker is silent or takes nothing; another relay may then send them, too.
HOLD_S = 3.0
CONFIRM_TIMEOUT_S = 15.0
FORGET_S = 60.0
BACKOFF_S = (0.2, 0.5, 1.0, 2.0, 5.0)


class Flight:
    """Rows that are claimed, and the batch in which they were sent; `session` is None once the claim is given up."""

    def __init__(self, session: Session, letters: list[Letter]) -> None:
        self.session: Session | None = session
        self.needless = [letter for letter in letters if letter.body is None]
        self.parcels = bundles.pack([letter for letter in letters if letter.body is not None])
        self.batch = Batch([])
        self._since = time.monotonic()

    @property
    def age_s(self) -> float:
        """Seconds since the claim."""
        return time.monotonic() - self._since

    @property
    def taken(self) -> list[Letter]:
        """What reached a queue."""
        return self.parcels.of(self.batch.taken)

    def release(self) -> None:
        """Unlock the rows. What was sent may still be confirmed."""
        if self.session:
            self.session.close()
            self.session = None


class Relay:
    """Sends what one outbox holds; not for use by two threads at once."""

    def __init__(
        self,
        service: str,
        sessions: database.Sessions,
        table: Table,
        connect: Callable[[], Publisher],
        kept_s: float = 3600.0,
    ) -> None:
        self._service = service
        self._log = log.bind(outbox=service)
        self._sessions = sessions
        self._table = table
        self._connect = connect
        self._kept_s = kept_s
        self._marker = f"pranala.remembers.{service}"
        self._connected_at: datetime | None = None
        self._forget_at = time.monotonic() + FORGET_S
        self._publisher: Publisher | None = None
        self._flights: deque[Flight] = deque()
        self._failures = 0
        self._after = FIRST
        self._began = time.monotonic()

    def send_all(self, ended: threading.Event) -> int:
        """Send until the outbox is empty, or something it needs is away; returns how many messages were taken.

        To be called every second, so that a connection that is idle is known to be alive. A crash sends again what was
        under way: receivers know it.
        """
        taken = 0
        try:
            if self._publisher is None:
                self._publisher = self._connect()
                self._greet(self._publisher)
            self._publisher.work(0)
            while self._claim(self._publisher, ended) or self._flights:
                self._publisher.work(WORK_S)
                taken += self._settle()
                self._hold_no_longer(self._publisher)
                if self._publisher.is_blocked and ended.is_set():
                    break
            self._forget()
        except (PublishError, SQLAlchemyError) as error:
            self._give_up(error, ended)
        self._after = FIRST
        return taken

    def close(self) -> None:
        """Let the broker's connection go, and the rows."""
        while self._flights:
            self._flights.popleft().release()
        if self._publisher is not None:
            with suppress(Exception):
                self._publisher.close()
            self._publisher = None

    def _greet(self, publisher: Publisher) -> None:
        """Send again what this broker has forgotten, if it has."""
        counted.CONNECTED.labels(self._service).inc()
        if not self._kept_s:
            return
        is_new = not publisher.remembers(self._marker)
        with self._sessions.begin() as session:
            self._connected_at = copies.now(session)
            again = copies.put_back(session, is_new)
        if is_new:
            publisher.remind(self._marker)
        counted.PUT_BACK.labels(self._service).inc(again)
        if again:
            self._log.warning("broker lost its memory", batches_sent_again=again)

    def _forget(self) -> None:
        """Drop old copies, now and then."""
        if time.monotonic() < self._forget_at:
            return
        with self._sessions.begin() as session:
            copies.forget(session, self._kept_s)
        self._forget_at = time.monotonic() + FORGET_S

    def _claim(self, publisher: Publisher, ended: threading.Event) -> bool:
        """Send another batch if there is room for one; whether one was sent."""
        if ended.is_set() or publisher.is_blocked or len(self._flights) >= IN_FLIGHT:
            return False
        if any(flight.session is None for flight in self._flights):
            # Its rows would be claimed and sent once more.
            return False
        session = self._sessions()
        letters = outbox.claim(session, self._table, BATCH, self._after)
        if not letters:
            session.close()
            return False
        reach("relay.claimed")
        self._flights.append(flight := Flight(session, letters))
        flight.batch = publisher.send(flight.parcels.letters)
        self._go_on_after(letters[-1].id)
        return True

    def _go_on_after(self, last: uuid.UUID) -> None:
        """What was refused must not hold up what comes after it, and has its turn again soon, as have late commits."""
        now = time.monotonic()
        if now - self._began > ROUND_S:
            self._began, last = now, FIRST
        self._after = last

    def _settle(self) -> int:
        """Forget what was decided, in the order of sending; returns how many messages were taken."""
        taken = 0
        while self._flights and self._flights[0].batch.is_decided:
            flight = self._flights[0]
            reach("relay.confirmed")
            sent = flight.taken
            with flight.session or self._sessions() as session:
                held = flight.session is not None
                copies.settle(session, self._table, [*sent, *flight.needless], self._connected_at, held)
                reach("relay.settled")
                session.commit()
            reach("relay.committed")
            self._flights.popleft()
            self._failures = 0
            taken += len(sent)
            counted.SENT.labels(self._service).inc(len(sent))
            for letter_id, reason in flight.batch.refused.items():
                counted.REFUSED.labels(self._service).inc()
                self._log.error("not routed", letter=str(letter_id), reason=reason)
        return taken

    def _hold_no_longer(self, publisher: Publisher) -> None:
        """Unlock rows that the broker leaves undecided for long."""
        for flight in self._flights:
            if publisher.is_blocked or flight.age_s > HOLD_S:
                flight.release()
            if not publisher.is_blocked and flight.age_s > CONFIRM_TIMEOUT_S:
                raise PublishError(f"the broker confirmed nothing for {CONFIRM_TIMEOUT_S:.0f} s")

    def _give_up(self, error: Exception, ended: threading.Event) -> None:
        self._log.warning("cannot send", error=str(error))
        self.close()
        ended.wait(BACKOFF_S[min(self._failures, len(BACKOFF_S) - 1)])
        self._failures += 1
