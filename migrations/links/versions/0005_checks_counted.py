"""Checks counted by hour and day, and the times that do not count as down."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply. Of a pause that goes on, only what is left of it is known."""
    _make("link_hours", sa.Column("link_id", sa.Uuid(), nullable=False))
    op.create_index("link_hours_by_time", "link_hours", ["at"], unique=False)
    _make("link_days", sa.Column("link_id", sa.Uuid(), nullable=False))
    _make(
        "workspace_hours",
        sa.Column("workspace_id", sa.Uuid(), nullable=False),
        sa.Column("tag", sa.Text(), nullable=False),
        more=(
            sa.Column("links", sa.Integer(), nullable=False),
            sa.Column("watched_s", sa.Double(), nullable=False),
            sa.Column("down_s", sa.Double(), nullable=False),
        ),
    )
    op.create_table(
        "rolled_up",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("until", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("name"),
    )
    op.create_table(
        "pauses",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("link_id", sa.Uuid(), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["link_id"], ["links.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("pauses_by_link", "pauses", ["link_id", "started_at"], unique=False)
    op.execute("INSERT INTO pauses SELECT gen_random_uuid(), id, now(), NULL FROM links WHERE paused")
    op.create_table(
        "maintained",
        sa.Column("window_id", sa.Uuid(), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("workspace_id", sa.Uuid(), nullable=False),
        sa.Column("host", sa.Text(), nullable=True),
        sa.Column("tag", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("window_id", "started_at"),
    )
    op.create_index("maintained_by_workspace", "maintained", ["workspace_id", "ended_at"], unique=False)


def downgrade() -> None:
    """Take back."""
    for table in ("maintained", "pauses", "rolled_up", "workspace_hours", "link_days", "link_hours"):
        op.drop_table(table)


def _make(table: str, *key: sa.Column, more: tuple[sa.Column, ...] = ()) -> None:
    op.create_table(
        table,
        *key,
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        *more,
        *(
            sa.Column(verdict, sa.Integer(), nullable=False)
            for verdict in ("ok", "degraded", "broken", "inconclusive", "skipped")
        ),
        sa.Column("buckets", postgresql.ARRAY(sa.SmallInteger()), nullable=False),
        sa.Column("counts", postgresql.ARRAY(sa.Integer()), nullable=False),
        sa.PrimaryKeyConstraint(*(column.name for column in key), "at"),
        postgresql_partition_by="RANGE (at)",
    )
    op.execute(f"CREATE TABLE {table}_default PARTITION OF {table} DEFAULT")
