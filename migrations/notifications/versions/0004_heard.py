"""What was told already is known."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "heard",
        sa.Column("event_id", sa.Uuid(), nullable=False),
        sa.Column("heard_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("event_id"),
    )
    op.create_index("heard_by_age", "heard", ["heard_at"])


def downgrade() -> None:
    """Take back."""
    op.drop_table("heard")
