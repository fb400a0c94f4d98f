"""The beat: tells each service that time has passed: `celery -A workers.beat beat`.

A tick is a query over a table, and doing it twice does nothing twice, so two beats do no harm and a lost tick is made
good by the next.
"""

import os

from celery import Celery, signals

from config import logging
from config.settings import Beat, Broker, Logging, load
from tasks.intake.messages import SweepSubmissions
from tasks.links.messages import LeaseDueLinks
from tasks.notifications.messages import RetryDeliveries
from workers.app import configuration

TICKS = {
    SweepSubmissions: "intake",
    LeaseDueLinks: "links.scheduled",
    RetryDeliveries: "notifications",
}


def make_beat() -> Celery:
    """A Celery app that only sends ticks. They do not expire: what expires in a queue becomes a dead letter."""
    tick_s = load(Beat, os.environ).tick_s
    log_settings = load(Logging, os.environ)
    signals.setup_logging.connect(lambda **_: logging.configure(log_settings), weak=False)
    beat = Celery("beat")
    beat.conf.update(configuration(tuple(TICKS.values()), load(Broker, os.environ).url))
    beat.conf.beat_schedule = {
        tick.name(): {
            "task": tick.name(),
            "schedule": tick_s,
            "options": {
                "exchange": JOBS.name,
                "routing_key": queue,
                "expires": max(tick_s, 5),
                "retry": False,
            },
        }
        for tick, queue in TICKS.items()
    }
    beat.conf.beat_max_loop_interval = tick_s
    return beat


app = make_beat()
