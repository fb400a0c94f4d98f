"""What of a part is to be fetched, what is skipped and why, and what is no longer its business."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from config.settings import Links
from tasks.links import layers, windows
from tasks.links.layers import Layers
from tasks.links.messages import CheckLinks, LinkSpec, link_id
from tasks.links.models import LINKS
from tasks.links.result import Result, Target
from tasks.links.verdict import JUDGEMENTS, Reason
from tasks.links.windows import Scope
from tasks.rows import among
from tasks.urls import host_of
from tasks.vault import Vault, VaultError

KNOWN = select(LINKS.c.url, LINKS.c.interval_s, LINKS.c.tags, LINKS.c.paused, LINKS.c.last_checked_at).where(
    among(LINKS.c.id, "ids")
)


@dataclass
class Plan:
    """The links to fetch and how, and the results of those that need no fetching; all by these `settings`.

    `targets` and `skipped` are found by URL: a part holds no URL twice.
    """

    settings: Links
    came_back: bool = False
    due: list[LinkSpec] = field(default_factory=list)
    targets: dict[str, Target] = field(default_factory=dict)
    skipped: dict[str, Result] = field(default_factory=dict)

    def fetch(self, spec: LinkSpec, layers: Layers, at: datetime) -> None:
        """Plan to fetch a link, with what is set for it."""
        try:
            target = layers.target(spec)
        except VaultError as error:
            self.skipped[spec.url] = skipped(spec, Reason.CHECKER_ERROR, at, str(error))
        else:
            self.targets[spec.url] = replace(target, waited=True) if self.came_back else target
            self.due.append(spec)

    def joined(
        self, message: CheckLinks, due: Sequence[LinkSpec], fetched: Sequence[Result]
    ) -> tuple[CheckLinks, list[Result]]:
        """The part without what is no longer its business, and a result for each link that is left.

        `fetched` are the results of `due`, which may be fewer than were planned.
        """
        if len(fetched) == len(message.links):
            return message, list(fetched)
        results = self.skipped | {spec.url: result for spec, result in zip(due, fetched, strict=True)}
        links = tuple(spec for spec in message.links if spec.url in results)
        return replace(message, links=links), [results[spec.url] for spec in links]


def plan(session: Session, parts: Sequence[CheckLinks], at: datetime, settings: Links, vault: Vault) -> list[Plan]:
    """Read what has become of the links of parts of one workspace since they were sent, and what is set for them.

    A link is no missed window yet while it is no later than a lease is long.
    """
    workspace_id = parts[0].workspace_id
    set_by_users = layers.read(session, workspace_id, parts, vault)
    ours = set_by_users.settings(settings)
    scopes = windows.open_at(session, workspace_id, at) if any(part.keep for part in parts) else []
    known = _known(session, [part for part in parts if _is_to_be_known(part, scopes)])
    return [_plan(part, ours, set_by_users, scopes, known, at) for part in parts]


def _plan(
    message: CheckLinks, settings: Links, set_by_users: Layers, scopes: list[Scope], known: dict[str, Any], at: datetime
) -> Plan:
    found = Plan(settings, came_back=message.deferrals > 0)
    if not message.keep:
        for spec in message.links:
            found.fetch(spec, set_by_users, at)
        return found
    for spec in message.links:
        link = known.get(spec.url)
        if message.leased and not _is_wanted(link, message.scheduled_at):
            continue
        reason = _reason_to_skip(spec, link, message, scopes, at, settings.lease_s)
        if reason:
            found.skipped[spec.url] = skipped(spec, reason, at)
        else:
            found.fetch(spec, set_by_users, at)
    return found


def skipped(spec: LinkSpec, reason: Reason, at: datetime, detail: str = "") -> Result:
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
        detail=detail,
    )


def _is_to_be_known(part: CheckLinks, scopes: list[Scope]) -> bool:
    return part.keep and (part.leased or any(scope.tag for scope in scopes))


def _known(session: Session, parts: Sequence[CheckLinks]) -> dict[str, Any]:
    ids = [link_id(part.workspace_id, spec.url) for part in parts for spec in part.links]
    return {row.url: row for row in session.execute(KNOWN, {"ids": ids})} if ids else {}


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
