"""Reads of links, checks and jobs for outsiders: frozen values whose fields are those of contracts/links.proto."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Column, ColumnElement, Row, Select, Uuid, cast, func, select, tuple_
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Session

from config import telemetry
from tasks import clock
from tasks.links import checks, tailoring
from tasks.links.models import CHECKS, LINKS, Job, Link
from tasks.links.suggestion import Suggestion, suggest
from tasks.links.uptime import UPTIME_SPAN, uptimes
from tasks.rows import as_json


@dataclass(frozen=True)
class LinkView:
    """A link as people see it."""

    id: uuid.UUID
    url: str
    state: str
    verdict: str | None
    reason: str | None
    permanence: str | None
    since: datetime
    last_checked_at: datetime | None
    next_check_at: datetime
    interval_s: int
    tags: list[str]
    external_id: str | None
    status_code: int | None
    final_url: str | None
    suggested_url: str | None
    latency_ms: float | None
    suggestion: Suggestion | None
    incident_id: uuid.UUID | None
    created_at: datetime
    version: int
    paused: bool
    ignored: bool
    muted_until: datetime | None
    badge: bool
    flapping: bool
    confirm_hard: int | None
    confirm_transient: int | None
    min_confirm_s: float | None
    trace_id: str
    uptime_30d: float | None
    options_json: str


@dataclass(frozen=True)
class CheckView:
    """One result as people see it."""

    id: uuid.UUID
    link_id: uuid.UUID
    job_id: uuid.UUID | None
    url: str
    verdict: str
    reason: str
    permanence: str | None
    status_code: int | None
    final_url: str | None
    suggested_url: str | None
    hops: list[dict[str, Any]]
    timings_ms: dict[str, float]
    methods: list[str]
    attempts: int
    bytes_read: int
    tls_not_after: datetime | None
    detail: str
    worker: str
    scheduled_at: datetime
    started_at: datetime
    checked_at: datetime


@dataclass(frozen=True)
class SourceView:
    """What came of reading the page or sitemap whose links a job checks; `new` and `known` of a dry run."""

    kind: str
    url: str
    error: str
    duplicates: int
    rejected_count: int
    new: int | None = None
    known: int | None = None


@dataclass(frozen=True)
class JobView:
    """A job's progress."""

    id: uuid.UUID
    state: str
    total: int
    done: int
    verdicts: dict[str, int]
    started_at: datetime
    finished_at: datetime | None
    source: SourceView | None


@dataclass(frozen=True)
class LinkFilter:
    """Which links; an empty text is any."""

    state: str = ""
    verdict: str = ""
    reason: str = ""
    tag: str = ""
    host: str = ""
    q: str = ""

    def clauses(self) -> list[ColumnElement[bool]]:
        """The filter as conditions on the links table."""
        exact = {
            Link.state: self.state,
            Link.verdict: self.verdict,
            Link.reason: self.reason,
            Link.host: self.host,
        }
        found: list[ColumnElement[bool]] = [column == value for column, value in exact.items() if value]
        if self.tag:
            found.append(Link.tags.contains([self.tag]))
        if self.q:
            found.append(Link.url.icontains(self.q, autoescape=True))
        return found


def get_link(session: Session, workspace_id: uuid.UUID, link_id: uuid.UUID) -> LinkView | None:
    """The link, if it is this workspace's."""
    link = session.scalar(select(Link).where(Link.id == link_id, Link.workspace_id == workspace_id))
    return next(iter(_views(session, [link])), None) if link else None


def list_links(
    session: Session, workspace_id: uuid.UUID, limit: int, after: str, wanted: LinkFilter
) -> tuple[list[LinkView], str]:
    """Links, newest first, and where the next page starts."""
    query = select(Link).where(Link.workspace_id == workspace_id, *wanted.clauses())
    if after:
        query = query.where(_older_than(after))
    links = session.scalars(query.order_by(Link.created_at.desc(), Link.id.desc()).limit(limit + 1)).all()
    following = f"{links[limit - 1].created_at.isoformat()} {links[limit - 1].id}" if len(links) > limit else ""
    return _views(session, links[:limit]), following


def select_ids(
    session: Session, workspace_id: uuid.UUID, limit: int, after: str, wanted: LinkFilter
) -> tuple[list[uuid.UUID], str]:
    """Ids of links, and where the next page starts. Links that leave the filter meanwhile do not shift it."""
    rows, following = _page_by_age(session, workspace_id, limit, after, wanted, LINKS.c.id)
    return [row.id for row in rows], following


def select_urls(
    session: Session, workspace_id: uuid.UUID, limit: int, after: str, wanted: LinkFilter
) -> tuple[list[str], str]:
    """URLs of links, and where the next page starts."""
    rows, following = _page_by_age(session, workspace_id, limit, after, wanted, LINKS.c.url)
    return [row.url for row in rows], following


