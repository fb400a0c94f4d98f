"""Which message goes to which handler of links, with real adapters."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

from config.settings import LINKS_KEY, Database, Links, LinksKey, load
from tasks import database
from tasks.links import handlers
from tasks.links.connectivity import Connectivity
from tasks.links.fetch import Engine, EngineSettings
from tasks.links.flights import Flights
from tasks.links.messages import CancelParts, CheckLinks, LeaseDueLinks, RollUpChecks
from tasks.links.models import OUTBOX
from tasks.service import Service
from tasks.vault import Vault


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
            CheckLinks: partial(
                handlers.check_links,
                sessions=sessions,
                checker=engine,
                settings=settings,
                connectivity=Connectivity(settings.connectivity_probes),
                flights=Flights(settings.redis_url),
                vault=Vault(load(LinksKey, environ).key, LINKS_KEY),
            ),
            CancelParts: partial(handlers.cancel_parts, sessions=sessions),
            LeaseDueLinks: partial(handlers.lease_due, sessions=sessions, settings=settings),
            RollUpChecks: partial(handlers.roll_up, sessions=sessions),
        },
        stop=engine.close,
    )


def engine_settings(settings: Links) -> EngineSettings:
    """The engine's share of the settings."""
    return EngineSettings(
        allow_networks=settings.allow_networks,
        host_concurrency=settings.host_concurrency,
        host_interval_ms=settings.host_interval_ms,
        backoff_cap_s=settings.backoff_cap_s,
        backoff_patience_s=settings.backoff_patience_s,
        redis_url=settings.redis_url,
        connect_timeout_s=settings.connect_timeout_s,
        total_timeout_s=settings.total_timeout_s,
        retries=settings.retries,
        ca_file=settings.ca_file,
        user_agent=settings.user_agent,
        fragments=settings.fragments,
        tls_warn_days=settings.tls_warn_days,
        slow_ms=settings.slow_ms,
        suggest_https=settings.suggest_https,
        soft_404=settings.soft_404,
        robots=settings.robots,
    )
