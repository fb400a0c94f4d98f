"""The beat: tells each service that time has passed: `celery -A workers.beat beat`.

A tick is a query over a table, and doing it twice does nothing twice, so two beats do no harm and a lost tick is made
good by the next.
"""

import os

from celery import Celery, signals
from celery.schedules import schedule

from config import logging
from config.settings import Beat, Broker, Logging, load
from tasks import clock
from workers.app import configuration
from workers.ticks import TICKS


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
            # By a clock that nobody sets: one set back by an hour would end the ticks for an hour.
            "schedule": schedule(tick_s, nowfun=clock.now),
            # Retrying is what replaces a lost connection; once is enough, the next tick comes soon.
            "options": {"queue": queue, "retry": True, "retry_policy": {"max_retries": 1, "interval_start": 0}},
        }
        for tick, queue in TICKS.items()
    }
    beat.conf.beat_max_loop_interval = tick_s
    # Celery's usual one keeps a file of when it ticked last, by the clock that the machine had then.
    beat.conf.beat_scheduler = "celery.beat:Scheduler"
    return beat


app = make_beat()
