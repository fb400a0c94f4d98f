import uuid
from dataclasses import dataclass
from datetime import UTC, datetime

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


def test_ids_sort_by_the_time_they_were_made() -> None:
    made = [wire.new_id() for _ in range(1000)]
    assert made == sorted(made)
    assert {each.version for each in made} == {7}


def test_a_links_id_is_a_function_of_workspace_and_url() -> None:
    here, there = uuid.uuid4(), uuid.uuid4()
    assert link_id(here, "https://example.org/") == uuid.uuid5(here, "https://example.org/")
    assert link_id(here, "https://example.org/") != link_id(there, "https://example.org/")
