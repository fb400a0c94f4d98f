"""Messages of one kind for one queue travel as one, each with its own id, trace and version."""

from __future__ import annotations

import json
import uuid

import pytest

from config.broker import BUNDLED
from tasks import bundles, wire
from tasks.outbox import Letter


def letter(name: str, body: str = "{}", key: str = "", trace: str = "") -> Letter:
    return Letter(wire.new_id(), name, "pranala.events", key or name, body, trace, "request")


def names(parcels: bundles.Parcels) -> list[tuple[str, int]]:
    return [(each.name, len(parcels.members[each.id])) for each in parcels.letters]


@pytest.mark.parametrize(
    ("sent", "tied"),
    [
        ([], []),
        (["PartChecked"], [("PartChecked", 1)]),
        (["PartChecked", "PartChecked"], [("PartChecked", 2)]),
        (["LinkBroke", "LinkBroke"], [("LinkBroke", 1), ("LinkBroke", 1)]),
        (
            ["PartChecked", "LinkBroke", "PartChecked", "JobFinished"],
            [("PartChecked", 2), ("LinkBroke", 1), ("JobFinished", 1)],
        ),
        (
            ["PartChecked"] * (bundles.MOST + 1),
            [("PartChecked", bundles.MOST), ("PartChecked", 1)],
        ),
    ],
)
def test_what_travels_together(sent: list[str], tied: list[tuple[str, int]]) -> None:
    assert names(bundles.pack([letter(name) for name in sent])) == tied


def test_a_bundle_is_never_large() -> None:
    long = json.dumps({"text": "x" * (BUNDLED["RecordEvents"] // 2)})
    assert names(bundles.pack([letter("RecordEvents", long) for _ in range(3)])) == [("RecordEvents", 1)] * 3


def test_messages_for_different_queues_do_not_travel_together() -> None:
    assert (
        names(bundles.pack([letter("RecordEvents", key="audit"), letter("RecordEvents", key="elsewhere")]))
        == [("RecordEvents", 1)] * 2
    )


def test_each_message_is_found_again_as_it_was() -> None:
    sent = [letter("PartChecked", f'{{"part": {number}}}', trace=f"trace-{number}") for number in range(3)]
    parcels = bundles.pack(sent)
    [bundle] = parcels.letters
    members = bundles.members_of(json.loads(bundle.body or ""))
    assert members == [
        bundles.Member(str(each.id), each.traceparent, "request", {"part": number}) for number, each in enumerate(sent)
    ]
    assert bundle.id == sent[0].id
    assert parcels.of([bundle]) == sent


@pytest.mark.parametrize(
    "fields", [{}, {"part_id": str(uuid.uuid4())}, {"bundle": 3}, {"bundle": [{"id": "x"}]}, {"bundle": None}]
)
def test_anything_else_is_no_bundle(fields: dict[str, object]) -> None:
    assert bundles.members_of(fields) is None
