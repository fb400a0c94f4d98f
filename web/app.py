"""The front API, put together: the only wiring."""

from __future__ import annotations

from functools import partial

from flask import Flask
from werkzeug.middleware.proxy_fix import ProxyFix

from config.settings import Intake, Web
from tasks.database import Sessions
from tasks.intake.room import Room
from web import access, explanations, headers, problems, tracing
from web.api import (
    audit,
    badges,
    batches,
    health,
    incident_groups,
    incidents,
    jobs,
    links,
    monitor,
    notifications,
    policies,
    statistics,
    windows,
)
from web.cursors import Cursors
from web.docs import pages
from web.events import Streams
from web.front import EXTENSION, Front
from web.metrics import Metrics
from web.openapi import describe
from web.principals import Principals
from web.refusals import Refusals
from web.rpc import Services

API = (
    links,
    batches,
    jobs,
    incidents,
    incident_groups,
    windows,
    policies,
    statistics,
    badges,
    notifications,
    audit,
    monitor,
    health,
)


def create_app(settings: Web, intake: Sessions, services: Services, intake_settings: Intake | None = None) -> Flask:
    """The app on its neighbours; nothing is connected before the first request."""
    app = Flask("web", static_folder=None)
    app.url_map.merge_slashes = False
    intake_settings = intake_settings or Intake()
    room = Room(intake_settings)
    front = Front(
        settings=settings,
        intake_settings=intake_settings,
        intake=intake,
        room=room,
        services=services,
        principals=Principals(services.accounts),
        refusals=Refusals(intake, room),
        cursors=Cursors(settings.secret_key),
        metrics=Metrics(),
        streams=Streams(),
    )
    app.extensions[EXTENSION] = front
    _route(app)
    _surround(app, front)
    return app


def _route(app: Flask) -> None:
    api = describe(app)
    for module in API:
        api.register_blueprint(module.blueprint)
    app.register_blueprint(pages(api))
    app.register_blueprint(explanations.pages())


def _surround(app: Flask, front: Front) -> None:
    """What happens before and after every request, from the outside in; the last one registered runs first."""
    for service in front.services.all():
        service.breaker.on_change = partial(front.metrics.circuit, service.name)
    problems.install(app)
    app.before_request(access.admit)
    app.after_request(tracing.finish)
    app.after_request(front.metrics.observe)
    app.after_request(headers.secure)
    app.wsgi_app = tracing.Traced(app.wsgi_app)  # type: ignore[method-assign]  # Flask's own way to add middleware
    if settings := front.settings.trusted_proxies:
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=settings, x_proto=settings)  # type: ignore[method-assign]  # … as above
