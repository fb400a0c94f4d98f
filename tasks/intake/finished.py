"""Parts that are done: kept for a while, and asked for again of a service that was restored from a backup."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import text
from sqlalchemy.orm import Session

FORGOTTEN_AT_ONCE = 5_000
_COLUMNS = "id, submission_id, workspace_id, name, queue, body, link_marks"


def finish(session: Session, part_ids: Sequence[uuid.UUID]) -> int:
    """Strike parts off, and keep them; returns how many there were."""
    query = f"""
        WITH gone AS (DELETE FROM parts WHERE id = ANY(:ids) RETURNING {_COLUMNS}),
        kept AS (
            INSERT INTO parts_finished ({_COLUMNS}) SELECT {_COLUMNS} FROM gone
            ON CONFLICT (id) DO UPDATE SET finished_at = now())
        SELECT count(*) FROM gone
    """  # noqa: S608  # names from our own models
    return session.scalar(text(query), {"ids": list(part_ids)}) or 0


def ask_again(session: Session, queues: Sequence[str], since: datetime) -> int:
    """Take up again what was asked through these queues and has been done since then; returns how many parts.

    The sweeper sends them, as many at once as it always does. Whoever has done one says so again.
    """
    query = f"""
        WITH gone AS (
            DELETE FROM parts_finished WHERE queue = ANY(:queues) AND finished_at >= :since RETURNING {_COLUMNS}),
        again AS (
            INSERT INTO parts ({_COLUMNS}, leased_until) SELECT {_COLUMNS}, now() FROM gone
            ON CONFLICT (id) DO NOTHING RETURNING submission_id),
        reopened AS (
            UPDATE submissions SET finished_at = NULL WHERE id IN (SELECT submission_id FROM again))
        SELECT count(*) FROM again
    """  # noqa: S608
    return session.scalar(text(query), {"queues": list(queues), "since": since}) or 0


def forget(session: Session, kept_s: float) -> None:
    """Forget some of what was done longer ago."""
    query = """
        DELETE FROM parts_finished WHERE id = ANY(ARRAY(
            SELECT id FROM parts_finished WHERE finished_at < now() - make_interval(secs => :kept_s)
            ORDER BY finished_at LIMIT :limit FOR UPDATE SKIP LOCKED))
    """
    session.execute(text(query), {"kept_s": kept_s, "limit": FORGOTTEN_AT_ONCE})
