"""What accounts announces."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime

from tasks.wire import Event


@dataclass(frozen=True)
class KeyCreated(Event):
    """An API key was made. The key itself is never told."""

    event_id: uuid.UUID
    workspace_id: uuid.UUID
    key_id: uuid.UUID
    key_name: str
    scopes: tuple[str, ...]
    occurred_at: datetime
    # Who made it.
    actor: str = "operator"
