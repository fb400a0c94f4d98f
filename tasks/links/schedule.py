"""The schedule: which links are due, and a fair share of a tick for each workspace that has some."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import delete, func, select, text
from sqlalchemy.orm import Session

from tasks import wire
from tasks.links.messages import CheckLinks, LinkSpec
from tasks.links.models import LEASES, Lease
from tasks.rows import insert_rows

# Walks from workspace to workspace by the first key of `links_due`, one probe each, however many links they have.
DUE_WORKSPACES = text("""
    WITH RECURSIVE walk AS (
        (SELECT workspace_id FROM links WHERE NOT paused ORDER BY workspace_id LIMIT 1)
        UNION ALL
        SELECT (SELECT links.workspace_id FROM links
                WHERE NOT paused AND links.workspace_id > walk.workspace_id ORDER BY links.workspace_id LIMIT 1)
        FROM walk WHERE walk.workspace_id IS NOT NULL
    )
    SELECT walk.workspace_id FROM walk CROSS JOIN LATERAL (
        SELECT links.next_check_at FROM links
        WHERE NOT paused AND links.workspace_id = walk.workspace_id AND links.next_check_at <= :now
        ORDER BY links.next_check_at LIMIT 1
    ) AS longest
    ORDER BY longest.next_check_at
""")
DUE = """
    SELECT picked.id FROM unnest(CAST(:workspaces AS uuid[])) AS workspace(id)
    CROSS JOIN LATERAL (
        SELECT links.id FROM links
        WHERE NOT links.paused AND links.workspace_id = workspace.id AND links.next_check_at <= :now
        ORDER BY links.next_check_at LIMIT :share
        FOR UPDATE SKIP LOCKED
    ) AS picked
"""
LEASE = text(
    f"WITH due AS MATERIALIZED ({DUE})"  # noqa: S608  # our own words
    " UPDATE links SET next_check_at = :until FROM due WHERE links.id = due.id"
    " RETURNING links.workspace_id, links.url, links.confirming"
)


@dataclass(frozen=True, slots=True)
class Due:
    """A link that this tick has leased."""

    workspace_id: uuid.UUID
    spec: LinkSpec


def waiting_links(session: Session, now: datetime) -> int:
    """How many links are leased and not checked yet."""
    held = select(func.coalesce(func.sum(Lease.links), 0)).where(Lease.ends_at > now)
    return int(session.scalar(held) or 0)


def remember(session: Session, sent: Sequence[CheckLinks], ends_at: datetime) -> None:
    """Note that these parts are on their way."""
    rows = [{"id": part.part_id, "links": len(part.links), "ends_at": ends_at} for part in sent]
    insert_rows(session, LEASES, rows)


def release(session: Session, part_ids: Sequence[uuid.UUID]) -> None:
    """These parts are done."""
    if part_ids:
        session.execute(delete(Lease).where(Lease.id.in_(part_ids)))


def forget(session: Session, now: datetime) -> None:
    """Give up the parts that were lost: their links are due again."""
    session.execute(delete(Lease).where(Lease.ends_at < now))


def lease(session: Session, now: datetime, lease_s: float, limit: int) -> list[Due]:
    """Lease links that are due: the longest due of each workspace, in equal shares while there is room."""
    waiting = list(session.execute(DUE_WORKSPACES, {"now": now}).scalars())
    leased: list[Due] = []
    while waiting and len(leased) < limit:
        share = max(1, (limit - len(leased)) // len(waiting))
        found = _lease(session, waiting[: limit - len(leased)], now, lease_s, share)
        leased += found
        waiting = _unsatisfied(waiting, found, share)
    return leased


def parts(due: Sequence[Due], now: datetime, size: int) -> list[CheckLinks]:
    """The leased links in parts of one workspace each, in turn, so that no workspace waits for all of another."""
    specs: dict[uuid.UUID, list[LinkSpec]] = {}
    for each in due:
        specs.setdefault(each.workspace_id, []).append(each.spec)
    turns: list[tuple[int, CheckLinks]] = []
    for workspace_id, links in specs.items():
        for turn, start in enumerate(range(0, len(links), size)):
            part = CheckLinks(wire.new_id(), workspace_id, now, tuple(links[start : start + size]), leased=True)
            turns.append((turn, part))
    return [part for _, part in sorted(turns, key=lambda each: each[0])]


def _lease(session: Session, workspaces: Sequence[uuid.UUID], now: datetime, lease_s: float, share: int) -> list[Due]:
    values = {"workspaces": list(workspaces), "now": now, "share": share, "until": now + timedelta(seconds=lease_s)}
    rows = session.execute(LEASE, values)
    return [Due(row.workspace_id, LinkSpec(row.url, full=row.confirming)) for row in rows]


def _unsatisfied(waiting: Sequence[uuid.UUID], found: Sequence[Due], share: int) -> list[uuid.UUID]:
    """Those who got their whole share may have more."""
    got: dict[uuid.UUID, int] = {}
    for each in found:
        got[each.workspace_id] = got.get(each.workspace_id, 0) + 1
    return [workspace for workspace in waiting if got.get(workspace, 0) >= share]
