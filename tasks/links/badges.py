"""Badges: what anybody may see of a link or of the links of a tag, where their workspace wants it seen."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Select, exists, func, select
from sqlalchemy.orm import Session

from tasks import clock, outbox, wire
from tasks.links import statistics
from tasks.links.callers import Caller
from tasks.links.messages import BadgeChanged
from tasks.links.models import OUTBOX, Badge, Incident, Link
from tasks.links.state import State
from tasks.links.uptime import UPTIME_SPAN, uptimes

MOST_BADGES = 100


class TooManyBadges(Exception):
    """The workspace has as many as it may; remove one."""


@dataclass(frozen=True)
class BadgeView:
    """A tag that is public under an id of its own."""

    id: uuid.UUID
    tag: str
    created_at: datetime


@dataclass(frozen=True)
class Reading:
    """What a badge shows. No tag: it is that of a link."""

    tag: str
    state: str
    broken: int
    uptime: float | None


def read(session: Session, badge_id: uuid.UUID, with_uptime: bool, now: datetime) -> Reading | None:
    """What anybody may see under this id; None for whatever nobody made public."""
    link = session.scalar(select(Link).where(Link.id == badge_id, Link.badge))
    if link is not None:
        return _of_link(session, link, with_uptime, now)
    badge = session.get(Badge, badge_id)
    return _of_tag(session, badge, with_uptime, now) if badge else None


def create(session: Session, workspace_id: uuid.UUID, tag: str, caller: Caller) -> BadgeView:
    """Make a tag public; one that is already has its badge. Raises `TooManyBadges`."""
    mine = select(Badge).where(Badge.workspace_id == workspace_id)
    if badge := session.scalar(mine.where(Badge.tag == tag)):
        return _view(badge)
    if (session.scalar(select(func.count()).select_from(mine.subquery())) or 0) >= MOST_BADGES:
        raise TooManyBadges
    badge = Badge(id=uuid.uuid4(), workspace_id=workspace_id, tag=tag, created_at=clock.now())
    session.add(badge)
    _announce(session, badge, "created", caller)
    return _view(badge)


def remove(session: Session, workspace_id: uuid.UUID, badge_id: uuid.UUID, caller: Caller) -> bool:
    """Make a tag public no more. False where there is no such badge."""
    badge = session.scalar(select(Badge).where(Badge.id == badge_id, Badge.workspace_id == workspace_id))
    if badge is None:
        return False
    session.delete(badge)
    _announce(session, badge, "deleted", caller)
    return True


def list_badges(session: Session, workspace_id: uuid.UUID, limit: int, after: str) -> tuple[list[BadgeView], str]:
    """Badges of tags, by their tags, and where the next page starts."""
    query = select(Badge).where(Badge.workspace_id == workspace_id, Badge.tag > after)
    found = session.scalars(query.order_by(Badge.tag).limit(limit + 1)).all()
    return [_view(each) for each in found[:limit]], found[limit - 1].tag if len(found) > limit else ""


def _of_link(session: Session, link: Link, with_uptime: bool, now: datetime) -> Reading:
    up = uptimes(session, [link.id], now - UPTIME_SPAN, now).get(link.id) if with_uptime else None
    state = "paused" if link.paused else link.state
    return Reading("", state, int(link.state == State.BROKEN), up.share if up else None)


def _of_tag(session: Session, badge: Badge, with_uptime: bool, now: datetime) -> Reading:
    uptime = None
    if with_uptime:
        uptime = statistics.get_summary(session, badge.workspace_id, badge.tag, UPTIME_SPAN, now).uptime
    # Open incidents are few, however many links there are.
    broken = session.scalar(_incidents(badge)) or 0
    if broken:
        return Reading(badge.tag, State.BROKEN, broken, uptime)
    mine = exists().where(Link.workspace_id == badge.workspace_id, Link.tags.contains([badge.tag]), Link.recent != "")
    return Reading(badge.tag, State.UP if session.scalar(select(mine)) else "unknown", 0, uptime)


def _incidents(badge: Badge) -> Select[int]:
    query = select(func.count()).select_from(Incident).join(Link, Link.id == Incident.link_id)
    mine = (Incident.workspace_id == badge.workspace_id, Link.tags.contains([badge.tag]))
    return query.where(Incident.resolved_at.is_(None), ~Link.paused, ~Link.ignored, *mine)


def _view(badge: Badge) -> BadgeView:
    return BadgeView(badge.id, badge.tag, badge.created_at)


def _announce(session: Session, badge: Badge, change: str, caller: Caller) -> None:
    told = BadgeChanged(
        event_id=wire.new_id(),
        workspace_id=badge.workspace_id,
        badge_id=badge.id,
        tag=badge.tag,
        change=change,
        occurred_at=clock.now(),
        actor=caller.actor,
        ip=caller.ip,
        user_agent=caller.user_agent,
    )
    outbox.post(session, OUTBOX, [outbox.event(told)])
