"""How much of the time links were up: outside of incidents. What was paused or under maintenance does not count."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import text
from sqlalchemy.orm import Session

UPTIME_SPAN = timedelta(days=30)

# As a float, of which a million are added up in no time; `extract` gives a numeric.
LASTS = "CAST(extract(epoch FROM upper({span}) - lower({span})) AS double precision)"
SECONDS = f"(SELECT coalesce(sum({LASTS.format(span='one')}), 0) FROM unnest({{spans}}) AS one)"  # noqa: S608  # our own words
WATCHED = SECONDS.format(spans="tstzmultirange(span) - coalesce(excused.spans, '{{}}')")
EXCUSED = SECONDS.format(spans="tstzmultirange(span) * coalesce(excused.spans, '{{}}')")
DOWN = SECONDS.format(spans="tstzmultirange(span) * down.spans - coalesce(excused.spans, '{{}}')")
# Links that were never judged are not asked; a link is watched from the time at which it was added.
UPTIME = f"""
    WITH asked AS NOT MATERIALIZED (
        SELECT id, workspace_id, host, tags, tstzrange(greatest(created_at, :since), :until) AS span
        FROM links WHERE recent <> '' AND created_at < :until AND {{which}}
    ), quiet AS (
        SELECT asked.id, tstzrange(pauses.started_at, coalesce(pauses.ended_at, :until)) AS lasted
        FROM pauses JOIN asked ON asked.id = pauses.link_id
        WHERE pauses.started_at < :until AND coalesce(pauses.ended_at, :until) > :since
        UNION ALL
        SELECT asked.id, tstzrange(maintained.started_at, maintained.ended_at) AS lasted
        FROM maintained JOIN asked ON asked.workspace_id = maintained.workspace_id
            AND (maintained.host IS NULL OR maintained.host = asked.host)
            AND (maintained.tag IS NULL OR maintained.tag = ANY(asked.tags))
        WHERE maintained.started_at < :until AND maintained.ended_at > :since
    ), excused AS (
        SELECT id, range_agg(lasted) AS spans FROM quiet GROUP BY id
    ), down AS (
        SELECT asked.id, count(*) AS incidents,
            range_agg(tstzrange(incidents.started_at, coalesce(incidents.resolved_at, :until))) AS spans
        FROM incidents JOIN asked ON asked.id = incidents.link_id
        WHERE incidents.started_at < :until AND coalesce(incidents.resolved_at, :until) > :since GROUP BY asked.id
    )
    SELECT asked.id, asked.workspace_id, asked.tags,
        CASE WHEN excused.id IS NULL THEN {LASTS.format(span="span")} ELSE {WATCHED} END AS watched_s,
        CASE WHEN excused.id IS NULL THEN 0 ELSE {EXCUSED} END AS excused_s,
        CASE WHEN down.id IS NULL THEN 0 ELSE {DOWN} END AS down_s,
        coalesce(down.incidents, 0) AS incidents
    FROM asked LEFT JOIN excused USING (id) LEFT JOIN down USING (id)
"""  # noqa: S608  # our own words
OF_THESE = text(UPTIME.format(which="id = ANY(:ids)"))


@dataclass(frozen=True, slots=True)
class Uptime:
    """Of a link: the seconds in which it was watched, of those the ones in incidents, and those that do not count."""

    watched_s: float
    down_s: float
    excused_s: float
    incidents: int

    @property
    def share(self) -> float | None:
        """Of the time watched, that in which it was up, from 0 to 1; None where it was not watched."""
        return share(self.watched_s, self.down_s)


def share(watched_s: float, down_s: float) -> float | None:
    """The part of this time that is not that one."""
    return round(max(1 - down_s / watched_s, 0.0), 6) if watched_s > 0 else None


def uptimes(session: Session, ids: Sequence[uuid.UUID], since: datetime, until: datetime) -> dict[uuid.UUID, Uptime]:
    """Of each of these links that was ever judged."""
    if not ids:
        return {}
    rows = session.execute(OF_THESE, {"ids": list(ids), "since": since, "until": until})
    return {
        row.id: Uptime(float(row.watched_s), float(row.down_s), float(row.excused_s), row.incidents) for row in rows
    }
