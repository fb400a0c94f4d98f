import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, ClassVar

import msgspec
import pytest

from tasks import wire
from tasks.links.messages import CheckLinks, LinkSpec, link_id


@dataclass(frozen=True)
class Ping(wire.Message):
    number: int


def test_a_message_survives_the_wire_with_its_types() -> None:
    sent = CheckLinks(
        part_id=uuid.uuid4(),
        workspace_id=uuid.uuid4(),
        scheduled_at=datetime(2026, 11, 21, 12, tzinfo=UTC),
        links=(LinkSpec("https://example.org/", tags=("docs",)),),
    )
    assert wire.decode(CheckLinks, msgspec.json.decode(wire.encode(sent))) == sent


def test_a_field_that_a_newer_sender_added_is_ignored() -> None:
    assert wire.decode(Ping, {"number": 1, "colour": "red"}) == Ping(1)


def test_a_field_that_does_not_fit_is_named() -> None:
    with pytest.raises(msgspec.ValidationError, match="number"):
        wire.decode(Ping, {"number": "one"})


@dataclass(frozen=True)
class Pong(wire.Message):
    """Of version 1 it had `seconds`."""

    version: ClassVar[int] = 2
    number_ms: int

    @classmethod
    def upgraded(cls, fields: Mapping[str, Any], version: int) -> Mapping[str, Any]:
        return {"number_ms": fields["seconds"] * 1000}


@dataclass(frozen=True)
class Tick(wire.Message):
    version: ClassVar[int] = 12


def test_a_message_says_its_version_wherever_it_is_kept() -> None:
    assert wire.encode(Ping(1)) == '{"number":1}'
    assert wire.encode(Pong(1)) == '{"version":2,"number_ms":1}'
    assert wire.encode(Tick()) == '{"version":12}'
    assert [wire.version_of(wire.encode(each)) for each in (Ping(1), Pong(1), Tick())] == [1, 2, 12]
    # What another field says is not the message's version.
    assert wire.version_of('{"number":1,"version":9}') == 1


def test_an_older_version_is_read_as_the_class_says() -> None:
    assert wire.decode(Pong, {"seconds": 2}, 1) == Pong(2000)
    assert wire.decode(Pong, {"number_ms": 2, "version": 2}, 2) == Pong(2)


def test_a_version_that_is_not_known_is_not_guessed_at() -> None:
    with pytest.raises(wire.TooNew, match="message version 3, this worker knows 2"):
        wire.decode(Pong, {"number_ms": 2}, 3)


def test_ids_sort_by_the_time_they_were_made() -> None:
    made = [wire.new_id() for _ in range(1000)]
    assert made == sorted(made)
    assert {each.version for each in made} == {7}


def test_a_links_id_is_a_function_of_workspace_and_url() -> None:
    here, there = uuid.uuid4(), uuid.uuid4()
    assert link_id(here, "https://example.org/") == uuid.uuid5(here, "https://example.org/")
    assert link_id(here, "https://example.org/") != link_id(there, "https://example.org/")


def test_a_derived_id_is_a_uuid7_of_its_parents_time_and_a_function_of_both() -> None:
    parent, other = wire.new_id(), uuid.uuid4()
    derived = wire.derived_id(parent, other)
    assert derived == wire.derived_id(parent, other) != wire.derived_id(parent, uuid.uuid4())
    assert (derived.version, derived.variant) == (7, uuid.RFC_4122)
    assert derived.int >> 80 == parent.int >> 80
