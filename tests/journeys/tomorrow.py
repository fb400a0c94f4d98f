"""Tomorrow's notifications worker: it knows a message, and a version of one, that today's does not.

`celery -A tests.journeys.tomorrow worker`; what it has done stands in the file that TOMORROW names.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from tasks.database import connect
from tasks.notifications.models import OUTBOX
from tasks.service import Service
from tasks.wire import Message
from workers.app import make_worker


@dataclass(frozen=True)
class RetryDeliveries(Message):
    """Of version 2 it says who is to be tried."""

    version: ClassVar[int] = 2
    who: str = "all"


@dataclass(frozen=True)
class SingToTheDead(Message):
    """Nobody knows it yet."""

    song: str


def build(environ: Mapping[str, str]) -> Service:
    """Handlers that write down what they were asked."""
    done = Path(environ["TOMORROW"])

    def note(message: Message) -> None:
        with done.open("a") as file:
            file.write(f"{message}\n")

    nowhere = connect("postgresql+psycopg://nobody@127.0.0.1:9/nothing")
    return Service("notifications", nowhere, OUTBOX, {RetryDeliveries: note, SingToTheDead: note})


if "TOMORROW" in os.environ:
    app = make_worker(build)
