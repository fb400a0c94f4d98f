"""Jobs whose links are those of a page or sitemap say what came of reading it."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.add_column("jobs", sa.Column("source", postgresql.JSONB(none_as_null=True), nullable=True))


def downgrade() -> None:
    """Take back."""
    op.drop_column("jobs", "source")