def count_links(session: Session, workspace_id: uuid.UUID, wanted: LinkFilter) -> int:
    """How many links there are."""
    query = select(func.count()).select_from(Link).where(Link.workspace_id == workspace_id, *wanted.clauses())
    return session.scalar(query) or 0


def list_checks(
    session: Session, workspace_id: uuid.UUID, link_id: uuid.UUID, limit: int, after: str
) -> tuple[list[CheckView], str]:
    """A link's checks, newest first."""
    query = _checks().where(CHECKS.c.workspace_id == workspace_id, CHECKS.c.link_id == link_id)
    if after:
        query = query.where(CHECKS.c.id < uuid.UUID(after))
    return _page(session.execute(query.order_by(CHECKS.c.id.desc()).limit(limit + 1)).all(), limit)


def count_known(session: Session, workspace_id: uuid.UUID, ids: Sequence[uuid.UUID]) -> int:
    """How many of these links this workspace has."""
    # One array instead of thousands of parameters.
    wanted = func.unnest(cast(list(ids), ARRAY(Uuid))).column_valued("id")
    query = select(func.count()).select_from(Link).where(Link.workspace_id == workspace_id, Link.id.in_(select(wanted)))
    return session.scalar(query) or 0


def get_job(session: Session, workspace_id: uuid.UUID, job_id: uuid.UUID) -> JobView | None:
    """A job that links has begun, if it is this workspace's."""
    job = session.scalar(select(Job).where(Job.id == job_id, Job.workspace_id == workspace_id))
    if job is None:
        return None
    state = "finished" if job.finished_at else "running"
    source = SourceView(**job.source) if job.source else None
    return JobView(job.id, state, job.total, job.done, job.verdicts, job.started_at, job.finished_at, source)


def list_results(
    session: Session, workspace_id: uuid.UUID, job_id: uuid.UUID, limit: int, after: str, verdict: str
) -> tuple[list[CheckView], str]:
    """A job's results in the order in which they came."""
    query = _checks().where(CHECKS.c.workspace_id == workspace_id, CHECKS.c.job_id == job_id)
    if verdict:
        query = query.where(CHECKS.c.verdict == verdict)
    if after:
        query = query.where(CHECKS.c.id > uuid.UUID(after))
    return _page(session.execute(query.order_by(CHECKS.c.id).limit(limit + 1)).all(), limit)


def _page(rows: Any, limit: int) -> tuple[list[CheckView], str]:
    views = [_check(row) for row in rows[:limit]]
    return views, str(views[-1].id) if len(rows) > limit else ""


def _checks() -> Select[Any]:
    """Checks with the URLs that were checked; those of a link that was removed are gone with it."""
    url = func.coalesce(CHECKS.c.url, LINKS.c.url)
    columns = [column for column in CHECKS.c if column.name != "url"]
    query = select(*columns, url.label("url")).join_from(CHECKS, LINKS, LINKS.c.id == CHECKS.c.link_id, isouter=True)
    return query.where(url.is_not(None))


def _check(row: Row[Any]) -> CheckView:
    told = row._asdict()
    names = CheckView.__dataclass_fields__.keys() - checks.SHORTENED
    return CheckView(**{name: told[name] for name in names}, **checks.in_full(told))


def _page_by_age(
    session: Session, workspace_id: uuid.UUID, limit: int, after: str, wanted: LinkFilter, *columns: Column[Any]
) -> tuple[Sequence[Any], str]:
    query = select(*columns, LINKS.c.created_at, LINKS.c.id.label("last"))
    query = query.where(LINKS.c.workspace_id == workspace_id, *wanted.clauses())
    if after:
        query = query.where(_older_than(after))
    rows = session.execute(query.order_by(LINKS.c.created_at.desc(), LINKS.c.id.desc()).limit(limit + 1)).all()
    following = f"{rows[limit - 1].created_at.isoformat()} {rows[limit - 1].last}" if len(rows) > limit else ""
    return rows[:limit], following


def _older_than(after: str) -> ColumnElement[bool]:
    created_at, _, last = after.partition(" ")
    return tuple_(Link.created_at, Link.id) < (datetime.fromisoformat(created_at), uuid.UUID(last))


def _views(session: Session, links: Sequence[Link]) -> list[LinkView]:
    now = clock.now()
    up = uptimes(session, [link.id for link in links], now - UPTIME_SPAN, now)
    options = tailoring.read(session, [link.id for link in links])
    names = LinkView.__dataclass_fields__.keys() - {"trace_id", "uptime_30d", "options_json", "suggestion"}
    return [
        LinkView(
            **{name: getattr(link, name) for name in names},
            trace_id=telemetry.trace_id_of(link.traceparent),
            suggestion=suggest(link.reason, link.permanence, link.suggested_url, link.archived_url),
            uptime_30d=up[link.id].share if link.id in up else None,
            options_json=as_json(options[link.id].shown) if link.id in options else "{}",
        )
        for link in links
    ]
