"""Values as messages: everything that a field can be, once."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from google.protobuf.json_format import MessageToDict

from contracts import audit_pb2, links_pb2, monitor_pb2
from workers.rpc.messages import to_proto

NOON = datetime(2026, 11, 22, 12, 0, 0, 250_000, tzinfo=UTC)
IDENTITY = uuid.uuid4()


class Color(StrEnum):
    GREEN = "ok"


@dataclass(frozen=True)
class Hop:
    url: str
    status: int | None


@dataclass(frozen=True)
class Check:
    id: uuid.UUID
    verdict: Color
    checked_at: datetime
    hops: tuple[Hop, ...] = ()
    methods: tuple[str, ...] = ()
    timings_ms: dict[str, float] = field(default_factory=dict)
    status_code: int | None = None
    unheard_of: object = None


def as_dict(message: Any) -> dict[str, Any]:
    return MessageToDict(message, preserving_proto_field_name=True)


def test_ids_words_times_lists_maps_and_nested_values_arrive_as_they_are() -> None:
    hops = (Hop("https://a.example/", 301), Hop("https://b.example/", None))
    check = Check(IDENTITY, Color.GREEN, NOON, hops, ("HEAD", "GET"), {"dns": 1.5, "total": 20}, unheard_of=object())
    assert as_dict(to_proto(check, links_pb2.Check)) == {
        "id": str(IDENTITY),
        "verdict": "ok",
        "checked_at": "2026-11-22T12:00:00.250Z",
        "hops": [{"url": "https://a.example/", "status": 301}, {"url": "https://b.example/"}],
        "methods": ["HEAD", "GET"],
        "timings_ms": {"dns": 1.5, "total": 20.0},
    }


def test_what_is_none_stays_unset() -> None:
    found = to_proto(Check(IDENTITY, Color.GREEN, NOON), links_pb2.Check)
    assert not found.HasField("status_code")
    assert found.HasField("checked_at")


def test_what_anybody_may_have_said_is_a_struct() -> None:
    details = {"count": 3, "who": {"id": IDENTITY, "none": None}, "at": NOON, "tags": ["a", 1.5, True]}
    found = to_proto({"action": "link.broke", "details": details}, audit_pb2.Event)
    assert MessageToDict(found.details) == {
        "count": 3.0,
        "who": {"id": str(IDENTITY)},
        "at": "2026-11-22T12:00:00.250000Z",
        "tags": ["a", 1.5, True],
    }


def test_a_mapping_does_as_well_as_a_dataclass() -> None:
    found = to_proto({"name": "links@host", "processed": {"CheckLinks": 7}}, monitor_pb2.Worker)
    assert as_dict(found) == {"name": "links@host", "processed": {"CheckLinks": "7"}}
