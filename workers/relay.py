"""The relay: sends every outbox it holds the credentials of, a thread each, and forgets what the broker confirmed.

Several may run: a row that one has claimed is passed over by the others. A lost broker or database stops nothing but
the sending; the rows stay, and so does the relay.
"""

from __future__ import annotations

import importlib
import os
import signal
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress

import psycopg
import structlog
from sqlalchemy import Table
from sqlalchemy.engine import make_url
from sqlalchemy.exc import SQLAlchemyError

from config import logging
from config.settings import SERVICES, Broker, Database, Logging, SettingsError, load
from tasks import database, outbox, publishing

log = structlog.get_logger(__name__)

BATCH = 500
# A notification may be lost with its connection; the outbox is looked at this often all the same.
POLL_S = 1.0
BACKOFF_S = (0.2, 0.5, 1.0, 2.0, 5.0)


class Relay:
    """Empties one service's outbox into the broker."""

    def __init__(
        self,
        service: str,
        sessions: database.Sessions,
        table: Table,
        connect: Callable[[], publishing.Publisher],
    ) -> None:
        self._log = log.bind(outbox=service)
        self._sessions = sessions
        self._table = table
        self._connect = connect
        self._publisher: publishing.Publisher | None = None
        self._failures = 0

    def send_batch(self) -> int:
        """Send one batch and settle what was confirmed; returns how many were settled.

        The rows stay locked while the confirms come in. A crash in between sends them again: receivers know them.
        """
        with self._sessions.begin() as session:
            letters = outbox.claim(session, self._table, BATCH)
            if not letters:
                return 0
            if self._publisher is None:
                self._publisher = self._connect()
            needless = [letter for letter in letters if letter.body is None]
            taken = self._publisher.publish([letter for letter in letters if letter.body is not None])
            outbox.settle(session, self._table, [letter.id for letter in (*taken, *needless)])
        for letter_id, reason in self._publisher.refused.items():
            self._log.error("not routed", letter=letter_id, reason=reason)
        return len(taken) + len(needless)

    def send_all(self, ended: threading.Event) -> None:
        """Send until the outbox is empty, or something it needs is away."""
        try:
            while not ended.is_set() and self.send_batch():
                self._failures = 0
        except (publishing.PublishError, SQLAlchemyError) as error:
            self._give_up(error, ended)

    def close(self) -> None:
        """Let the broker's connection go."""
        if self._publisher is not None:
            with suppress(Exception):
                self._publisher.close()
            self._publisher = None

    def _give_up(self, error: Exception, ended: threading.Event) -> None:
        self._log.warning("cannot send", error=str(error))
        self.close()
        ended.wait(BACKOFF_S[min(self._failures, len(BACKOFF_S) - 1)])
        self._failures += 1


def run(relay: Relay, database_url: str, ended: threading.Event) -> None:
    """Send whenever a commit wakes us, and at least every `POLL_S`."""
    while not ended.is_set():
        try:
            with psycopg.connect(_plain(database_url), autocommit=True, connect_timeout=5) as listener:
                listener.execute(f"LISTEN {outbox.CHANNEL}")
                while not ended.is_set():
                    relay.send_all(ended)
                    # One wake-up answers for every commit that came meanwhile.
                    list(listener.notifies(timeout=POLL_S, stop_after=1))
        except psycopg.Error as error:
            log.warning("database away", error=str(error))
            ended.wait(1.0)
    relay.close()


def _plain(url: str) -> str:
    return make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)


def start(environ: Mapping[str, str], ended: threading.Event) -> list[threading.Thread]:
    """A thread for each service whose database is given."""
    broker_url = load(Broker, environ).url
    threads = []
    for service in SERVICES:
        with suppress(SettingsError):
            url = load(Database, environ, service).url
            models = importlib.import_module(f"tasks.{service}.models")
            sessions = database.connect(url, f"pranala relay {service}", pool_size=2)
            relay = Relay(service, sessions, models.Outbox.__table__, lambda: publishing.connect(broker_url))
            threads.append(threading.Thread(target=run, args=(relay, url, ended), name=service, daemon=True))
    for thread in threads:
        thread.start()
    return threads


def main() -> None:
    """Relay until told to stop; what is being sent is finished first. A thread that dies takes the process with it."""
    logging.configure(load(Logging, os.environ))
    ended = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: ended.set())
    threads = start(os.environ, ended)
    if not threads:
        raise SettingsError("no PRANALA_<SERVICE>_DATABASE_URL is set: there is no outbox to relay")
    log.info("relaying", outboxes=[thread.name for thread in threads])
    while not ended.wait(1.0):
        if not all(thread.is_alive() for thread in threads):
            raise SystemExit("an outbox's thread died; its last log line says why")
    deadline = time.monotonic() + 5
    for thread in threads:
        thread.join(max(0.1, deadline - time.monotonic()))


if __name__ == "__main__":
    main()
