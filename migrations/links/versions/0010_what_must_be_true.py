"""The database refuses what cannot be true of links, their incidents and their jobs."""

from alembic import op

from migrations import online

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

CHECKS = {
    "outbox": {"addressed": "name <> '' AND exchange <> '' AND routing_key <> '' AND body <> ''"},
    "links": {
        "version_positive": "version >= 1",
        "url_said": "url <> ''",
        "confirmation_possible": "confirm_hard >= 1 AND confirm_transient >= 1 AND min_confirm_s >= 0",
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
        "verdict_known": "verdict IN ('ok', 'degraded', 'broken', 'inconclusive', 'skipped')",
        "permanence_known": "permanence IN ('hard', 'transient')",
        "permanence_of_broken": "(permanence IS NOT NULL) = (verdict IS NOT DISTINCT FROM 'broken')",
    },
    "checks": {
        "attempts_counted": "attempts >= 0 AND bytes_read >= 0",
        "checked_after_start": "checked_at >= started_at",
        "permanence_known": "permanence IN ('hard', 'transient')",
        "permanence_of_broken": "(permanence IS NOT NULL) = (verdict IS NOT DISTINCT FROM 'broken')",
    },
    "link_hours": {
        "counts_positive": "least(ok, degraded, broken, inconclusive, skipped) >= 0",
        "buckets_counted": "cardinality(buckets) = cardinality(counts)",
    },
    "link_days": {
        "counts_positive": "least(ok, degraded, broken, inconclusive, skipped) >= 0",
        "buckets_counted": "cardinality(buckets) = cardinality(counts)",
    },
    "workspace_hours": {
        "counts_positive": "least(ok, degraded, broken, inconclusive, skipped) >= 0",
        "buckets_counted": "cardinality(buckets) = cardinality(counts)",
        "times_positive": "links >= 0 AND watched_s >= 0 AND down_s >= 0",
    },
    "snapshots": {
        "tries_counted": "tries >= 0",
    },
    "pauses": {
        "ends_after_start": "ended_at >= started_at",
    },
    "maintained": {
        "ends_after_start": "ended_at >= started_at",
    },
    "incidents": {
        "opens_after_start": "opened_at >= started_at",
        "acknowledged_by_somebody": "(acknowledged_at IS NULL) = (acknowledged_by IS NULL)",
    },
    "incident_groups": {
        "ends_after_start": "resolved_at >= started_at",
        "told_counted": "told >= 0",
        "acknowledged_by_somebody": "(acknowledged_at IS NULL) = (acknowledged_by IS NULL)",
    },
    "held_breaks": {
        "body_said": "body <> ''",
    },
    "incident_moments": {
        "actor_of_acknowledgement": "(actor IS NOT NULL) = (kind = 'acknowledged')",
    },
    "windows": {
        "version_positive": "version >= 1",
    },
    "link_options": {
        "options_named": "jsonb_typeof(options) = 'object'",
    },
    "policies": {
        "options_named": "jsonb_typeof(options) = 'object' AND jsonb_typeof(rules) = 'object'",
        "version_counted": "version >= 0",
    },
    "freezes": {
        "seen_after_start": "seen_at >= started_at",
    },
    "jobs": {
        "done_counted": "done >= 0",
        "finished_when_done": "(finished_at IS NOT NULL) = (done = total)",
        "finished_after_start": "finished_at >= started_at",
        "verdicts_add_up": (
            "coalesce((verdicts ->> 'ok')::int, 0) + coalesce((verdicts ->> 'degraded')::int, 0)"
            " + coalesce((verdicts ->> 'broken')::int, 0) + coalesce((verdicts ->> 'inconclusive')::int, 0)"
            " + coalesce((verdicts ->> 'skipped')::int, 0) = done"
        ),
        "verdicts_known": "verdicts - ARRAY['ok', 'degraded', 'broken', 'inconclusive', 'skipped'] = '{}'",
    },
    "leases": {
        "links_counted": "links >= 1",
    },
    "parts_deferred": {
        "sent_counted": "sent >= 0",
        "body_said": "body <> ''",
    },
}

# A link is pending only before its first check, recovers only from being broken, and is broken until it has recovered.
# The condition is the trigger's: where it does not hold, nothing is called.
MOVES = """
CREATE OR REPLACE FUNCTION refuse_move() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'link % cannot go from % to %', new.id, old.state, new.state
        USING ERRCODE = 'check_violation', CONSTRAINT = 'state_moves', TABLE = 'links';
END $$;
CREATE OR REPLACE TRIGGER state_moves AFTER UPDATE OF state ON links FOR EACH ROW
    WHEN (old.state IS DISTINCT FROM new.state AND (
        new.state = 'pending'
        OR (new.state = 'recovering' AND old.state <> 'broken')
        OR (new.state IN ('failing', 'unverifiable') AND old.state IN ('broken', 'recovering'))))
    EXECUTE FUNCTION refuse_move();
"""


def upgrade() -> None:
    """Apply."""
    for table, checks in CHECKS.items():
        online.constrain(table, checks)
    online.index("one_open_pause", "pauses (link_id)", unique=True, where="ended_at IS NULL")
    online.index(
        "one_of_each_moment",
        "incident_moments (incident_id, kind)",
        unique=True,
        where="kind IN ('first_failure', 'opened', 'acknowledged', 'resolved')",
    )
    op.execute(MOVES)


def downgrade() -> None:
    """Take back."""
    op.execute("DROP TRIGGER state_moves ON links")
    op.execute("DROP FUNCTION refuse_move()")
    online.drop_index("one_of_each_moment")
    online.drop_index("one_open_pause")
    for table, checks in CHECKS.items():
        online.release(table, *checks)
