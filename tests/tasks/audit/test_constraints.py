"""What the audit database refuses."""

from collections.abc import Callable

import pytest
from sqlalchemy import Connection

from tests.tasks.writing import ID, NOW, OUTBOX, Wrong, refusal, rules

Empty = Callable[[str], Connection]

RIGHT = {
    "outbox": OUTBOX,
    "events": {
        "event_id": ID,
        "workspace_id": ID,
        "occurred_at": NOW,
        "recorded_at": NOW,
        "service": "web",
        "actor": "key",
        "action": "links.submit",
        "outcome": "success",
        "reason": "",
        "resource_kind": "",
        "resource_id": "",
        "resource_name": "",
        "ip": "",
        "user_agent": "",
        "request_id": "",
        "trace_id": "",
        "details": {},
    },
}
NEEDS: dict[str, tuple[str, ...]] = {}
WRONG = [
    Wrong("outbox", "addressed", {"body": ""}),
    Wrong("events", "outcome_known", {"outcome": "maybe"}),
    Wrong("events", "events_event_id_key", {}, beside={}),
    Wrong("events", "events_keep_rows", then="UPDATE events SET actor = 'nobody'"),
    Wrong("events", "events_keep_rows", then="DELETE FROM events"),
    Wrong("events", "events_keep_table", then="TRUNCATE events"),
]


@pytest.mark.parametrize("wrong", WRONG, ids=str)
def test_what_cannot_be_true_is_refused(wrong: Wrong, empty: Empty) -> None:
    refused = refusal(empty("audit"), RIGHT, NEEDS, wrong)
    assert "the audit record is append-only" in refused if wrong.then else refused == wrong.rule


@pytest.mark.parametrize("table", RIGHT)
def test_what_is_right_is_taken(table: str, empty: Empty) -> None:
    assert refusal(empty("audit"), RIGHT, NEEDS, Wrong(table, "")) is None


def test_every_rule_is_tried(empty: Empty) -> None:
    assert rules(empty("audit")) <= {(wrong.table, wrong.rule) for wrong in WRONG}
