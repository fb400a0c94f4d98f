"""What checks came to over a time: uptime, counts and latencies of a link, a tag or a workspace."""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from tasks.links import rollup
from tasks.links.models import Link, LinkDay, LinkHour, WorkspaceHour
from tasks.links.rollup import DAYS, HOUR, HOURS, VERDICTS, Step
from tasks.links.sketch import percentiles
from tasks.links.uptime import Uptime, share, uptimes
from tasks.wire import first_id

# Longer than this is shown by the day.
BY_HOUR = timedelta(days=7)
ROLLED: tuple[tuple[Any, Step], ...] = ((LinkDay, DAYS), (LinkHour, HOURS))
# Checks of which no hour is counted yet.
RECENT = text(f"""
    SELECT checks.id, checks.verdict,
        CASE WHEN checks.status_code IS NOT NULL AND {rollup.LATENCY} IS NOT NULL THEN {rollup.BUCKET} END AS bucket
    FROM checks WHERE checks.link_id = :link AND checks.id >= :first AND checks.id < :next
""")  # noqa: S608  # our own words


@dataclass
class Tallied:
    """Checks by verdict, and latencies by bucket."""

    checks: Counter[str] = field(default_factory=Counter)
    latencies: Counter[int] = field(default_factory=Counter)

    def add(self, row: Any) -> None:
        """Add a row of a rollup."""
        self.checks.update({verdict: getattr(row, verdict) for verdict in VERDICTS})
        self.latencies.update(dict(zip(row.buckets, row.counts, strict=True)))


@dataclass(frozen=True)
class UptimeView:
    """How much of the time a link was up, and what its checks came to."""

    since: datetime
    until: datetime
    uptime: float | None
    watched_s: float
    down_s: float
    excused_s: float
    incidents: int
    checks: dict[str, int]


@dataclass(frozen=True)
class LatencyPoint:
    """An hour or a day of checks."""

    at: datetime
    checks: int
    p50_ms: float
    p95_ms: float
    p99_ms: float


@dataclass(frozen=True)
class LatencyView:
    """How long a link took to answer, as a whole and step by step."""

    since: datetime
    until: datetime
    step_s: int
    checks: int
    p50_ms: float | None
    p95_ms: float | None
    p99_ms: float | None
    points: list[LatencyPoint]


@dataclass(frozen=True)
class SummaryView:
    """A workspace's links, or those with a tag, all together, up to the last hour that was counted."""

    since: datetime
    until: datetime
    links: int
    uptime: float | None
    watched_s: float
    down_s: float
    checks: dict[str, int]
    p50_ms: float | None
    p95_ms: float | None
    p99_ms: float | None


def get_uptime(
    session: Session, workspace_id: uuid.UUID, link_id: uuid.UUID, window: timedelta, now: datetime
) -> UptimeView | None:
    """The link's uptime, if it is this workspace's."""
    if not _is_known(session, workspace_id, link_id):
        return None
    since = now - window
    up = uptimes(session, [link_id], since, now).get(link_id, Uptime(0, 0, 0, 0))
    checks: Counter[str] = Counter(dict.fromkeys(VERDICTS, 0))
    for tallied in _series(session, link_id, since, now).values():
        checks.update(tallied.checks)
    return UptimeView(since, now, up.share, up.watched_s, up.down_s, up.excused_s, up.incidents, dict(checks))


def get_latency(
    session: Session, workspace_id: uuid.UUID, link_id: uuid.UUID, window: timedelta, now: datetime
) -> LatencyView | None:
    """The link's latencies, if it is this workspace's."""
    if not _is_known(session, workspace_id, link_id):
        return None
    series = _series(session, link_id, now - window, now)
    whole: Counter[int] = Counter()
    for tallied in series.values():
        whole.update(tallied.latencies)
    step_s = int(_step(window).lasts.total_seconds())
    return LatencyView(now - window, now, step_s, whole.total(), **_percentiles(whole), points=list(_points(series)))


def get_summary(session: Session, workspace_id: uuid.UUID, tag: str, window: timedelta, now: datetime) -> SummaryView:
    """All of a workspace's links together, or those with a tag."""
    query = select(WorkspaceHour).where(
        WorkspaceHour.workspace_id == workspace_id, WorkspaceHour.tag == tag, WorkspaceHour.at >= now - window
    )
    hours = session.scalars(query.order_by(WorkspaceHour.at)).all()
    whole = Tallied(Counter(dict.fromkeys(VERDICTS, 0)))
    for hour in hours:
        whole.add(hour)
    watched_s, down_s = sum(hour.watched_s for hour in hours), sum(hour.down_s for hour in hours)
    return SummaryView(
        since=hours[0].at if hours else now - window,
        until=hours[-1].at + HOUR if hours else now,
        links=hours[-1].links if hours else 0,
        uptime=share(watched_s, down_s),
        watched_s=watched_s,
        down_s=down_s,
        checks=dict(whole.checks),
        **_percentiles(whole.latencies),
    )


def _is_known(session: Session, workspace_id: uuid.UUID, link_id: uuid.UUID) -> bool:
    return session.scalar(select(Link.id).where(Link.id == link_id, Link.workspace_id == workspace_id)) is not None


def _step(window: timedelta) -> Step:
    return HOURS if window <= BY_HOUR else DAYS


def _series(session: Session, link_id: uuid.UUID, since: datetime, until: datetime) -> dict[datetime, Tallied]:
    """What was found, step by step: from days that are counted, then hours that are, then the checks themselves."""
    step = _step(until - since)
    series: dict[datetime, Tallied] = {}
    begun = step.start(since)
    for table, counted in ROLLED:
        if counted is HOURS or step is DAYS:
            done = rollup.done_until(session, counted) or begun
            query = select(table).where(table.link_id == link_id, table.at >= begun, table.at < done)
            for row in session.scalars(query.order_by(table.at)):
                series.setdefault(step.start(row.at), Tallied()).add(row)
            begun = max(begun, done)
    values = {"link": link_id, "first": first_id(begun), "next": first_id(until)}
    for check in session.execute(RECENT, values):
        at = step.start(datetime.fromtimestamp((check.id.int >> 80) / 1000, UTC))
        tallied = series.setdefault(at, Tallied())
        tallied.checks[check.verdict] += 1
        if check.bucket is not None:
            tallied.latencies[check.bucket] += 1
    return dict(sorted(series.items()))


def _points(series: dict[datetime, Tallied]) -> Iterator[LatencyPoint]:
    for at, tallied in series.items():
        if found := percentiles(tallied.latencies):
            yield LatencyPoint(at, tallied.latencies.total(), found.p50_ms, found.p95_ms, found.p99_ms)


def _percentiles(latencies: Counter[int]) -> dict[str, float | None]:
    found = percentiles(latencies)
    return {name: getattr(found, name, None) for name in ("p50_ms", "p95_ms", "p99_ms")}
