"""What the views work with, made once by `create_app`."""

from __future__ import annotations

from dataclasses import dataclass

from flask import current_app

from config.settings import Intake, Web
from tasks.database import Sessions
from tasks.intake.room import Room
from web.cursors import Cursors
from web.events import Streams
from web.metrics import Metrics
from web.principals import Principals
from web.refusals import Refusals
from web.rpc import Services

EXTENSION = "pranala"


@dataclass(frozen=True)
class Front:
    """The front API's settings and its neighbours."""

    settings: Web
    intake_settings: Intake
    intake: Sessions
    room: Room
    services: Services
    principals: Principals
    refusals: Refusals
    cursors: Cursors
    metrics: Metrics
    streams: Streams


def front() -> Front:
    """The running app's."""
    found: Front = current_app.extensions[EXTENSION]
    return found
