"""The front API of this process, from its environment: `gunicorn -c config/gunicorn.py web.wsgi:app`."""

from __future__ import annotations

import os
from collections.abc import Mapping

from flask import Flask

from config import collector, logging
from config.settings import Intake, Logging, Web, load
from tasks import database
from web import rpc
from web.app import create_app

# Batches are written while they are uploaded, and clients may be silent for a while, see `SILENCE_S` of gunicorn.
SESSION = ("idle_in_transaction_session_timeout=40s",)


def from_environment(environ: Mapping[str, str]) -> Flask:
    """The app that these settings describe."""
    logging.configure(load(Logging, environ))
    settings = load(Web, environ)
    sessions = database.connect(settings.intake_database_url, "pranala web", settings=SESSION)
    return create_app(settings, sessions, rpc.connect(settings), load(Intake, environ))


app = from_environment(os.environ)
collector.spare()
