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
from collections.abc import Mapping
from contextlib import suppress
from functools import partial

import psycopg
import structlog
from sqlalchemy.engine import make_url

from config import collector, logging
from config.settings import SERVICES, Broker, Database, Logging, Relaying, SettingsError, load
from tasks import database, outbox, publishing
from workers import metrics
from workers.ready import Ready
from workers.sending import IN_FLIGHT, Relay

log = structlog.get_logger(__name__)

# A notification may be lost with its connection; the outbox is looked at this often all the same.
POLL_S = 1.0
# What is committed within so little time is sent together, which makes it much cheaper. The first is not held up.
GATHER_S = 0.04
# Where so much was sent at once there is a crowd: then it pays to wait for more.
CROWD, CROWD_GATHER_S = 8, 0.1
# A commit that a crash undoes is sent again.
SESSION = ("synchronous_commit=off",)


def run(relay: Relay, database_url: str, ended: threading.Event) -> None:
    """Send whenever a commit wakes us, and at least every `POLL_S`."""
    while not ended.is_set():
        try:
            with psycopg.connect(_plain(database_url), autocommit=True, **database.PATIENCE) as listener:
                listener.execute(f"LISTEN {outbox.CHANNEL}")
                while not ended.is_set():
                    began = time.monotonic()
                    crowded = relay.send_all(ended) >= CROWD
                    # One wake-up answers for every commit that came meanwhile.
                    list(listener.notifies(timeout=POLL_S, stop_after=1))
                    gather_s = CROWD_GATHER_S if crowded else GATHER_S
                    ended.wait(max(0.0, began + gather_s - time.monotonic()))
        except psycopg.Error as error:
            log.warning("database away", error=str(error))
            ended.wait(1.0)
    relay.close()


def _plain(url: str) -> str:
    return make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)


def start(environ: Mapping[str, str], ended: threading.Event) -> list[threading.Thread]:
    """A thread for each service whose database is given."""
    broker_url, settings = load(Broker, environ).url, load(Relaying, environ)
    threads, tables = [], {}
    for service in SERVICES:
        with suppress(SettingsError):
            url = load(Database, environ, service).url
            models = importlib.import_module(f"tasks.{service}.models")
            sessions = database.connect(url, f"pranala relay {service}", pool_size=IN_FLIGHT, settings=SESSION)
            tables[service] = sessions, models.Outbox.__table__
            connect = partial(publishing.connect, broker_url)
            relay = Relay(service, sessions, models.Outbox.__table__, connect, settings.kept_s)
            threads.append(threading.Thread(target=run, args=(relay, url, ended), name=service, daemon=True))
    metrics.Outboxes(tables)
    metrics.serve(environ)
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
    collector.spare()
    log.info("relaying", outboxes=[thread.name for thread in threads])
    ready = Ready(os.environ)
    ready.say()
    while not ended.wait(1.0):
        if not all(thread.is_alive() for thread in threads):
            raise SystemExit("an outbox's thread died; its last log line says why")
    ready.unsay()
    deadline = time.monotonic() + 5
    for thread in threads:
        thread.join(max(0.1, deadline - time.monotonic()))


if __name__ == "__main__":
    main()
