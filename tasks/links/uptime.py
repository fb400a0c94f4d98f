"""How much of the time a link was up."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from tasks.links.models import Incident, Link

UPTIME_SPAN = timedelta(days=30)


def uptimes(session: Session, links: Sequence[Link], now: datetime) -> dict[uuid.UUID, float]:
    """Of each link that was ever judged, the share of the last 30 days outside of incidents, from 0 to 1."""
    judged = {link.id: max(link.created_at, now - UPTIME_SPAN) for link in links if link.recent}
    if not judged:
        return {}
    query = select(Incident.link_id, Incident.started_at, Incident.resolved_at).where(
        Incident.link_id.in_(judged), func.coalesce(Incident.resolved_at, now) > now - UPTIME_SPAN
    )
    down = dict.fromkeys(judged, timedelta())
    for link_id, started_at, resolved_at in session.execute(query):
        down[link_id] += max((resolved_at or now) - max(started_at, judged[link_id]), timedelta())
    return {link_id: _share(now - since, down[link_id]) for link_id, since in judged.items()}


def _share(span: timedelta, down: timedelta) -> float:
    return round(max(1 - down / span, 0.0), 6) if span else 1.0
