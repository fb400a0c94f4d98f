"""What the links database refuses."""

from collections.abc import Callable

import pytest
from sqlalchemy import Connection

from tests.tasks.writing import EARLIER, ID, NOW, OTHER, OUTBOX, Wrong, refusal, rules

Empty = Callable[[str], Connection]

TALLY = {"ok": 1, "degraded": 0, "broken": 0, "inconclusive": 0, "skipped": 0, "buckets": [3], "counts": [1]}
RIGHT = {
    "outbox": OUTBOX,
    "links": {
        "id": ID,
        "workspace_id": ID,
        "url": "https://a.example/",
        "host": "a.example",
        "created_at": NOW,
        "interval_s": 60,
        "tags": [],
        "traceparent": "",
        "version": 1,
        "paused": False,
        "ignored": False,
        "badge": False,
        "flapping": False,
        "state": "up",
        "failures": 0,
        "hard_failures": 0,
        "ok_streak": 0,
        "inconclusive_streak": 0,
        "since": NOW,
        "recent": "+-",
        "next_check_at": NOW,
        "confirming": False,
    },
    "checks": {
        "id": ID,
        "workspace_id": ID,
        "link_id": ID,
        "verdict": "ok",
        "reason": "ok",
        "attempts": 1,
        "bytes_read": 0,
        "worker": "links",
        "scheduled_at": NOW,
        "started_at": NOW,
        "checked_at": NOW,
    },
    "link_hours": {"link_id": ID, "at": NOW, **TALLY},
    "link_days": {"link_id": ID, "at": NOW, **TALLY},
    "workspace_hours": {
        "workspace_id": ID,
        "tag": "",
        "at": NOW,
        "links": 1,
        "watched_s": 3600.0,
        "down_s": 0.0,
        **TALLY,
    },
    "rolled_up": {"name": "hours", "until": NOW},
    "snapshots": {"link_id": ID, "since": NOW, "tries": 0, "due_at": NOW},
    "pauses": {"id": ID, "link_id": ID, "started_at": NOW},
    "maintained": {"window_id": ID, "started_at": NOW, "ended_at": NOW, "workspace_id": ID},
    "incident_groups": {
        "id": ID,
        "workspace_id": ID,
        "host": "a.example",
        "reason": "http_404",
        "started_at": NOW,
        "opened_at": NOW,
        "joined_at": NOW,
        "told": 0,
        "formed_at": NOW,
    },
    "incidents": {
        "id": ID,
        "workspace_id": ID,
        "link_id": ID,
        "reason": "http_404",
        "detail": "",
        "started_at": NOW,
        "opened_at": NOW,
    },
    "held_breaks": {
        "incident_id": ID,
        "workspace_id": ID,
        "host": "a.example",
        "body": "{}",
        "traceparent": "",
        "held_at": NOW,
    },
    "incident_moments": {"id": ID, "incident_id": ID, "at": NOW, "kind": "opened", "detail": ""},
    "windows": {
        "id": ID,
        "workspace_id": ID,
        "name": "",
        "starts_at": NOW,
        "duration_s": 60,
        "rrule": "",
        "timezone": "UTC",
        "version": 1,
        "created_at": NOW,
    },
    "link_options": {"link_id": ID, "workspace_id": ID, "options": {}, "secrets": ""},
    "policies": {
        "id": ID,
        "workspace_id": ID,
        "host": "",
        "rules": {},
        "options": {},
        "secrets": "",
        "version": 1,
        "updated_at": NOW,
    },
    "freezes": {"workspace_id": ID, "started_at": NOW, "seen_at": NOW},
    "jobs": {"id": ID, "workspace_id": ID, "total": 2, "done": 1, "verdicts": {"ok": 1}, "started_at": NOW},
    "leases": {"id": ID, "links": 1, "ends_at": NOW},
    "badges": {"id": ID, "workspace_id": ID, "tag": "", "created_at": NOW},
    "removed": {"link_id": ID, "removed_at": NOW},
    "parts_done": {"id": ID, "done_at": NOW},
    "parts_deferred": {
        "id": ID,
        "body": "{}",
        "not_before": NOW,
        "sent": 0,
        "traceparent": "",
        "created_at": NOW,
    },
}
NEEDS = {
    "snapshots": ("links",),
    "pauses": ("links",),
    "incidents": ("links",),
    "held_breaks": ("links", "incidents"),
    "incident_moments": ("links", "incidents"),
    "link_options": ("links",),
}
FAILING = {"state": "failing", "failures": 1, "hard_failures": 1, "failing_since": NOW}
BROKEN = {**FAILING, "state": "broken", "incident_id": ID}
RECOVERING = {**BROKEN, "state": "recovering", "ok_streak": 1, "ok_since": NOW}
DOUBTED = {"inconclusive_streak": 1, "inconclusive_since": NOW}
SETTLED = "failures = 0, hard_failures = 0, failing_since = NULL, incident_id = NULL, ok_streak = 0, ok_since = NULL"
AS_FAILING = "incident_id = NULL, ok_streak = 0, ok_since = NULL"
ACKNOWLEDGED = {"kind": "acknowledged", "actor": "key"}
WRONG = [
    Wrong("outbox", "addressed", {"body": ""}),
    Wrong("links", "state_known", {"state": "lost"}),
    Wrong("links", "interval_positive", {"interval_s": 0}),
    Wrong("links", "version_positive", {"version": 0}),
    Wrong("links", "url_said", {"url": ""}),
    Wrong("links", "confirmation_possible", {"confirm_hard": 0}),
    Wrong("links", "confirmation_possible", {"min_confirm_s": -1}),
    Wrong("links", "failures_add_up", {**FAILING, "hard_failures": 2}),
    Wrong("links", "failures_add_up", {"hard_failures": -1}),
    Wrong("links", "failures_since", {**FAILING, "failing_since": None}),
    Wrong("links", "failures_since", {"failing_since": NOW}),
    Wrong("links", "failures_of_state", {**FAILING, "state": "up"}),
    Wrong("links", "broken_by_failures", {"state": "broken", "incident_id": ID}),
    Wrong("links", "incident_of_state", {**BROKEN, "incident_id": None}),
    Wrong("links", "incident_of_state", {**FAILING, "incident_id": ID}),
    Wrong("links", "recovering_by_successes", {**BROKEN, "state": "recovering"}),
    Wrong("links", "recovering_by_successes", {"ok_streak": 1, "ok_since": NOW}),
    Wrong("links", "successes_since", {**RECOVERING, "ok_since": None}),
    Wrong("links", "doubts_since", {**DOUBTED, "inconclusive_since": None}),
    Wrong("links", "verdict_has_reason", {"verdict": "ok"}),
    Wrong("links", "recent_is_short", {"recent": "+" * 21}),
    Wrong("links", "recent_is_short", {"recent": "+?"}),
    Wrong("links", "verdict_known", {"verdict": "fine", "reason": "ok"}),
    Wrong("links", "permanence_known", {"verdict": "broken", "reason": "http_404", "permanence": "soft"}),
    Wrong("links", "permanence_of_broken", {"verdict": "broken", "reason": "http_404"}),
    Wrong("links", "permanence_of_broken", {"permanence": "hard"}),
    Wrong("links", "state_moves", {}, "UPDATE links SET state = 'pending'"),
    Wrong(
        "links",
        "state_moves",
        FAILING,
        f"UPDATE links SET state = 'recovering', incident_id = '{ID}', ok_streak = 1, ok_since = now()",
    ),
    Wrong("links", "state_moves", BROKEN, f"UPDATE links SET state = 'failing', {AS_FAILING}"),
    Wrong("links", "state_moves", RECOVERING, f"UPDATE links SET state = 'failing', {AS_FAILING}"),
    Wrong("links", "state_moves", RECOVERING, f"UPDATE links SET state = 'unverifiable', {SETTLED}"),
    Wrong("checks", "verdict_known", {"verdict": "fine"}),
    Wrong("checks", "permanence_known", {"verdict": "broken", "permanence": "soft"}),
    Wrong("checks", "permanence_of_broken", {"verdict": "broken"}),
    Wrong("checks", "attempts_counted", {"attempts": -1}),
    Wrong("checks", "checked_after_start", {"checked_at": EARLIER}),
    *(
        Wrong(table, rule, wrong)
        for table in ("link_hours", "link_days", "workspace_hours")
        for rule, wrong in (("counts_positive", {"skipped": -1}), ("buckets_counted", {"counts": []}))
    ),
    Wrong("workspace_hours", "times_positive", {"down_s": -1}),
    Wrong("snapshots", "snapshots_link_id_fkey", {"link_id": OTHER}),
    Wrong("snapshots", "tries_counted", {"tries": -1}),
    Wrong("pauses", "pauses_link_id_fkey", {"link_id": OTHER}),
    Wrong("pauses", "ends_after_start", {"ended_at": EARLIER}),
    Wrong("pauses", "one_open_pause", {"id": OTHER}, beside={}),
    Wrong("maintained", "ends_after_start", {"ended_at": EARLIER}),
    Wrong("incidents", "incidents_link_id_fkey", {"link_id": OTHER}),
    Wrong("incidents", "incidents_group_id_fkey", {"group_id": OTHER}),
    Wrong("incidents", "one_open_incident", {"id": OTHER}, beside={}),
    Wrong("incidents", "ends_after_start", {"resolved_at": EARLIER}),
    Wrong("incidents", "opens_after_start", {"opened_at": EARLIER}),
    Wrong("incidents", "acknowledged_by_somebody", {"acknowledged_at": NOW}),
    Wrong("incident_groups", "ends_after_start", {"resolved_at": EARLIER}),
    Wrong("incident_groups", "told_counted", {"told": -1}),
    Wrong("incident_groups", "acknowledged_by_somebody", {"acknowledged_by": "key"}),
    Wrong("held_breaks", "held_breaks_incident_id_fkey", {"incident_id": OTHER}),
    Wrong("held_breaks", "body_said", {"body": ""}),
    Wrong("incident_moments", "incident_moments_incident_id_fkey", {"incident_id": OTHER}),
    Wrong("incident_moments", "kind_known", {"kind": "forgotten"}),
    Wrong("incident_moments", "actor_of_acknowledgement", {"kind": "acknowledged"}),
    Wrong("incident_moments", "actor_of_acknowledgement", {"actor": "key"}),
    Wrong("incident_moments", "one_of_each_moment", {"id": OTHER}, beside={}),
    Wrong("incident_moments", "one_of_each_moment", {"id": OTHER, **ACKNOWLEDGED}, beside=ACKNOWLEDGED),
    Wrong("windows", "duration_positive", {"duration_s": 0}),
    Wrong("windows", "version_positive", {"version": 0}),
    Wrong("link_options", "link_options_link_id_fkey", {"link_id": OTHER}),
    Wrong("link_options", "options_named", {"options": []}),
    Wrong("policies", "options_named", {"rules": []}),
    Wrong("policies", "version_counted", {"version": -1}),
    Wrong("policies", "policies_by_host", {"id": OTHER}, beside={}),
    Wrong("freezes", "seen_after_start", {"seen_at": EARLIER}),
    Wrong("jobs", "never_more_than_all", {"done": 3, "verdicts": {"ok": 3}}),
    Wrong("jobs", "done_counted", {"done": -1, "verdicts": {"ok": -1}}),
    Wrong("jobs", "finished_when_done", {"finished_at": NOW}),
    Wrong("jobs", "finished_when_done", {"done": 2, "verdicts": {"ok": 2}}),
    Wrong("jobs", "finished_after_start", {"done": 2, "verdicts": {"ok": 2}, "finished_at": EARLIER}),
    Wrong("jobs", "verdicts_add_up", {"verdicts": {"ok": 1, "broken": 1}}),
    Wrong("jobs", "verdicts_known", {"verdicts": {"ok": 1, "fine": 0}}),
    Wrong("leases", "links_counted", {"links": 0}),
    Wrong("parts_deferred", "sent_counted", {"sent": -1}),
    Wrong("parts_deferred", "body_said", {"body": ""}),
]
# From, to, and what else goes with it.
MOVES = [
    (FAILING, f"state = 'up', {SETTLED}"),
    (FAILING, f"state = 'broken', incident_id = '{ID}'"),
    ({}, "state = 'unverifiable'"),
    (BROKEN, "state = 'recovering', ok_streak = 1, ok_since = now()"),
    (RECOVERING, "state = 'broken', ok_streak = 0, ok_since = NULL"),
    (RECOVERING, f"state = 'degraded', {SETTLED}"),
]


@pytest.mark.parametrize("wrong", WRONG, ids=str)
def test_what_cannot_be_true_is_refused(wrong: Wrong, empty: Empty) -> None:
    assert refusal(empty("links"), RIGHT, NEEDS, wrong) == wrong.rule


@pytest.mark.parametrize("table", RIGHT)
def test_what_is_right_is_taken(table: str, empty: Empty) -> None:
    assert refusal(empty("links"), RIGHT, NEEDS, Wrong(table, "")) is None


def test_every_rule_is_tried(empty: Empty) -> None:
    assert rules(empty("links")) <= {(wrong.table, wrong.rule) for wrong in WRONG}


@pytest.mark.parametrize(("before", "move"), MOVES)
def test_a_link_moves_as_its_life_does(before: dict[str, object], move: str, empty: Empty) -> None:
    assert refusal(empty("links"), RIGHT, NEEDS, Wrong("links", "", before, f"UPDATE links SET {move}")) is None
