"""The database refuses what cannot be true of channels and deliveries."""

from alembic import op

from migrations import online

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

CHECKS = {
    "outbox": {"addressed": "name <> '' AND exchange <> '' AND routing_key <> '' AND body <> ''"},
    "channels": {
        "target_named": "name <> '' AND target <> ''",
        "failures_counted": "failures >= 0",
        "deleted_after_start": "deleted_at >= created_at",
    },
    "deliveries": {
        "finished_after_start": "finished_at >= created_at",
        "attempts_counted": "attempts >= 0",
        "begun_by_attempt": "attempts > 0 OR state IN ('pending', 'failed')",
        "failure_explained": "error <> '' OR state <> 'failed'",
        "success_without_error": "error = '' OR state <> 'succeeded'",
    },
    "attempts": {"number_counted": "number >= 1 AND latency_ms >= 0"},
}

# What was settled is not sent again. The condition is the trigger's: where it does not hold, nothing is called.
SETTLED = """
CREATE OR REPLACE FUNCTION refuse_unsettling() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'delivery % is % and stays so', new.id, old.state
        USING ERRCODE = 'check_violation', CONSTRAINT = 'settled_stays', TABLE = 'deliveries';
END $$;
CREATE OR REPLACE TRIGGER settled_stays AFTER UPDATE OF state, finished_at ON deliveries FOR EACH ROW
    WHEN (old.finished_at IS NOT NULL
        AND (new.state <> old.state OR new.finished_at IS DISTINCT FROM old.finished_at))
    EXECUTE FUNCTION refuse_unsettling();
"""


def upgrade() -> None:
    """Apply."""
    for table, checks in CHECKS.items():
        online.constrain(table, checks)
    op.execute(SETTLED)


def downgrade() -> None:
    """Take back."""
    op.execute("DROP TRIGGER settled_stays ON deliveries")
    op.execute("DROP FUNCTION refuse_unsettling()")
    for table, checks in CHECKS.items():
        online.release(table, *checks)
