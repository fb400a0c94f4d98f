"""The history of checks in weeks, and its rows without what goes without saying.

Nothing is copied: the table as it is becomes the first partition, which ends a week or two from now. That its rows
are older than this is proved beforehand, while others go on reading and writing; only renaming and attaching keep
them waiting, for milliseconds. Workers of the version before find every column that they write.

Taking it back copies every row, and keeps everybody waiting meanwhile.
"""

import uuid
from datetime import UTC, datetime, timedelta

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

WAS_REQUIRED = ("url", "hops", "timings_ms", "methods", "detail")
PHASES = ("dns", "connect", "tls", "ttfb", "total")


def upgrade() -> None:
    """Apply."""
    until = _end_of_next_week()
    with op.get_context().autocommit_block():
        op.execute("ALTER TABLE checks DROP CONSTRAINT IF EXISTS checks_until")
        op.execute(f"ALTER TABLE checks ADD CONSTRAINT checks_until CHECK (id < '{until}') NOT VALID")
        op.execute("ALTER TABLE checks VALIDATE CONSTRAINT checks_until")
    op.rename_table("checks", "checks_first")
    for name in ("checks_pkey", "checks_by_link", "checks_by_job"):
        op.execute(f"ALTER INDEX {name} RENAME TO {name.replace('checks', 'checks_first')}")
    for name in WAS_REQUIRED:
        op.alter_column("checks_first", name, nullable=True)
    op.add_column("checks_first", sa.Column("ip", sa.Text(), nullable=True))
    for phase in PHASES:
        op.add_column("checks_first", sa.Column(f"{phase}_ms", sa.REAL(), nullable=True))
    op.create_table("checks", *_columns(old=False), postgresql_partition_by="RANGE (id)")
    _make_indexes()
    op.execute("CREATE TABLE checks_default PARTITION OF checks DEFAULT")
    op.execute(f"ALTER TABLE checks ATTACH PARTITION checks_first FOR VALUES FROM (MINVALUE) TO ('{until}')")
    op.execute("ALTER TABLE checks_first DROP CONSTRAINT checks_until")


def downgrade() -> None:
    """Take back."""
    op.rename_table("checks", "checks_in_weeks")
    for name in ("checks_pkey", "checks_by_link", "checks_by_job"):
        op.execute(f"ALTER INDEX {name} RENAME TO {name.replace('checks', 'checks_in_weeks')}")
    op.create_table("checks", *_columns(old=True))
    timings = ", ".join(f"'{phase}', checks.{phase}_ms" for phase in PHASES)
    op.execute(f"""
        INSERT INTO checks (
            id, workspace_id, link_id, job_id, url, verdict, reason, permanence, status_code, final_url, suggested_url,
            hops, timings_ms, methods, attempts, bytes_read, tls_not_after, detail, worker, scheduled_at, started_at,
            checked_at)
        SELECT
            checks.id, checks.workspace_id, checks.link_id, checks.job_id, asked.url, checks.verdict, checks.reason,
            checks.permanence, checks.status_code,
            CASE WHEN checks.timings_ms IS NULL THEN nullif(coalesce(checks.final_url, asked.url), '')
                ELSE checks.final_url END,
            checks.suggested_url,
            coalesce(checks.hops, jsonb_build_array(
                jsonb_build_object('url', asked.url, 'status', checks.status_code, 'ip', checks.ip))),
            coalesce(checks.timings_ms, jsonb_strip_nulls(jsonb_build_object({timings}))),
            coalesce(checks.methods, '{{HEAD}}'), checks.attempts, checks.bytes_read, checks.tls_not_after,
            coalesce(checks.detail, ''), checks.worker, checks.scheduled_at, checks.started_at, checks.checked_at
        FROM checks_in_weeks AS checks LEFT JOIN links ON links.id = checks.link_id
        CROSS JOIN LATERAL (SELECT coalesce(checks.url, links.url, '') AS url) AS asked
    """)  # noqa: S608  # our own names
    op.drop_table("checks_in_weeks")
    _make_indexes()


def _end_of_next_week() -> uuid.UUID:
    today = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    end = today - timedelta(days=today.weekday()) + timedelta(weeks=2)
    return uuid.UUID(int=int(end.timestamp() * 1000) << 80)


def _make_indexes() -> None:
    op.create_index("checks_by_link", "checks", ["link_id", "id"], unique=False)
    op.create_index(
        "checks_by_job",
        "checks",
        ["job_id", "id"],
        unique=False,
        postgresql_where=sa.text("job_id IS NOT NULL"),
    )


def _columns(old: bool) -> list[sa.schema.SchemaItem]:
    added = [] if old else [sa.Column("ip", sa.Text(), nullable=True)]
    added += [] if old else [sa.Column(f"{phase}_ms", sa.REAL(), nullable=True) for phase in PHASES]
    return [
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("workspace_id", sa.Uuid(), nullable=False),
        sa.Column("link_id", sa.Uuid(), nullable=False),
        sa.Column("job_id", sa.Uuid(), nullable=True),
        sa.Column("url", sa.Text(), nullable=not old),
        sa.Column("verdict", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("permanence", sa.Text(), nullable=True),
        sa.Column("status_code", sa.Integer(), nullable=True),
        sa.Column("final_url", sa.Text(), nullable=True),
        sa.Column("suggested_url", sa.Text(), nullable=True),
        sa.Column("hops", postgresql.JSONB(astext_type=sa.Text()), nullable=not old),
        *added,
        sa.Column("timings_ms", postgresql.JSONB(astext_type=sa.Text()), nullable=not old),
        sa.Column("methods", sa.ARRAY(sa.Text()), nullable=not old),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("bytes_read", sa.BigInteger(), nullable=False),
        sa.Column("tls_not_after", sa.DateTime(timezone=True), nullable=True),
        sa.Column("detail", sa.Text(), nullable=not old),
        sa.Column("worker", sa.Text(), nullable=False),
        sa.Column("scheduled_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("checked_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("verdict IN ('ok', 'degraded', 'broken', 'inconclusive', 'skipped')", name="verdict_known"),
        sa.PrimaryKeyConstraint("id", name="checks_pkey"),
    ]
