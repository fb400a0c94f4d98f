"""What the notifications database refuses."""

from collections.abc import Callable

import pytest
from sqlalchemy import Connection

from tests.tasks.writing import EARLIER, ID, NOW, OTHER, OUTBOX, Wrong, refusal, rules

Empty = Callable[[str], Connection]

RIGHT = {
    "outbox": OUTBOX,
    "channels": {
        "id": ID,
        "workspace_id": ID,
        "kind": "webhook",
        "name": "team",
        "target": "https://a.example/",
        "secret": "\\x00",
        "failures": 0,
        "created_at": NOW,
    },
    "deliveries": {
        "id": ID,
        "workspace_id": ID,
        "event_id": ID,
        "channel_id": ID,
        "channel_kind": "webhook",
        "subject": "link.broke",
        "title": "",
        "body": "",
        "payload": "{}",
        "state": "pending",
        "attempts": 0,
        "error": "",
        "next_attempt_at": NOW,
        "leased_until": NOW,
        "traceparent": "",
        "created_at": NOW,
    },
    "attempts": {"delivery_id": ID, "number": 1, "at": NOW, "ok": True, "latency_ms": 1.5, "answer": ""},
}
NEEDS = {"attempts": ("deliveries",)}
SUCCEEDED = {"state": "succeeded", "attempts": 1, "finished_at": NOW}
FAILED = {"state": "failed", "finished_at": NOW, "error": "gone"}
WRONG = [
    Wrong("outbox", "addressed", {"body": ""}),
    Wrong("channels", "kind_known", {"kind": "pigeon", "secret": None}),
    Wrong("channels", "webhooks_sign", {"secret": None}),
    Wrong("channels", "webhooks_sign", {"deleted_at": NOW}),
    Wrong("channels", "target_named", {"target": ""}),
    Wrong("channels", "failures_counted", {"failures": -1}),
    Wrong("channels", "deleted_after_start", {"deleted_at": EARLIER, "secret": None}),
    Wrong("deliveries", "each_channel_once", {"id": OTHER}, beside={}),
    Wrong("deliveries", "each_channel_once", {"id": OTHER, "channel_id": None}, beside={"channel_id": None}),
    Wrong("deliveries", "state_known", {"state": "lost", "attempts": 1}),
    Wrong("deliveries", "finished_ends", {"state": "failed", "error": "gone"}),
    Wrong("deliveries", "finished_ends", {"finished_at": NOW}),
    Wrong("deliveries", "finished_after_start", {**SUCCEEDED, "finished_at": EARLIER}),
    Wrong("deliveries", "attempts_counted", {"attempts": -1}),
    Wrong("deliveries", "begun_by_attempt", {"state": "sending"}),
    Wrong("deliveries", "begun_by_attempt", {**SUCCEEDED, "attempts": 0}),
    Wrong("deliveries", "failure_explained", {**FAILED, "error": ""}),
    Wrong("deliveries", "success_without_error", {**SUCCEEDED, "error": "gone"}),
    Wrong("deliveries", "settled_stays", FAILED, "UPDATE deliveries SET state = 'pending', finished_at = NULL"),
    Wrong("deliveries", "settled_stays", SUCCEEDED, "UPDATE deliveries SET state = 'failed', error = 'late'"),
    Wrong("attempts", "attempts_delivery_id_fkey", {"delivery_id": OTHER}),
    Wrong("attempts", "number_counted", {"number": 0}),
    Wrong("attempts", "number_counted", {"latency_ms": -1}),
]


@pytest.mark.parametrize("wrong", WRONG, ids=str)
def test_what_cannot_be_true_is_refused(wrong: Wrong, empty: Empty) -> None:
    assert refusal(empty("notifications"), RIGHT, NEEDS, wrong) == wrong.rule


@pytest.mark.parametrize("table", RIGHT)
def test_what_is_right_is_taken(table: str, empty: Empty) -> None:
    assert refusal(empty("notifications"), RIGHT, NEEDS, Wrong(table, "")) is None


def test_every_rule_is_tried(empty: Empty) -> None:
    assert rules(empty("notifications")) <= {(wrong.table, wrong.rule) for wrong in WRONG}
