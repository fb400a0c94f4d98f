"""Parts are written once: the outbox refers to them, and short marks of links' ids find a link in them."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.add_column("parts", sa.Column("link_marks", sa.LargeBinary(), server_default="", nullable=False))
    # They live for seconds: compressing them costs more than writing them.
    op.execute("ALTER TABLE parts ALTER body SET STORAGE EXTERNAL, ALTER link_marks SET STORAGE EXTERNAL")


def downgrade() -> None:
    """Take back. What waits to be sent is given its body, and what it takes to be found is lost."""
    op.execute(
        "UPDATE outbox SET body = left(parts.body, -1) || CASE submissions.kind"
        " WHEN 'links' THEN ',\"job_total\":' || submissions.total || '}' ELSE '}' END"
        " FROM parts JOIN submissions ON submissions.id = parts.submission_id"
        " WHERE outbox.body = '' AND parts.id = outbox.id"
    )
    op.execute("DELETE FROM outbox WHERE body = ''")
    op.execute("ALTER TABLE parts ALTER body SET STORAGE EXTENDED")
    op.drop_column("parts", "link_marks")
