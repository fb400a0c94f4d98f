"""What the accounts database refuses."""

from collections.abc import Callable

import pytest
from sqlalchemy import Connection

from tests.tasks.writing import ID, NOW, OTHER, OUTBOX, Wrong, refusal, rules

Empty = Callable[[str], Connection]

RIGHT = {
    "outbox": OUTBOX,
    "workspaces": {"id": ID, "name": "one", "created_at": NOW},
    "api_keys": {
        "id": ID,
        "workspace_id": ID,
        "name": "ci",
        "prefix": "pra_abcd",
        "last4": "wxyz",
        "hash": "0" * 64,
        "scopes": ["links:read"],
        "created_at": NOW,
    },
}
NEEDS = {"api_keys": ("workspaces",)}
WRONG = [
    Wrong("outbox", "addressed", {"body": ""}),
    Wrong("workspaces", "workspace_named", {"name": ""}),
    Wrong("workspaces", "workspaces_name_key", {"id": OTHER}, beside={}),
    Wrong("api_keys", "api_keys_workspace_id_fkey", {"workspace_id": OTHER}),
    Wrong("api_keys", "api_keys_hash_key", {"id": OTHER}, beside={}),
    Wrong("api_keys", "hash_is_sha256", {"hash": "pra_abcd"}),
    Wrong("api_keys", "some_scope", {"scopes": []}),
    Wrong("api_keys", "key_shown", {"last4": ""}),
    Wrong("api_keys", "key_shown", {"prefix": ""}),
]


@pytest.mark.parametrize("wrong", WRONG, ids=str)
def test_what_cannot_be_true_is_refused(wrong: Wrong, empty: Empty) -> None:
    assert refusal(empty("accounts"), RIGHT, NEEDS, wrong) == wrong.rule


@pytest.mark.parametrize("table", RIGHT)
def test_what_is_right_is_taken(table: str, empty: Empty) -> None:
    assert refusal(empty("accounts"), RIGHT, NEEDS, Wrong(table, "")) is None


def test_every_rule_is_tried(empty: Empty) -> None:
    assert rules(empty("accounts")) <= {(wrong.table, wrong.rule) for wrong in WRONG}
