"""What anybody may see: links one by one, and the links of a tag."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.add_column("links", sa.Column("badge", sa.Boolean(), server_default=sa.text("false"), nullable=False))
    op.create_table(
        "badges",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("workspace_id", sa.Uuid(), nullable=False),
        sa.Column("tag", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("badges_by_workspace", "badges", ["workspace_id", "created_at"], unique=False)


def downgrade() -> None:
    """Take back."""
    op.drop_table("badges")
    op.drop_column("links", "badge")
