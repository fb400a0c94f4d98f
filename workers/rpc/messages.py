"""Frozen values as protobuf messages of the same field names.

Field by field, because to write JSON and have protobuf read it takes several times as long.
"""

from __future__ import annotations

import datetime as times
import uuid
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any, TypeVar

import msgspec
from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.json_format import ParseDict
from google.protobuf.message import Message

P = TypeVar("P", bound=Message)
Fill = Callable[[Any, str, Any], None]
FillOne = Callable[[Any, Any], None]


def to_proto(value: Any, kind: type[P]) -> P:
    """A frozen dataclass (UUIDs, times and nested values included) as the message with the same field names.

    What is None stays unset, and what the message has no field for is left out.
    """
    message = kind()
    _fill(message, value)
    return message


def _fill(message: Any, value: Any) -> None:
    given: Callable[[str], Any] = value.get if isinstance(value, Mapping) else lambda name: getattr(value, name, None)
    for name, fill in _fills(message.DESCRIPTOR):
        found = given(name)
        if found is not None:
            fill(message, name, found)


@cache
def _fills(kind: Descriptor) -> tuple[tuple[str, Fill], ...]:
    return tuple((field.name, _fill_of(field)) for field in kind.fields)


def _fill_of(field: FieldDescriptor) -> Fill:
    kind = field.message_type
    if kind is None:
        return _extend if field.is_repeated else _set
    if kind.GetOptions().map_entry:
        return _update
    fill_one = _SPECIAL.get(kind.full_name, _fill_nested)
    return _each(fill_one) if field.is_repeated else _only(fill_one)


def _only(one: FillOne) -> Fill:
    return lambda message, name, value: one(getattr(message, name), value)


def _each(one: FillOne) -> Fill:
    def fill(message: Any, name: str, values: Any) -> None:
        repeated = getattr(message, name)
        for value in values:
            one(repeated.add(), value)

    return fill


def _set(message: Any, name: str, value: Any) -> None:
    setattr(message, name, _plain(value))


def _extend(message: Any, name: str, values: Any) -> None:
    getattr(message, name).extend([_plain(value) for value in values])


def _update(message: Any, name: str, values: Any) -> None:
    getattr(message, name).update({_plain(key): _plain(value) for key, value in values.items() if value is not None})


def _set_time(timestamp: Any, value: times.datetime) -> None:
    timestamp.FromDatetime(value)


def _set_struct(struct: Any, value: Any) -> None:
    ParseDict(_without_nothing(msgspec.to_builtins(value)), struct)


_SPECIAL: Mapping[str, FillOne] = {
    "google.protobuf.Timestamp": _set_time,
    "google.protobuf.Struct": _set_struct,
}


def _fill_nested(message: Any, value: Any) -> None:
    # There, even where it says nothing.
    message.SetInParent()
    _fill(message, value)


def _plain(value: Any) -> Any:
    if isinstance(value, uuid.UUID):
        return str(value)
    if isinstance(value, str):
        # A member of an Enum is more than its text.
        return str(value)
    return value.isoformat() if isinstance(value, times.date) else value


def _without_nothing(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _without_nothing(each) for key, each in value.items() if each is not None}
    if isinstance(value, list | tuple):
        return [_without_nothing(each) for each in value]
    return value
