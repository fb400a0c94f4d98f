"""Which message goes to which handler of links, with real adapters."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

from config.settings import Database, Links, load
from tasks import database
from tasks.links import handlers
from tasks.links.fetch import Engine, EngineSettings
from tasks.links.messages import CheckLinks, LeaseDueLinks
from tasks.links.models import OUTBOX
from tasks.service import Service


def build(environ: Mapping[str, str]) -> Service:
    """Links, ready to be run by a worker. One engine does all transfers of the process."""
    settings = load(Links, environ)
    sessions = database.connect(load(Database, environ, "links").url, "pranala links")
    engine = Engine(engine_settings(settings))
    return Service(
        name="links",
        sessions=sessions,
        outbox=OUTBOX,
        handlers={
            CheckLinks: partial(handlers.check_links, sessions=sessions, checker=engine, settings=settings),
            LeaseDueLinks: partial(handlers.lease_due, sessions=sessions, settings=settings),
        },
        stop=engine.close,
    )


def engine_settings(settings: Links) -> EngineSettings:
    """The engine's share of the settings."""
    return EngineSettings(
        allow_networks=settings.allow_networks,
        host_concurrency=settings.host_concurrency,
        host_interval_ms=settings.host_interval_ms,
        connect_timeout_s=settings.connect_timeout_s,
        total_timeout_s=settings.total_timeout_s,
        retries=settings.retries,
        ca_file=settings.ca_file,
        user_agent=settings.user_agent,
    )
