"""Messages: frozen dataclasses whose class name is task name, routing key and contract."""

from __future__ import annotations

import hashlib
import re
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar, TypeVar

import msgspec
import uuid_utils

M = TypeVar("M", bound="Message")

# The header that says it, and the first field of the body where it is not 1.
VERSION = "version"
_VERSION = re.compile(rf'\{{"{VERSION}":(\d{{1,9}})[,}}]')
# Where RFC 9562 has the version and variant of a UUID, and what a UUIDv7 has there.
_VERSION_AND_VARIANT, _SEVEN = 0xF << 76 | 0b11 << 62, 7 << 76 | 0b10 << 62


@dataclass(frozen=True)
class Message:
    """What services say to each other. Carries ids and facts, never objects; unknown fields are ignored on receipt."""

    # Events are announced to whoever listens; everything else is asked of the one service that owns the queue.
    is_event: ClassVar[bool] = False
    # One more with every change that a receiver of before would misunderstand. A new field with a default is none.
    version: ClassVar[int] = 1

    @classmethod
    def name(cls) -> str:
        """The task name and, for an event, the routing key."""
        return cls.__name__

    @classmethod
    def upgraded(cls, fields: Mapping[str, Any], version: int) -> Mapping[str, Any]:
        """The fields of an older version as this one has them. A class of version 2 or more says how."""
        return fields


@dataclass(frozen=True)
class Event(Message):
    """Something that happened, told to whoever listens. `event_id` stays the same over every delivery."""

    is_event: ClassVar[bool] = True


class TooNew(Exception):
    """The message is of a version that this code does not know. A newer receiver can do it."""


def encode(message: Message) -> str:
    """The message as JSON, which says its version wherever it is kept."""
    fields = msgspec.json.encode(message).decode()
    return fields if message.version == 1 else _marked(fields, message.version)


def decode(kind: type[M], fields: Mapping[str, Any], version: int = 1) -> M:
    """The message from parsed JSON of this version.

    Raises `TooNew`, or `msgspec.ValidationError` naming the field that does not fit.
    """
    if version > kind.version:
        raise TooNew(f"message version {version}, this worker knows {kind.version}")
    return msgspec.convert(dict(fields if version == kind.version else kind.upgraded(fields, version)), kind)


def version_of(body: str) -> int:
    """The version of a message as `encode` wrote it."""
    found = _VERSION.match(body)
    return int(found[1]) if found else 1


def _marked(fields: str, version: int) -> str:
    begin = f'{{"{VERSION}":{version}'
    return f"{begin}{fields[1:]}" if fields == "{}" else f"{begin},{fields[1:]}"


def new_id() -> uuid.UUID:
    """A UUIDv7: unique, and sorted by the time it was made."""
    return uuid.UUID(int=uuid_utils.uuid7().int)


def first_id(at: datetime) -> uuid.UUID:
    """No UUIDv7 of this millisecond or later is less."""
    return uuid.UUID(int=int(at.timestamp() * 1000) << 80)


def derived_id(parent: uuid.UUID, other: uuid.UUID) -> uuid.UUID:
    """An id that is always the same for these two, sorted by the time of `parent`, a UUIDv7."""
    hashed = hashlib.sha256(parent.bytes + other.bytes).digest()
    value = int.from_bytes(parent.bytes[:8] + hashed[:8], "big")
    return uuid.UUID(int=value & ~_VERSION_AND_VARIANT | _SEVEN)
