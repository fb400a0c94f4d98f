"""How a letter looks on its way: a task of Celery's message protocol 2, and that as AMQP 0-9-1 frames.

py-amqp writes the same frames, at some fifty microseconds a message; what all letters have in common is encoded once
here.
"""

from __future__ import annotations

import os
import socket
from functools import cache
from struct import pack
from typing import Any

from tasks import wire
from tasks.outbox import Letter

ORIGIN = f"{os.getpid()}@{socket.gethostname()}"

_METHOD, _HEADER, _BODY, _END = 1, 2, 3, b"\xce"
_BASIC, _PUBLISH = 60, 40
_MANDATORY = b"\x01"
# content type, content encoding, headers, delivery mode and correlation id, which follow one another in this order.
_PROPERTIES = 1 << 15 | 1 << 14 | 1 << 13 | 1 << 12 | 1 << 10
# A frame's type, channel, size and end.
_AROUND = 8


def body_of(letter: Letter) -> str:
    """Positional arguments, keyword arguments, embedded work (none)."""
    return f'[[], {letter.body}, {{"callbacks": null, "errbacks": null, "chain": null, "chord": null}}]'


def headers_of(letter: Letter) -> dict[str, Any]:
    """The task's headers, with the trace and request it belongs to."""
    task_id = str(letter.id)
    return {
        **_CONSTANT,
        "task": letter.name,
        "id": task_id,
        "root_id": task_id,
        "traceparent": letter.traceparent,
        "request_id": letter.request_id,
        wire.VERSION: wire.version_of(letter.body or ""),
    }


def properties_of(letter: Letter) -> dict[str, Any]:
    """The message's properties: kept on disk, JSON."""
    return {
        "correlation_id": str(letter.id),
        "content_type": "application/json",
        "content_encoding": "utf-8",
        "delivery_mode": 2,
    }


def frames_of(letter: Letter, channel: int, frame_max: int) -> bytes:
    """A mandatory publish of the letter: the method, the header, and the body in as many frames as it needs."""
    body, letter_id = body_of(letter).encode(), str(letter.id).encode()
    method = b"".join((_PUBLISHES, _short(letter.exchange), _short(letter.routing_key), _MANDATORY))
    table = b"".join(
        (
            _CONSTANT_FIELDS,
            _field("task", letter.name.encode()),
            _field("id", letter_id),
            _field("root_id", letter_id),
            _field("traceparent", letter.traceparent.encode()),
            _field("request_id", letter.request_id.encode()),
            _version_field(wire.version_of(letter.body or "")),
        )
    )
    header = b"".join(
        (
            pack(">HHQH", _BASIC, 0, len(body), _PROPERTIES),
            _CONTENT,
            pack(">I", len(table)),
            table,
            b"\x02",
            bytes((len(letter_id),)),
            letter_id,
        )
    )
    most = frame_max - _AROUND
    parts = [_frame(_BODY, channel, body[start : start + most]) for start in range(0, len(body), most)]
    return b"".join((_frame(_METHOD, channel, method), _frame(_HEADER, channel, header), *parts))


def _frame(kind: int, channel: int, payload: bytes) -> bytes:
    return b"".join((pack(">BHI", kind, channel, len(payload)), payload, _END))


def _short(text: str) -> bytes:
    encoded = text.encode()
    return bytes((len(encoded),)) + encoded


def _field(name: str, value: bytes) -> bytes:
    """A text in a table."""
    return b"".join((_short(name), b"S", pack(">I", len(value)), value))


def _constant_field(name: str, value: Any) -> bytes:
    if isinstance(value, str):
        return _field(name, value.encode())
    return _short(name) + _plain(value)


@cache
def _version_field(version: int) -> bytes:
    return _constant_field(wire.VERSION, version)


def _plain(value: Any) -> bytes:
    if value is None:
        return b"V"
    if isinstance(value, list):
        items = b"".join(map(_plain, value))
        return b"A" + pack(">I", len(items)) + items
    return b"I" + pack(">i", value)


_CONSTANT: dict[str, Any] = {
    "lang": "py",
    "parent_id": None,
    "group": None,
    "retries": 0,
    "eta": None,
    "expires": None,
    "timelimit": [None, None],
    "argsrepr": "()",
    "kwargsrepr": "{…}",
    "origin": ORIGIN,
}
_CONSTANT_FIELDS = b"".join(_constant_field(name, value) for name, value in _CONSTANT.items())
_CONTENT = _short("application/json") + _short("utf-8")
_PUBLISHES = pack(">HHH", _BASIC, _PUBLISH, 0)
