"""Protobuf messages as JSON: times in RFC 3339 UTC, what is unset as null, 64-bit numbers as numbers."""

from __future__ import annotations

from typing import Any

import msgspec
from google.protobuf.json_format import MessageToDict
from google.protobuf.message import Message

TIMESTAMP = "google.protobuf.Timestamp"
STRUCT = "google.protobuf.Struct"


def to_json(message: Message) -> dict[str, Any]:
    """The message with every field of its contract present, under its contract's name; `x_json` is the value of x."""
    return {field.name.removesuffix("_json"): _value(message, field) for field in message.DESCRIPTOR.fields}


def _value(message: Message, field: Any) -> Any:
    value = getattr(message, field.name)
    if field.name.endswith("_json"):
        return msgspec.json.decode(value or "{}")
    if _is_map(field):
        return {key: _plain(each) for key, each in value.items()}
    if field.is_repeated:
        return [_plain(each) for each in value]
    if field.has_presence and not message.HasField(field.name):
        return None
    return _plain(value)


def _is_map(field: Any) -> bool:
    return bool(field.message_type is not None and field.message_type.GetOptions().map_entry)


def _plain(value: Any) -> Any:
    if not isinstance(value, Message):
        return value
    name = value.DESCRIPTOR.full_name
    if name == TIMESTAMP:
        return value.ToJsonString()  # type: ignore[attr-defined]  # told by its name
    if name == STRUCT:
        return MessageToDict(value)
    return to_json(value)
