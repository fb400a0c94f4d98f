"""Which message goes to which handler of links, with real adapters."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import Any

from config.settings import LINKS_KEY, Database, Links, LinksKey, load
from tasks import database
from tasks.links import checking, handlers, sitemap
from tasks.links.archive import Archive
from tasks.links.connectivity import Connectivity
from tasks.links.fetch import Engine, EngineSettings
from tasks.links.flights import Flights
from tasks.links.messages import AskArchive, CancelParts, CheckLinks, GatherLinks, LeaseDueLinks, RollUpChecks
from tasks.links.models import OUTBOX
from tasks.service import Service
from tasks.vault import Vault

# For one page or sitemap, which may be many times as large as what is checked.
READ_TIMEOUT_S = 120.0
READ_PATIENCE_S = 30.0


def build(environ: Mapping[str, str]) -> Service:
    """Links, ready to be run by a worker. One engine does all checks of the process; another, which starts with the
    first of them, fetches sources, whose bodies are larger than any that is looked at for a check."""
    settings = load(Links, environ)
    # Many parts wait for their links at once, but few of them write: a part that waits for its turn loses nothing.
    sessions = database.connect(load(Database, environ, "links").url, "pranala links", pool_size=4, patience_s=60.0)
    engine = Engine(engine_settings(settings))
    adapters: dict[str, Any] = {
        "sessions": sessions,
        "checker": engine,
        "settings": settings,
        "connectivity": Connectivity(settings.connectivity_probes),
        "flights": Flights(settings.redis_url),
        "vault": Vault(load(LinksKey, environ).key, LINKS_KEY),
    }
    reader = Engine(reader_settings(settings))

    def stop() -> None:
        engine.close()
        reader.close()

    return Service(
        name="links",
        sessions=sessions,
        outbox=OUTBOX,
        handlers={
            CheckLinks: partial(checking.check_links, **adapters),
            GatherLinks: partial(handlers.gather_links, sessions=sessions, reader=reader, settings=settings),
            CancelParts: partial(handlers.cancel_parts, sessions=sessions),
            LeaseDueLinks: partial(handlers.lease_due, sessions=sessions, settings=settings),
            RollUpChecks: partial(handlers.roll_up, sessions=sessions),
            AskArchive: partial(
                handlers.ask_archive,
                sessions=sessions,
                archive=Archive(settings.wayback_url, reader) if settings.wayback_url else None,
                interval_s=settings.wayback_interval_s,
            ),
        },
        bulk={CheckLinks: partial(checking.check_many, **adapters)},
        stop=stop,
    )


def engine_settings(settings: Links) -> EngineSettings:
    """The engine's share of the settings."""
    return EngineSettings(
        allow_networks=settings.allow_networks,
        allow_ports=settings.allow_ports,
        queue_s=settings.queue_s,
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
        http2=settings.http2,
        mailto=settings.mailto,
    )


def reader_settings(settings: Links) -> EngineSettings:
    """The same guard and the same limits by host, for whole pages and sitemaps."""
    return replace(
        engine_settings(settings),
        total_timeout_s=READ_TIMEOUT_S,
        backoff_patience_s=READ_PATIENCE_S,
        body_cap_bytes=sitemap.LARGEST,
        fragments=False,
        suggest_https=False,
        soft_404=False,
        robots=False,
        slow_ms=0.0,
        tls_warn_days=0.0,
    )
