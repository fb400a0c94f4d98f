"""A sign of life on disk, for probes that must not cost a broker round trip.

`<name>.ready` exists while the worker consumes; `<name>.beat` is touched every two seconds by the worker's timer. While
the broker is away neither moves and `ready` is gone, so a probe that asks "ready and stale?" never kills a worker for
its broker's fault.
"""

from __future__ import annotations

import os
from typing import Any

from celery import bootsteps

from workers.ready import Ready

INTERVAL_S = 2.0


class Heartbeat(bootsteps.StartStopStep):
    """Touches the files while the consumer runs. Off unless PRANALA_HEARTBEAT_DIR names a folder."""

    requires = ("celery.worker.consumer.tasks:Tasks",)

    def __init__(self, parent: Any, **options: Any) -> None:
        super().__init__(parent, **options)
        self._timer: Any = None
        self._ready = Ready(os.environ)
        self._beat = self._ready.path.with_suffix(".beat") if self._ready.path else None

    def start(self, parent: Any) -> None:
        """The consumer reads its queues."""
        if not self._beat:
            return
        self._beat.touch()
        self._ready.say()
        self._timer = parent.timer.call_repeatedly(INTERVAL_S, self._beat.touch)

    def stop(self, parent: Any) -> None:
        """The connection is lost or the worker ends."""
        if self._timer:
            self._timer.cancel()
            self._timer = None
        self._ready.unsay()
