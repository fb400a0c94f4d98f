"""Incidents of one host are one group."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

IN_TROUBLE = "state IN ('failing', 'broken', 'recovering')"


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "incident_groups",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("workspace_id", sa.Uuid(), nullable=False),
        sa.Column("host", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("joined_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("acknowledged_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("acknowledged_by", sa.Text(), nullable=True),
        sa.Column("resolved_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("told", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("look_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("formed_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("groups_by_age", "incident_groups", ["workspace_id", "id"])
    op.create_index(
        "open_groups", "incident_groups", ["workspace_id", "host"], postgresql_where=sa.text("resolved_at IS NULL")
    )
    op.create_index("groups_to_settle", "incident_groups", ["look_at"], postgresql_where=sa.text("look_at IS NOT NULL"))
    op.add_column("incidents", sa.Column("group_id", sa.Uuid(), nullable=True))
    op.create_foreign_key(
        "incidents_group_id_fkey", "incidents", "incident_groups", ["group_id"], ["id"], ondelete="SET NULL"
    )
    op.create_index(
        "incidents_by_group", "incidents", ["group_id", "id"], postgresql_where=sa.text("group_id IS NOT NULL")
    )
    op.create_table(
        "held_breaks",
        sa.Column("incident_id", sa.Uuid(), nullable=False),
        sa.Column("workspace_id", sa.Uuid(), nullable=False),
        sa.Column("host", sa.Text(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("traceparent", sa.Text(), nullable=False),
        sa.Column("held_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(["incident_id"], ["incidents.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("incident_id"),
    )
    op.create_index("links_in_trouble", "links", ["workspace_id", "host"], postgresql_where=sa.text(IN_TROUBLE))


def downgrade() -> None:
    """Take back."""
    op.drop_index("links_in_trouble", table_name="links")
    op.drop_table("held_breaks")
    op.drop_index("incidents_by_group", table_name="incidents")
    op.drop_constraint("incidents_group_id_fkey", "incidents")
    op.drop_column("incidents", "group_id")
    op.drop_table("incident_groups")
