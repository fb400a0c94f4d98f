"""The first tables."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "channels",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("workspace_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("target", sa.Text(), nullable=False),
        sa.Column("secret", sa.LargeBinary(), nullable=True),
        sa.Column("failures", sa.Integer(), server_default="0", nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("deleted_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("(secret IS NOT NULL) = (kind = 'webhook' AND deleted_at IS NULL)", name="webhooks_sign"),
        sa.CheckConstraint("kind IN ('webhook', 'email')", name="kind_known"),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(
        "channels_by_workspace",
        "channels",
        ["workspace_id", "id"],
        unique=False,
        postgresql_where=sa.text("deleted_at IS NULL"),
    )
    op.create_table(
        "deliveries",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("workspace_id", sa.Uuid(), nullable=False),
        sa.Column("event_id", sa.Uuid(), nullable=False),
        sa.Column("channel_id", sa.Uuid(), nullable=True),
        sa.Column("channel_kind", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("payload", sa.Text(), nullable=False),
        sa.Column("link_id", sa.Uuid(), nullable=True),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("error", sa.Text(), server_default="", nullable=False),
        sa.Column("next_attempt_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("leased_until", sa.DateTime(timezone=True), nullable=False),
        sa.Column("traceparent", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("(finished_at IS NOT NULL) = (state IN ('succeeded', 'failed'))", name="finished_ends"),
        sa.CheckConstraint("state IN ('pending', 'sending', 'succeeded', 'failed')", name="state_known"),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("event_id", "channel_id", name="each_channel_once", postgresql_nulls_not_distinct=True),
    )
    op.create_index("deliveries_by_channel", "deliveries", ["channel_id", "id"], unique=False)
    op.create_index(
        "deliveries_by_link",
        "deliveries",
        ["link_id", "id"],
        unique=False,
        postgresql_where=sa.text("link_id IS NOT NULL"),
    )
    op.create_index("deliveries_by_workspace", "deliveries", ["workspace_id", "id"], unique=False)
    op.create_index(
        "deliveries_sending", "deliveries", ["channel_id"], unique=False, postgresql_where=sa.text("state = 'sending'")
    )
    op.create_index(
        "deliveries_unfinished",
        "deliveries",
        ["leased_until"],
        unique=False,
        postgresql_where=sa.text("finished_at IS NULL"),
    )
    op.create_table(
        "outbox",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("exchange", sa.Text(), nullable=False),
        sa.Column("routing_key", sa.Text(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("traceparent", sa.Text(), nullable=False),
        sa.Column("request_id", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_table(
        "attempts",
        sa.Column("delivery_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ok", sa.Boolean(), nullable=False),
        sa.Column("status", sa.Integer(), nullable=True),
        sa.Column("latency_ms", sa.Double(), nullable=False),
        sa.Column("answer", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["delivery_id"], ["deliveries.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("delivery_id", "number"),
    )


def downgrade() -> None:
    """Take back."""
    op.drop_table("attempts")
    op.drop_table("outbox")
    op.drop_index("deliveries_unfinished", table_name="deliveries", postgresql_where=sa.text("finished_at IS NULL"))
    op.drop_index("deliveries_sending", table_name="deliveries", postgresql_where=sa.text("state = 'sending'"))
    op.drop_index("deliveries_by_workspace", table_name="deliveries")
    op.drop_index("deliveries_by_link", table_name="deliveries", postgresql_where=sa.text("link_id IS NOT NULL"))
    op.drop_index("deliveries_by_channel", table_name="deliveries")
    op.drop_table("deliveries")
    op.drop_index("channels_by_workspace", table_name="channels", postgresql_where=sa.text("deleted_at IS NULL"))
    op.drop_table("channels")
