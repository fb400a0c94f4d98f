"""Asking the links service on behalf of whoever asks us."""

from __future__ import annotations

from typing import Any

from google.protobuf.message import Message

from contracts import links_pb2 as pb
from web.access import caller
from web.front import front


def call(method: str, request: Message) -> Any:
    """What the links service answers."""
    return front().services.links.call(method, request)


def asked() -> dict[str, str]:
    """Whose things are asked for: the fields that every request has."""
    return {"workspace_id": str(caller().workspace_id)}


def asker() -> pb.Caller:
    """Who is on record for a change."""
    return pb.Caller(actor=caller().actor, ip=caller().ip, user_agent=caller().user_agent)
