"""Messages: frozen dataclasses whose class name is task name, routing key and contract."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, TypeVar

import msgspec
import uuid_utils

M = TypeVar("M", bound="Message")


@dataclass(frozen=True)
class Message:
    """What services say to each other. Carries ids and facts, never objects; unknown fields are ignored on receipt."""

    # Events are announced to whoever listens; everything else is asked of the one service that owns the queue.
    is_event: ClassVar[bool] = False

    @classmethod
    def name(cls) -> str:
        """The task name and, for an event, the routing key."""
        return cls.__name__


@dataclass(frozen=True)
class Event(Message):
    """Something that happened, told to whoever listens. `event_id` stays the same over every delivery."""

    is_event: ClassVar[bool] = True


def encode(message: Message) -> str:
    """The message as JSON."""
    return msgspec.json.encode(message).decode()


def decode(kind: type[M], fields: Mapping[str, Any]) -> M:
    """The message from parsed JSON. Raises `msgspec.ValidationError` naming the field that does not fit."""
    return msgspec.convert(dict(fields), kind)


def new_id() -> uuid.UUID:
    """A UUIDv7: unique, and sorted by the time it was made."""
    return uuid.UUID(int=uuid_utils.uuid7().int)
