"""Brings every database whose URL is given to the newest schema: `python -m workers.migrate`."""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

import stamina
import structlog
from alembic import command
from alembic.config import Config

from config import logging
from config.settings import SERVICES, Database, Logging, SettingsError, load
from tasks.database import is_away, is_locked_out

log = structlog.get_logger(__name__)

HISTORIES = Path(__file__).parent.parent / "migrations"
PATIENCE_S = 60.0
# For a table that somebody holds: a report or a backup may take its time. Between two tries everybody else has it.
LOCKED_PATIENCE_S = 1800.0
LOCKED_WAIT_S = (1.0, 10.0)


def history(service: str, url: str) -> Config:
    """Alembic's configuration of one service's history."""
    config = Config()
    config.set_main_option("script_location", str(HISTORIES))
    config.set_main_option("version_locations", str(HISTORIES / service / "versions"))
    config.set_main_option("path_separator", "newline")
    config.attributes.update(service=service, url=url)
    return config


def upgrade(service: str, url: str) -> None:
    """Wait until the database answers, then migrate it; two at once wait for each other.

    Revisions are short of patience with the locks that they need (see `migrations.env`), so that nobody has to wait
    behind them; one that does not get its lock is tried again, after those before it that are done.
    """
    first, longest = LOCKED_WAIT_S
    for attempt in stamina.retry_context(
        on=_is_locked_out, attempts=None, timeout=LOCKED_PATIENCE_S, wait_initial=first, wait_max=longest
    ):
        with attempt:
            _upgrade(service, url)
    log.info("migrated", database=service)


def _upgrade(service: str, url: str) -> None:
    for attempt in stamina.retry_context(
        on=_is_only_away, attempts=None, timeout=PATIENCE_S, wait_initial=0.1, wait_max=1
    ):
        with attempt:
            command.upgrade(history(service, url), "head")


def _is_locked_out(error: Exception) -> bool:
    if is_locked_out(error):
        log.info("migration waits for a lock", error=str(error).splitlines()[0])
        return True
    return False


def _is_only_away(error: Exception) -> bool:
    return is_away(error) and not is_locked_out(error)


def main(environ: Mapping[str, str] = os.environ) -> None:
    """Migrate each database in turn."""
    logging.configure(load(Logging, environ))
    for service in SERVICES:
        with suppress(SettingsError):
            upgrade(service, load(Database, environ, service).url)


if __name__ == "__main__":
    main()
