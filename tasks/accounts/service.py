"""What accounts is made of: a database and an outbox. Nothing is asked of it over the broker."""

from __future__ import annotations

from collections.abc import Mapping

from config.settings import Database, load
from tasks import database
from tasks.accounts.models import OUTBOX
from tasks.service import Service


def build(environ: Mapping[str, str]) -> Service:
    """Accounts, ready to be asked over RPC or at the command line."""
    sessions = database.connect(load(Database, environ, "accounts").url, "pranala accounts")
    return Service(name="accounts", sessions=sessions, outbox=OUTBOX, handlers={})
