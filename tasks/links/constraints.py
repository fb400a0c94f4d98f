"""What must be true of each row of the links database, by table and constraint; the database refuses what is not.

Each is about one row, so that it costs next to nothing beside writing the row. What is about two rows is an index
(`models`), and what is about a row and the one that it replaces is `MOVES`. Times are compared only where the code has
put them in order: the clocks of several machines never agree.
"""

from __future__ import annotations

from enum import StrEnum

from sqlalchemy import CheckConstraint

from tasks.links.state import Moment, State
from tasks.links.verdict import Permanence, Verdict


def _one_of(column: str, values: type[StrEnum]) -> str:
    allowed = ", ".join(f"'{value}'" for value in values)
    return f"{column} IN ({allowed})"


_VERDICTS_SUM = " + ".join(f"coalesce((verdicts ->> '{verdict}')::int, 0)" for verdict in Verdict)
_VERDICTS_KNOWN = ", ".join(f"'{verdict}'" for verdict in Verdict)
_JUDGED = {
    "verdict_known": _one_of("verdict", Verdict),
    "permanence_known": _one_of("permanence", Permanence),
    "permanence_of_broken": "(permanence IS NOT NULL) = (verdict IS NOT DISTINCT FROM 'broken')",
}
_COUNTED = {
    "counts_positive": "least(ok, degraded, broken, inconclusive, skipped) >= 0",
    "buckets_counted": "cardinality(buckets) = cardinality(counts)",
}
_ACKNOWLEDGED = {"acknowledged_by_somebody": "(acknowledged_at IS NULL) = (acknowledged_by IS NULL)"}

TABLES = {
    "links": {
        "state_known": _one_of("state", State),
        "interval_positive": "interval_s >= 1",
        "version_positive": "version >= 1",
        "url_said": "url <> ''",
        "confirmation_possible": "confirm_hard >= 1 AND confirm_transient >= 1 AND min_confirm_s >= 0",
        # A row of failures, its length and its beginning come and go together, and only with states that have one.
        "failures_add_up": "hard_failures BETWEEN 0 AND failures",
        "failures_since": "(failures > 0) = (failing_since IS NOT NULL)",
        "failures_of_state": "failures = 0 OR state IN ('failing', 'broken', 'recovering')",
        "broken_by_failures": "failures > 0 OR state NOT IN ('broken', 'recovering')",
        "incident_of_state": "(incident_id IS NOT NULL) = (state IN ('broken', 'recovering'))",
        "recovering_by_successes": "ok_streak >= 0 AND (ok_streak > 0) = (state = 'recovering')",
        "successes_since": "(ok_streak > 0) = (ok_since IS NOT NULL)",
        "doubts_since": "inconclusive_streak >= 0 AND (inconclusive_streak > 0) = (inconclusive_since IS NOT NULL)",
        "verdict_has_reason": "(verdict IS NULL) = (reason IS NULL)",
        "recent_is_short": "length(recent) <= 20 AND translate(recent, '+-', '') = ''",
        **_JUDGED,
    },
    "checks": {
        "attempts_counted": "attempts >= 0 AND bytes_read >= 0",
        "checked_after_start": "checked_at >= started_at",
        **_JUDGED,
    },
    "link_hours": _COUNTED,
    "link_days": _COUNTED,
    "workspace_hours": {**_COUNTED, "times_positive": "links >= 0 AND watched_s >= 0 AND down_s >= 0"},
    "snapshots": {"tries_counted": "tries >= 0"},
    "pauses": {"ends_after_start": "ended_at >= started_at"},
    "maintained": {"ends_after_start": "ended_at >= started_at"},
    "incidents": {
        "ends_after_start": "resolved_at >= started_at",
        "opens_after_start": "opened_at >= started_at",
        **_ACKNOWLEDGED,
    },
    "incident_groups": {
        "ends_after_start": "resolved_at >= started_at",
        "told_counted": "told >= 0",
        **_ACKNOWLEDGED,
    },
    "held_breaks": {"body_said": "body <> ''"},
    "incident_moments": {
        "kind_known": _one_of("kind", Moment),
        "actor_of_acknowledgement": "(actor IS NOT NULL) = (kind = 'acknowledged')",
    },
    "windows": {"duration_positive": "duration_s >= 1", "version_positive": "version >= 1"},
    "link_options": {"options_named": "jsonb_typeof(options) = 'object'"},
    "policies": {
        "options_named": "jsonb_typeof(options) = 'object' AND jsonb_typeof(rules) = 'object'",
        "version_counted": "version >= 0",
    },
    "freezes": {"seen_after_start": "seen_at >= started_at"},
    "jobs": {
        "never_more_than_all": "done <= total",
        "done_counted": "done >= 0",
        "finished_when_done": "(finished_at IS NOT NULL) = (done = total)",
        "finished_after_start": "finished_at >= started_at",
        "verdicts_add_up": f"{_VERDICTS_SUM} = done",
        "verdicts_known": f"verdicts - ARRAY[{_VERDICTS_KNOWN}] = '{{}}'",
    },
    "leases": {"links_counted": "links >= 1"},
    "parts_deferred": {"sent_counted": "sent >= 0", "body_said": "body <> ''"},
}

# Of these, a timeline has one each.
ONCE = "kind IN ('first_failure', 'opened', 'acknowledged', 'resolved')"
# A link is pending only before its first check, recovers only from being broken, and is broken until it has recovered.
MOVES = (
    "new.state = 'pending'"
    " OR (new.state = 'recovering' AND old.state <> 'broken')"
    " OR (new.state IN ('failing', 'unverifiable') AND old.state IN ('broken', 'recovering'))"
)


def of(table: str) -> list[CheckConstraint]:
    """The constraints of a table, for its model."""
    return [CheckConstraint(condition, name=name) for name, condition in TABLES[table].items()]
