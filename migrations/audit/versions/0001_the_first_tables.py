"""The first tables."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

# What is on record stays. Disabling this takes the table's owner, and shows in the schema.
APPEND_ONLY = """
CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the audit record is append-only: % of events is refused', TG_OP
        USING ERRCODE = 'insufficient_privilege';
END $$;
CREATE TRIGGER events_keep_rows BEFORE UPDATE OR DELETE ON events
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER events_keep_table BEFORE TRUNCATE ON events
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
"""


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "events",
        sa.Column("seq", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("event_id", sa.Uuid(), nullable=False),
        sa.Column("workspace_id", sa.Uuid(), nullable=True),
        sa.Column("occurred_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("service", sa.Text(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("resource_kind", sa.Text(), nullable=False),
        sa.Column("resource_id", sa.Text(), nullable=False),
        sa.Column("resource_name", sa.Text(), nullable=False),
        sa.Column("ip", sa.Text(), nullable=False),
        sa.Column("user_agent", sa.Text(), nullable=False),
        sa.Column("request_id", sa.Text(), nullable=False),
        sa.Column("trace_id", sa.Text(), nullable=False),
        sa.Column("details", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.CheckConstraint("outcome IN ('success', 'denied', 'failure')", name="outcome_known"),
        sa.PrimaryKeyConstraint("seq"),
        sa.UniqueConstraint("event_id"),
    )
    op.create_index("events_by_action", "events", ["workspace_id", "action", "seq"], unique=False)
    op.create_index(
        "events_by_link",
        "events",
        [sa.literal_column("(details->>'link_id')")],
        unique=False,
        postgresql_where=sa.text("details ? 'link_id'"),
    )
    op.create_index(
        "events_by_links",
        "events",
        [sa.literal_column("(details->'link_ids')")],
        unique=False,
        postgresql_using="gin",
        postgresql_where=sa.text("details ? 'link_ids'"),
    )
    op.create_index(
        "events_by_resource", "events", ["resource_id"], unique=False, postgresql_where=sa.text("resource_id <> ''")
    )
    op.create_index("events_by_time", "events", ["occurred_at"], unique=False, postgresql_using="brin")
    op.create_index("events_by_trace", "events", ["trace_id"], unique=False, postgresql_where=sa.text("trace_id <> ''"))
    op.create_index("events_by_workspace", "events", ["workspace_id", "seq"], unique=False)
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
    op.execute(APPEND_ONLY)


def downgrade() -> None:
    """Take back."""
    op.drop_table("outbox")
    op.drop_index("events_by_workspace", table_name="events")
    op.drop_index("events_by_trace", table_name="events", postgresql_where=sa.text("trace_id <> ''"))
    op.drop_index("events_by_time", table_name="events", postgresql_using="brin")
    op.drop_index("events_by_resource", table_name="events", postgresql_where=sa.text("resource_id <> ''"))
    op.drop_index("events_by_links", table_name="events", postgresql_using="gin")
    op.drop_index("events_by_link", table_name="events", postgresql_where=sa.text("details ? 'link_id'"))
    op.drop_index("events_by_action", table_name="events")
    op.drop_table("events")
    op.execute("DROP FUNCTION refuse_change()")
