"""Is it we who are ill? Failures that come all at once over many hosts are not believed for a while."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import text
from sqlalchemy.orm import Session

from tasks.links.result import Result
from tasks.links.state import State
from tasks.links.verdict import Permanence, Verdict

ALIVE = (State.UP, State.DEGRADED, State.RECOVERING)


@dataclass(frozen=True, slots=True)
class FreezeRules:
    """Of the links of one part that worked before, more than `share` must fail transiently at once, over at least
    `hosts` hosts. A storm that lasts longer than `longest_s` is the world's, not ours, and is believed."""

    share: float = 0.5
    hosts: int = 5
    longest_s: float = 1800.0


@dataclass(frozen=True, slots=True)
class Seen:
    """One result beside what was known of its link."""

    state: str
    host: str
    result: Result


@dataclass(frozen=True, slots=True)
class Storm:
    """How much failed at once."""

    failed: int
    checked: int
    hosts: int


def storm(seen: Iterable[Seen], rules: FreezeRules) -> Storm | None:
    """Do these results, of one part, fail together? Links that did not work before say nothing about that."""
    before = [each for each in seen if each.state in ALIVE and each.result.verdict is not Verdict.SKIPPED]
    failed = [each for each in before if is_doubtful(each.result)]
    hosts = len({each.host for each in failed})
    if hosts < rules.hosts or len(failed) <= rules.share * len(before):
        return None
    return Storm(len(failed), len(before), hosts)


def is_doubtful(result: Result) -> bool:
    """Could our own side be the reason of this failure?"""
    return result.verdict is Verdict.BROKEN and result.permanence is Permanence.TRANSIENT


@dataclass(frozen=True, slots=True)
class Holding:
    """Whether a workspace's failures are to be held back, and whether that begins now."""

    active: bool
    began: bool = False


def hold(session: Session, workspace_id: uuid.UUID, at: datetime, rules: FreezeRules) -> Holding:
    """Note a storm. Storms with less than the longest freeze between them are one."""
    longest = timedelta(seconds=rules.longest_s)
    started_at, began = session.execute(
        text("""
            INSERT INTO freezes AS known (workspace_id, started_at, seen_at) VALUES (:workspace, :at, :at)
            ON CONFLICT (workspace_id) DO UPDATE SET
                seen_at = greatest(known.seen_at, excluded.seen_at),
                started_at = CASE WHEN known.seen_at < :forgotten THEN excluded.started_at ELSE known.started_at END
            RETURNING started_at, started_at = :at AS began
        """),
        {"workspace": workspace_id, "at": at, "forgotten": at - longest},
    ).one()
    return Holding(at - started_at < longest, bool(began))
