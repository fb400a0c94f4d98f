"""Gathers what broke together on one host into a group, and tells of the group when it is time.

That a link broke is on record for each of them; this decides whether people hear of it by itself, with its group, or
once it is known which. Whoever decides holds the host's lock, so that two parts cannot both find too few.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from hashlib import blake2b
from itertools import groupby
from typing import Any

import msgspec
from sqlalchemy import delete, func, select, text, update
from sqlalchemy.orm import Session

from config.settings import Links
from tasks import clock, outbox, wire
from tasks.links import grouping
from tasks.links.grouping import Break, GroupRules
from tasks.links.messages import HostBroke, HostRecovered, LinkBroke, LinkRecovered
from tasks.links.models import GROUPS, HELD_BREAKS, IN_TROUBLE, INCIDENTS, LINKS, OUTBOX, HeldBreak, IncidentGroup
from tasks.links.record import Outcome
from tasks.rows import insert_rows

SETTLED_AT_ONCE = 200
NAMED = 10
# A group is found among the latest incidents of its host; those before were too far apart to make one.
LOOKED_AT = 1000

LOCK = text("SELECT pg_advisory_xact_lock(key) FROM unnest(CAST(:keys AS bigint[])) AS key")
# Open incidents of which people were told, or are about to be.
UNGROUPED = text(f"""
    SELECT incidents.id, incidents.opened_at, incidents.started_at, incidents.reason
    FROM links JOIN incidents ON incidents.id = links.incident_id
    WHERE links.workspace_id = :workspace AND links.host = :host AND links.{IN_TROUBLE}
    AND links.told ->> 'id' = links.incident_id::text AND incidents.group_id IS NULL
    ORDER BY incidents.opened_at DESC LIMIT {LOOKED_AT}
""")  # noqa: S608  # our own words
IN_DOUBT = text(f"""
    SELECT EXISTS (
        SELECT FROM links WHERE workspace_id = :workspace AND host = :host AND {IN_TROUBLE}
        AND NOT paused AND NOT ignored AND NOT flapping AND (muted_until IS NULL OR muted_until <= now())
        AND (state = 'failing' OR (state = 'broken' AND told IS NULL)))
""")  # noqa: S608  # our own words
MEMBERS = text("""
    SELECT reason, count(DISTINCT link_id) AS links, count(*) FILTER (WHERE resolved_at IS NULL) AS open,
           min(started_at) AS started_at, max(resolved_at) AS resolved_at
    FROM incidents WHERE group_id = :group GROUP BY reason
