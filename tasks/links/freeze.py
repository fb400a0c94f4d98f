"""Is it we who are ill? Failures that come all at once over many hosts are not believed for a while."""

from __future__ import annotations

import math
import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import text
from sqlalchemy.orm import Session

from tasks.links.models import IN_TROUBLE
from tasks.links.result import Result
from tasks.links.state import State
from tasks.links.verdict import Permanence, Verdict

# A failure takes longer to be found than a success: what was checked beside it was known before it.
SLACK = timedelta(minutes=2)

FAILED_SINCE = text(f"""
    SELECT count(*), count(DISTINCT host) FROM links
    WHERE workspace_id = :workspace AND {IN_TROUBLE} AND state <> 'recovering'
    AND permanence = '{Permanence.TRANSIENT}' AND failing_since >= :since AND recent LIKE '%+%'
""")  # noqa: S608  # our own words
ALIVE_SINCE = text("""
    SELECT count(*) FROM (
        SELECT FROM links WHERE workspace_id = :workspace AND state IN ('up', 'degraded')
        AND last_checked_at >= :since LIMIT :enough) AS alive
""")
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
    failing_since: datetime | None = None


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


def doubted_since(seen: Iterable[Seen]) -> datetime | None:
    """When the first of those failures began that one of these results may confirm."""
    confirming = [each.failing_since for each in seen if each.state == State.FAILING and is_doubtful(each.result)]
    return min((since for since in confirming if since), default=None)


def long_storm(session: Session, workspace_id: uuid.UUID, since: datetime, rules: FreezeRules) -> Storm | None:
    """Did links fail together since then that were checked one by one? Of a part with few links `storm` sees nothing.

    As there, only links count that have worked, in the checks that are remembered of them.
    """
    values = {"workspace": workspace_id, "since": since - SLACK}
    failed, hosts = session.execute(FAILED_SINCE, values).one()
    if hosts < rules.hosts or rules.share >= 1:
        return None
    # So many that work make it no storm; none beyond them needs to be counted.
    enough = math.ceil(failed * (1 - rules.share) / rules.share) if rules.share else failed
    alive = session.scalar(ALIVE_SINCE, {**values, "enough": enough}) or 0
    return Storm(failed, failed + alive, hosts) if failed > rules.share * (failed + alive) else None


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
