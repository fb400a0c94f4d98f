"""A sign of life on disk, for probes that must not cost a broker round trip.

`<name>.ready` exists while the worker consumes; `<name>.beat` is touched every two seconds by the worker's timer. While
the broker is away neither moves and `ready` is gone, so a probe that asks "ready and stale?" never kills a worker for
its broker's fault.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from celery import bootsteps

INTERVAL_S = 2.0


class Heartbeat(bootsteps.StartStopStep):
    """Touches the files while the consumer runs. Off unless PRANALA_HEARTBEAT_DIR names a folder."""

    requires = ("celery.worker.consumer.tasks:Tasks",)

    def __init__(self, parent: Any, **options: Any) -> None:
        super().__init__(parent, **options)
        self._timer: Any = None
        folder = os.environ.get("PRANALA_HEARTBEAT_DIR", "")
        name = os.environ.get("PRANALA_SERVICE_NAME", "worker")
        self._ready = Path(folder, f"{name}.ready") if folder else None
        self._beat = Path(folder, f"{name}.beat") if folder else None

    def start(self, parent: Any) -> None:
        """The consumer reads its queues."""
        if not (self._ready and self._beat):
            return
        self._beat.touch()
        self._ready.touch()
        self._timer = parent.timer.call_repeatedly(INTERVAL_S, self._beat.touch)

    def stop(self, parent: Any) -> None:
        """The connection is lost or the worker ends."""
        if self._timer:
            self._timer.cancel()
            self._timer = None
        if self._ready:
            self._ready.unlink(missing_ok=True)
