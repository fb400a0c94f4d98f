"""The database refuses what cannot be true of submissions and their parts."""

from alembic import op

from migrations import online

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

CHECKS = {
    "outbox": {"addressed": "name <> '' AND exchange <> '' AND routing_key <> ''"},
    "submissions": {
        "total_counted": "total >= 0",
        "finished_after_start": "finished_at >= created_at",
        "cancelled_after_start": "cancelled_at >= created_at",
        "only_links_cancelled": "cancelled_at IS NULL OR kind = 'links'",
    },
    "parts": {
        "attempts_counted": "attempts >= 1",
        "addressed": "name <> '' AND queue <> '' AND body <> ''",
        "marks_whole": "octet_length(link_marks) % 4 = 0",
    },
    "idempotency_keys": {
        "scope_is_sha256": "scope ~ '^[0-9a-f]{64}$'",
        "answer_kept": "fingerprint <> '' AND answer <> ''",
    },
}

# A submission is finished once no part of it is left, and then for good.
FINISHED = """
CREATE OR REPLACE FUNCTION refuse_finishing() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF old.finished_at IS NOT NULL OR EXISTS (SELECT FROM parts WHERE submission_id = new.id) THEN
        RAISE EXCEPTION 'submission % cannot be finished at %', new.id, new.finished_at
            USING ERRCODE = 'check_violation', CONSTRAINT = 'finished_without_parts', TABLE = 'submissions';
    END IF;
    RETURN NULL;
END $$;
CREATE OR REPLACE TRIGGER finished_without_parts AFTER UPDATE OF finished_at ON submissions FOR EACH ROW
    WHEN (new.finished_at IS DISTINCT FROM old.finished_at) EXECUTE FUNCTION refuse_finishing();
"""


def upgrade() -> None:
    """Apply."""
    for table, checks in CHECKS.items():
        online.constrain(table, checks)
    op.execute(FINISHED)


def downgrade() -> None:
    """Take back."""
    op.execute("DROP TRIGGER finished_without_parts ON submissions")
    op.execute("DROP FUNCTION refuse_finishing()")
    for table, checks in CHECKS.items():
        online.release(table, *checks)