""")


@dataclass(frozen=True)
class Host:
    """A host of a workspace."""

    workspace_id: uuid.UUID
    name: str

    @property
    def key(self) -> int:
        """What its lock is called."""
        digest = blake2b(self.workspace_id.bytes + self.name.encode(), digest_size=8).digest()
        return int.from_bytes(digest, "big", signed=True)

    @property
    def values(self) -> Mapping[str, Any]:
        """The host as the queries above name it."""
        return {"workspace": self.workspace_id, "host": self.name}


def rules_of(settings: Links) -> GroupRules:
    """What of a host belongs together, as the settings say."""
    return GroupRules(settings.group_least, settings.group_span_s, settings.group_wait_s)


def lock(session: Session, outcomes: Iterable[Outcome]) -> None:
    """Take the locks of the hosts of which there is something to tell, before the first of their incidents is touched.

    All in one order, and after the links' own: so nobody waits in a circle.
    """
    keys = sorted({_host(each).key for each in outcomes if _is_to_tell(each)})
    if keys:
        session.execute(LOCK, {"keys": keys})


def gather(session: Session, outcomes: Sequence[Outcome], rules: GroupRules) -> list[outbox.Draft]:
    """Have each break and recovery told by itself, with its group, or later; what comes due by that is to be sent too.

    The incidents of the outcomes must be on record by now, and the locks taken.
    """
    due: list[outbox.Draft] = []
    telling = [outcome for outcome in outcomes if _is_to_tell(outcome)]
    recovered = [each for outcome in telling for each in outcome.events if isinstance(each, LinkRecovered)]
    if recovered:
        due += _release(session, [each.incident_id for each in recovered], None)
        _mark_recovered(session, telling, recovered)
    if rules.least:
        # What has no host, as mail links, has none in common.
        of_hosts = [each for each in telling if each.row["host"]]
        by_host = groupby(sorted(of_hosts, key=lambda each: _host(each).key), key=_host)
        for host, of_host in by_host:
            due += _gather_host(session, host, [each for each in of_host if _broke(each)], rules)
    return due


def settle(session: Session, now: datetime, rules: GroupRules) -> None:
    """Time has passed: tell of groups that are complete or over, and of links that stayed alone."""
    _settle_held(session, now, rules)
    query = (
        select(IncidentGroup)
        .where(IncidentGroup.look_at <= now)
        .order_by(IncidentGroup.look_at)
        .limit(SETTLED_AT_ONCE)
        .with_for_update(skip_locked=True)
    )
    for group in session.scalars(query).all():
        _settle_group(session, group, now, rules)


def look_again(session: Session, links: Sequence[uuid.UUID]) -> None:
    """These links go, and what is left of their groups may be over with that."""
    ids = select(INCIDENTS.c.group_id).where(INCIDENTS.c.link_id.in_(links), INCIDENTS.c.resolved_at.is_(None))
    session.execute(
        update(GROUPS).where(GROUPS.c.id.in_(ids), GROUPS.c.resolved_at.is_(None)).values(look_at=func.now())
    )


def _host(outcome: Outcome) -> Host:
    return Host(outcome.row["workspace_id"], outcome.row["host"])


def _is_to_tell(outcome: Outcome) -> bool:
    return any(isinstance(each, LinkBroke | LinkRecovered) for each in outcome.events)


def _broke(outcome: Outcome) -> LinkBroke | None:
    return next((each for each in outcome.events if isinstance(each, LinkBroke)), None)


def _mark_recovered(session: Session, telling: Sequence[Outcome], recovered: Sequence[LinkRecovered]) -> None:
    """What is told of with its group when that is over says so, and has the group looked at."""
    query = select(INCIDENTS.c.id, INCIDENTS.c.group_id).where(
        INCIDENTS.c.id.in_([each.incident_id for each in recovered]), INCIDENTS.c.group_id.is_not(None)
    )
    group_of = {row.id: row.group_id for row in session.execute(query)}
    for outcome in telling:
        outcome.events = [
            replace(each, group_id=group_of.get(each.incident_id)) if isinstance(each, LinkRecovered) else each
            for each in outcome.events
        ]
    if group_of:
        # In one order: another part may have recoveries of the same groups.
        ids = select(GROUPS.c.id).where(GROUPS.c.id.in_(set(group_of.values()))).order_by(GROUPS.c.id).with_for_update()
        session.execute(update(GROUPS).where(GROUPS.c.id.in_(session.scalars(ids).all())).values(look_at=func.now()))


def _gather_host(session: Session, host: Host, outcomes: Sequence[Outcome], rules: GroupRules) -> list[outbox.Draft]:
    due: list[outbox.Draft] = []
    broken = [(outcome, broke) for outcome in outcomes if (broke := _broke(outcome))]
    if not broken:
        return due
    breaks = _breaks(session, [broke.incident_id for _, broke in broken])
    group_of = _join(session, host, breaks, rules)
    for each in breaks:
        if each.id not in group_of:
            formed, released = _form(session, host, each, rules)
            group_of |= formed
            due += released
    alone = [broke for _, broke in broken if broke.incident_id not in group_of]
    waits = bool(alone) and rules.wait_s > 0 and _is_in_doubt(session, host)
    for outcome, broke in broken:
        if broke.incident_id in group_of:
            _say_instead(outcome, replace(broke, group_id=group_of[broke.incident_id]))
        elif waits:
            _hold(session, host, broke, outcome.row["traceparent"])
            _say_instead(outcome, None)
    return due


def _say_instead(outcome: Outcome, said: LinkBroke | None) -> None:
    kept = [said if isinstance(each, LinkBroke) else each for each in outcome.events]
    outcome.events = [each for each in kept if each is not None]


def _breaks(session: Session, ids: Sequence[uuid.UUID]) -> list[Break[uuid.UUID]]:
    """When these incidents were opened, which may be long before somebody may be told of them."""
    query = select(INCIDENTS.c.id, INCIDENTS.c.opened_at, INCIDENTS.c.reason).where(INCIDENTS.c.id.in_(ids))
    return [Break(row.id, row.opened_at, row.reason) for row in session.execute(query.order_by(INCIDENTS.c.id))]


def _join(
    session: Session, host: Host, breaks: Sequence[Break[uuid.UUID]], rules: GroupRules
) -> dict[uuid.UUID, uuid.UUID]:
    """Those that belong to a group which is there, with its id."""
    query = select(GROUPS.c.id, GROUPS.c.joined_at, GROUPS.c.reason).where(
        GROUPS.c.workspace_id == host.workspace_id, GROUPS.c.host == host.name, GROUPS.c.resolved_at.is_(None)
    )
    # Not one that is being told to be over at this moment: the lock waits for that, and then does not find it.
    rows = session.execute(query.order_by(GROUPS.c.id.desc()).with_for_update())
    groups = [Break(row.id, row.joined_at, row.reason) for row in rows]
    joined: dict[uuid.UUID, uuid.UUID] = {}
    for each in breaks:
        group = next((group for group in groups if grouping.belong(each, group, rules)), None)
        if group:
            joined[each.id] = group.id
    for group in groups:
        members = [each for each in breaks if joined.get(each.id) == group.id]
        if members:
            _add(session, group.id, members)
    return joined


def _add(session: Session, group_id: uuid.UUID, members: Sequence[Break[uuid.UUID]]) -> None:
    ids = [each.id for each in members]
    session.execute(update(INCIDENTS).where(INCIDENTS.c.id.in_(ids)).values(group_id=group_id))
    latest = func.greatest(GROUPS.c.joined_at, max(each.at for each in members))
    session.execute(update(GROUPS).where(GROUPS.c.id == group_id).values(joined_at=latest, look_at=func.now()))


def _form(
    session: Session, host: Host, of: Break[uuid.UUID], rules: GroupRules
) -> tuple[dict[uuid.UUID, uuid.UUID], list[outbox.Draft]]:
    """A group of what belongs together with this break, if that is enough for one; and what was held of it."""
    rows = {row.id: row for row in session.execute(UNGROUPED, host.values)}
    others = [Break(row.id, row.opened_at, row.reason) for row in rows.values() if row.id != of.id]
    members = grouping.company(of, [of, *others], rules)
    if not members:
        return {}, []
    group_id = wire.new_id()
    latest = max(each.at for each in members)
    group = {
        "id": group_id,
        "workspace_id": host.workspace_id,
        "host": host.name,
        "reason": grouping.cause(grouping.count(members)),
        "started_at": min(rows[each.id].started_at for each in members if each.id in rows),
        "opened_at": latest,
        "joined_at": latest,
        "told": 0,
        "look_at": clock.now(),
        "formed_at": clock.now(),
    }
    insert_rows(session, GROUPS, [group])
    _add(session, group_id, members)
    ids = [each.id for each in members]
    return dict.fromkeys(ids, group_id), _release(session, ids, group_id)


def _is_in_doubt(session: Session, host: Host) -> bool:
    return bool(session.scalar(IN_DOUBT, host.values))


def _hold(session: Session, host: Host, broke: LinkBroke, traceparent: str) -> None:
    row = {
        "incident_id": broke.incident_id,
        "workspace_id": host.workspace_id,
        "host": host.name,
        "body": wire.encode(broke),
        "traceparent": traceparent,
        "held_at": clock.now(),
    }
    insert_rows(session, HELD_BREAKS, [row])


def _release(session: Session, incidents: Sequence[uuid.UUID], group_id: uuid.UUID | None) -> list[outbox.Draft]:
    """What was held of these incidents, to be said now."""
    held = delete(HeldBreak).where(HeldBreak.incident_id.in_(incidents))
    rows = session.execute(held.returning(HeldBreak.body, HeldBreak.traceparent))
    return [
        outbox.event(replace(msgspec.json.decode(row.body, type=LinkBroke), group_id=group_id), row.traceparent)
        for row in rows
    ]


def _settle_held(session: Session, now: datetime, rules: GroupRules) -> None:
    query = select(HeldBreak).order_by(HeldBreak.held_at).limit(LOOKED_AT).with_for_update(skip_locked=True)
    in_doubt: dict[Host, bool] = {}
    ripe = []
    for held in session.scalars(query).all():
        host = Host(held.workspace_id, held.host)
        if host not in in_doubt:
            in_doubt[host] = _is_in_doubt(session, host)
        if grouping.is_ripe(held.held_at, now, in_doubt[host], rules):
            ripe.append(held.incident_id)
    if ripe:
        outbox.post(session, OUTBOX, _release(session, ripe, None))


def _settle_group(session: Session, group: IncidentGroup, now: datetime, rules: GroupRules) -> None:
    rows = session.execute(MEMBERS, {"group": group.id}).all()
    reasons = {row.reason: int(row.links) for row in rows}
    links = session.scalar(_count_links(group.id)) or 0
    group.look_at = None
    if links:
        group.reason = grouping.cause(reasons)
        group.started_at = min(row.started_at for row in rows)
        _tell(session, group, links, reasons, now, rules, over=not any(row.open for row in rows))
    if not any(row.open for row in rows):
        resolved_at = max((row.resolved_at for row in rows), default=now)
        group.resolved_at = max(resolved_at, group.started_at)
        group.look_at = None
        if links:
            _announce(session, _recovered(group, links))


def _count_links(group_id: uuid.UUID) -> Any:
    return select(func.count(INCIDENTS.c.link_id.distinct())).where(INCIDENTS.c.group_id == group_id)


def _tell(
    session: Session,
    group: IncidentGroup,
    links: int,
    reasons: dict[str, int],
    now: datetime,
    rules: GroupRules,
    over: bool,
) -> None:
    """Tell what people do not know of it yet, once that is all; look again while it is not."""
    is_news = not group.told or (grouping.has_grown(links, group.told) and group.acknowledged_at is None)
    if not is_news:
        return
    host = Host(group.workspace_id, group.host)
    since = group.joined_at if group.told else group.formed_at
    if not over and not grouping.is_ripe(since, now, _is_in_doubt(session, host), rules):
        group.look_at = now
        return
    urls = session.scalars(_some_urls(group.id)).all()
    broke = HostBroke(
        event_id=wire.new_id(),
        workspace_id=group.workspace_id,
        group_id=group.id,
        host=group.host,
        reason=group.reason,
        reasons=reasons,
        links=links,
        started_at=group.started_at,
        at=now,
        urls=tuple(urls),
        told_before=group.told,
    )
    group.told = links
    _announce(session, broke)


def _some_urls(group_id: uuid.UUID) -> Any:
    joined = select(LINKS.c.url).join(INCIDENTS, INCIDENTS.c.link_id == LINKS.c.id)
    return joined.where(INCIDENTS.c.group_id == group_id).order_by(INCIDENTS.c.id).limit(NAMED)


def _recovered(group: IncidentGroup, links: int) -> HostRecovered:
    assert group.resolved_at
    return HostRecovered(
        event_id=wire.new_id(),
        workspace_id=group.workspace_id,
        group_id=group.id,
        host=group.host,
        reason=group.reason,
        links=links,
        started_at=group.started_at,
        recovered_at=group.resolved_at,
        duration_s=(group.resolved_at - group.started_at).total_seconds(),
    )


def _announce(session: Session, event: HostBroke | HostRecovered) -> None:
    outbox.post(session, OUTBOX, [outbox.event(event)])
