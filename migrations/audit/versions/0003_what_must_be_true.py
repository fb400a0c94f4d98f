"""The database refuses what cannot be sent."""

from migrations import online

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

CHECKS = {
    "outbox": {"addressed": "name <> '' AND exchange <> '' AND routing_key <> '' AND body <> ''"},
}


def upgrade() -> None:
    """Apply."""
    for table, checks in CHECKS.items():
        online.constrain(table, checks)


def downgrade() -> None:
    """Take back."""
    for table, checks in CHECKS.items():
        online.release(table, *checks)
