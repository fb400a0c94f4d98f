"""What of a part is to be fetched, what is skipped and why, and what is no longer its business."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from tasks.links import windows
from tasks.links.messages import CheckLinks, LinkSpec, link_id
from tasks.links.models import LINKS
from tasks.links.result import Result
from tasks.links.verdict import JUDGEMENTS, Reason
from tasks.links.windows import Scope
from tasks.urls import host_of

COLUMNS = (LINKS.c.id, LINKS.c.interval_s, LINKS.c.tags, LINKS.c.paused, LINKS.c.last_checked_at)


@dataclass
class Plan:
    """The links to fetch, and the results of those that need no fetching."""

    due: list[LinkSpec] = field(default_factory=list)
    skipped: dict[LinkSpec, Result] = field(default_factory=dict)

    def joined(self, message: CheckLinks, fetched: Sequence[Result]) -> tuple[CheckLinks, list[Result]]:
        """The part without what is no longer its business, and a result for each link that is left."""
        results = self.skipped | dict(zip(self.due, fetched, strict=True))
        links = tuple(spec for spec in message.links if spec in results)
        return replace(message, links=links), [results[spec] for spec in links]


def plan(session: Session, message: CheckLinks, at: datetime, late_s: float) -> Plan:
    """Read what has become of the part's links since it was sent. `late_s` late is no link's missed window yet."""
    if not message.keep:
        return Plan(due=list(message.links))
    scopes = windows.open_at(session, message.workspace_id, at)
    known = _known(session, message) if message.leased or any(scope.tag for scope in scopes) else {}
    found = Plan()
    for spec in message.links:
        link = known.get(link_id(message.workspace_id, spec.url))
        if message.leased and not _is_wanted(link, message.scheduled_at):
            continue
        reason = _reason_to_skip(spec, link, message, scopes, at, late_s)
        if reason:
            found.skipped[spec] = skipped(spec, reason, at)
        else:
            found.due.append(spec)
    return found


def skipped(spec: LinkSpec, reason: Reason, at: datetime) -> Result:
    """The result of a check that was not made."""
    judged = JUDGEMENTS[reason]
    return Result(
        verdict=judged.verdict,
        reason=judged.reason,
        permanence=judged.permanence,
        status_code=None,
        final_url=spec.url,
        suggested_url=None,
        hops=(),
        methods=(),
        attempts=0,
        timings_ms={},
        tls_not_after=None,
        bytes_read=0,
        retry_after_s=None,
        started_at=at,
        finished_at=at,
        detail="",
    )


def _known(session: Session, message: CheckLinks) -> dict[uuid.UUID, Any]:
    ids = [link_id(message.workspace_id, spec.url) for spec in message.links]
    return {row.id: row for row in session.execute(select(*COLUMNS).where(LINKS.c.id.in_(ids)))}


def _is_wanted(link: Any, since: datetime) -> bool:
    """A link that was removed, paused or checked since it was leased needs no check of this part."""
    return link is not None and not link.paused and (link.last_checked_at is None or link.last_checked_at < since)


def _reason_to_skip(
    spec: LinkSpec, link: Any, message: CheckLinks, scopes: list[Scope], at: datetime, late_s: float
) -> Reason | None:
    # A part that was put back is late because its host asked for that.
    punctual = message.leased and link and not message.deferrals
    if punctual and at - message.scheduled_at > timedelta(seconds=max(link.interval_s, late_s)):
        return Reason.MISSED_WINDOW
    tags = link.tags if link else spec.tags or ()
    if any(scope.covers(host_of(spec.url), tags) for scope in scopes):
        return Reason.MAINTENANCE
    return None
