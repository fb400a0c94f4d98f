"""A file that exists while a process does its work, for whoever waits until it does: `<name>.ready`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path


class Ready:
    """Does nothing unless PRANALA_HEARTBEAT_DIR names a folder."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        folder = environ.get("PRANALA_HEARTBEAT_DIR", "")
        name = environ.get("PRANALA_SERVICE_NAME", "worker")
        self.path = Path(folder, f"{name}.ready") if folder else None

    def say(self) -> None:
        """It works."""
        if self.path:
            self.path.touch()

    def unsay(self) -> None:
        """It works no more."""
        if self.path:
            self.path.unlink(missing_ok=True)
