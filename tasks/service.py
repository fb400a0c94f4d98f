"""What a service is to the worker that runs it: a name, a handler per message, its database and its outbox."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Table

from tasks.database import Sessions
from tasks.wire import Message

Handler = Callable[[Any], None]


@dataclass(frozen=True)
class Told:
    """A message among others, and the trace in which it was sent."""

    message: Any
    traceparent: str = ""


# Does all of them together or none.
BulkHandler = Callable[[Sequence[Told]], None]


def _nothing() -> None:
    return None


@dataclass(frozen=True)
class Service:
    """Built once per process by `tasks.<service>.service.build`."""

    name: str
    sessions: Sessions
    outbox: Table
    handlers: Mapping[type[Message], Handler]
    # Those that can do many messages for little more than the price of one.
    bulk: Mapping[type[Message], BulkHandler] = field(default_factory=dict)
    # Ends whatever the service's adapters run in the background; work in hand raises `ShuttingDown`.
    stop: Callable[[], None] = field(default=_nothing)
