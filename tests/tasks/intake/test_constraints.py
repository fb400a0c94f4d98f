"""What the intake database refuses."""

from collections.abc import Callable

import pytest
from sqlalchemy import Connection

from tests.tasks.writing import EARLIER, ID, NOW, OTHER, OUTBOX, Wrong, refusal, rules

Empty = Callable[[str], Connection]

RIGHT = {
    "outbox": {**OUTBOX, "body": ""},
    "submissions": {
        "id": ID,
        "workspace_id": ID,
        "kind": "links",
        "total": 1,
        "actor": "key",
        "traceparent": "",
        "created_at": NOW,
    },
    "parts": {
        "id": ID,
        "submission_id": ID,
        "workspace_id": ID,
        "name": "CheckLinks",
        "queue": "links.bulk",
        "body": "{}",
        "link_marks": "\\x00000001",
        "link_ids": [],
        "attempts": 1,
        "leased_until": NOW,
    },
    "idempotency_keys": {
        "scope": "0" * 64,
        "fingerprint": "text/plain abc",
        "answer": "{}",
        "location": "",
        "created_at": NOW,
    },
}
NEEDS = {"parts": ("submissions",)}
WRONG = [
    Wrong("outbox", "addressed", {"name": ""}),
    Wrong("outbox", "addressed", {"exchange": ""}),
    Wrong("outbox", "addressed", {"routing_key": ""}),
    Wrong("submissions", "kind_known", {"kind": "tea"}),
    Wrong("submissions", "total_counted", {"total": -1}),
    Wrong("submissions", "finished_after_start", {"finished_at": EARLIER}),
    Wrong("submissions", "cancelled_after_start", {"cancelled_at": EARLIER}),
    Wrong("submissions", "only_links_cancelled", {"kind": "audit", "cancelled_at": NOW}),
    Wrong("submissions", "finished_without_parts", {"finished_at": NOW}, "UPDATE submissions SET finished_at = NULL"),
    Wrong("parts", "finished_without_parts", {}, "UPDATE submissions SET finished_at = now() + interval '9 years'"),
    Wrong("parts", "parts_submission_id_fkey", {"submission_id": OTHER}),
    Wrong("parts", "attempts_counted", {"attempts": 0}),
    Wrong("parts", "addressed", {"body": ""}),
    Wrong("parts", "addressed", {"queue": ""}),
    Wrong("parts", "marks_whole", {"link_marks": "\\x00"}),
    Wrong("idempotency_keys", "scope_is_sha256", {"scope": "mine"}),
    Wrong("idempotency_keys", "answer_kept", {"answer": ""}),
]


@pytest.mark.parametrize("wrong", WRONG, ids=str)
def test_what_cannot_be_true_is_refused(wrong: Wrong, empty: Empty) -> None:
    assert refusal(empty("intake"), RIGHT, NEEDS, wrong) == wrong.rule


@pytest.mark.parametrize("table", RIGHT)
def test_what_is_right_is_taken(table: str, empty: Empty) -> None:
    assert refusal(empty("intake"), RIGHT, NEEDS, Wrong(table, "")) is None


def test_every_rule_is_tried(empty: Empty) -> None:
    assert rules(empty("intake")) <= {(wrong.table, wrong.rule) for wrong in WRONG}
