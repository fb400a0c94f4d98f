"""Parts that are done are kept for a while."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


# A submission is finished once no part of it is left, and opened again only where parts of it have come back.
FINISHED = """
CREATE OR REPLACE FUNCTION refuse_finishing() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF (new.finished_at IS NULL) = (old.finished_at IS NULL)
        OR (new.finished_at IS NULL) <> EXISTS (SELECT FROM parts WHERE submission_id = new.id) THEN
        RAISE EXCEPTION 'submission % cannot be finished at %', new.id, new.finished_at
            USING ERRCODE = 'check_violation', CONSTRAINT = 'finished_without_parts', TABLE = 'submissions';
    END IF;
    RETURN NULL;
END $$;
"""
BEFORE = """
CREATE OR REPLACE FUNCTION refuse_finishing() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF old.finished_at IS NOT NULL OR EXISTS (SELECT FROM parts WHERE submission_id = new.id) THEN
        RAISE EXCEPTION 'submission % cannot be finished at %', new.id, new.finished_at
            USING ERRCODE = 'check_violation', CONSTRAINT = 'finished_without_parts', TABLE = 'submissions';
    END IF;
    RETURN NULL;
END $$;
"""


def upgrade() -> None:
    """Apply."""
    op.execute(FINISHED)
    op.create_table(
        "parts_finished",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("submission_id", sa.Uuid(), nullable=False),
        sa.Column("workspace_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("queue", sa.Text(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("link_marks", sa.LargeBinary(), nullable=False),
        sa.Column("finished_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("parts_finished_by_time", "parts_finished", ["finished_at"])


def downgrade() -> None:
    """Take back."""
    op.drop_table("parts_finished")
    op.execute(BEFORE)
