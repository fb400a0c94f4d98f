"""Pure: what one check's result makes of a link's row, and what there is to tell about it."""

from __future__ import annotations

import random
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from config import telemetry
from tasks import wire
from tasks.links.messages import LinkBroke, LinkChange, LinkRecovered, LinkSpec
from tasks.links.result import Result
from tasks.links.state import Announcement, ConfirmRules, Standing, State, Step, advance
from tasks.urls import host_of

STANDING = tuple(Standing.__dataclass_fields__)
# Never early: a confirmation before its time could not confirm.
JITTER = 0.1

Row = dict[str, Any]


@dataclass
class Outcome:
    """A link's new row, and what follows from it."""

    row: Row
    change: LinkChange | None = None
    event: LinkBroke | LinkRecovered | None = None
    opened: Row | None = None
    resolved: Row | None = field(default=None)


def new_link(workspace_id: uuid.UUID, identity: uuid.UUID, spec: LinkSpec, at: datetime, interval_s: int) -> Row:
    """The row of a link that has never been checked."""
    standing = Standing()
    return {
        "id": identity,
        "workspace_id": workspace_id,
        "url": spec.url,
        "host": host_of(spec.url),
        "created_at": at,
        "interval_s": spec.interval_s or interval_s,
        "tags": list(spec.tags or ()),
        "external_id": spec.external_id,
        "traceparent": telemetry.carrier().get("traceparent", ""),
        **{name: getattr(standing, name) for name in STANDING},
        "verdict": None,
        "reason": None,
        "permanence": None,
        "since": at,
        "status_code": None,
        "final_url": None,
        "suggested_url": None,
        "latency_ms": None,
        "incident_id": None,
        "last_checked_at": None,
        "last_scheduled_at": None,
        "next_check_at": at,
        "confirming": False,
    }


def resubmitted(row: Mapping[str, Any], spec: LinkSpec) -> Row:
    """The row of a known link that was submitted again: what the submitter set is set, the rest stays."""
    changes: Row = {"traceparent": telemetry.carrier().get("traceparent", "")}
    if spec.interval_s is not None:
        changes["interval_s"] = spec.interval_s
    if spec.tags is not None:
        changes["tags"] = list(spec.tags)
    if spec.external_id is not None:
        changes["external_id"] = spec.external_id
    return {**row, **changes}


def apply(row: Row, result: Result, scheduled_at: datetime, rules: ConfirmRules) -> Outcome:
    """Move a link by one result. A result older than the last one that counted moves nothing."""
    if row["last_scheduled_at"] and scheduled_at <= row["last_scheduled_at"]:
        return Outcome(row)
    before = Standing(**{**{name: row[name] for name in STANDING}, "state": State(row["state"])})
    full = result.methods[-1:] == ("GET",)
    step = advance(before, result.judgement, result.finished_at, full, rules)
    changed = {
        **row,
        **{name: getattr(step.standing, name) for name in STANDING},
        **_seen(result),
        "since": result.finished_at if step.changed else row["since"],
        "last_checked_at": result.finished_at,
        "last_scheduled_at": scheduled_at,
        **_next(row, step, result.finished_at),
    }
    outcome = Outcome(changed)
    if step.changed:
        outcome.change = _change(changed, before.state)
    _tell(outcome, step, result)
    return outcome


def check_row(workspace_id: uuid.UUID, job_id: uuid.UUID | None, link: Row, result: Result, at: datetime) -> Row:
    """The history row of one result."""
    return {
        "id": wire.new_id(),
        "workspace_id": workspace_id,
        "link_id": link["id"],
        "job_id": job_id,
        "url": link["url"],
        "verdict": result.verdict,
        "reason": result.reason,
        "permanence": result.permanence,
        "status_code": result.status_code,
        "final_url": result.final_url,
        "suggested_url": result.suggested_url,
        "hops": result.hops,
        "timings_ms": result.timings_ms,
        "methods": result.methods,
        "attempts": result.attempts,
        "bytes_read": result.bytes_read,
        "tls_not_after": result.tls_not_after,
        "detail": result.detail,
        "worker": telemetry.process(),
        "scheduled_at": at,
        "started_at": result.started_at,
        "checked_at": result.finished_at,
    }


def _seen(result: Result) -> Row:
    return {
        "verdict": result.verdict,
        "reason": result.reason,
        "permanence": result.permanence,
        "status_code": result.status_code,
        "final_url": result.final_url,
        "suggested_url": result.suggested_url,
        "latency_ms": result.timings_ms.get("total"),
    }


def _next(row: Row, step: Step, at: datetime) -> Row:
    if step.confirm_after_s is not None:
        delay_s = step.confirm_after_s * (1 + random.random() * JITTER)  # noqa: S311  # spreads load, hides nothing
        return {"next_check_at": at + timedelta(seconds=delay_s), "confirming": True}
    return {"next_check_at": next_slot(row["id"], row["interval_s"], at), "confirming": False}


def next_slot(identity: uuid.UUID, interval_s: int, after: datetime) -> datetime:
    """The link's own instant in the interval that follows: a stable hash spreads links that came together."""
    offset_s = identity.int % interval_s
    start_s = int(after.timestamp()) // interval_s * interval_s + offset_s
    while start_s <= after.timestamp() + interval_s / 2:
        start_s += interval_s
    return datetime.fromtimestamp(start_s, tz=after.tzinfo)


def _change(row: Row, before: str) -> LinkChange:
    return LinkChange(
        event_id=wire.new_id(),
        link_id=row["id"],
        url=row["url"],
        before=str(before),
        after=str(row["state"]),
        verdict=row["verdict"],
        reason=row["reason"],
        trace_id=telemetry.trace_id_of(row["traceparent"]),
    )


def _tell(outcome: Outcome, step: Step, result: Result) -> None:
    row = outcome.row
    if step.announce is Announcement.BROKE and step.incident_started_at:
        incident_id = wire.new_id()
        row["incident_id"] = incident_id
        outcome.opened = {
            "id": incident_id,
            "workspace_id": row["workspace_id"],
            "link_id": row["id"],
            "reason": result.reason,
            "started_at": step.incident_started_at,
            "opened_at": result.finished_at,
            "resolved_at": None,
        }
        outcome.event = LinkBroke(
            event_id=wire.new_id(),
            workspace_id=row["workspace_id"],
            link_id=row["id"],
            incident_id=incident_id,
            url=row["url"],
            reason=result.reason,
            started_at=step.incident_started_at,
            broke_at=result.finished_at,
            status_code=result.status_code,
            detail=result.detail,
            tags=tuple(row["tags"]),
        )
    elif step.announce is Announcement.RECOVERED and step.incident_started_at and step.incident_ended_at:
        outcome.resolved = {"id": row["incident_id"], "resolved_at": step.incident_ended_at}
        outcome.event = LinkRecovered(
            event_id=wire.new_id(),
            workspace_id=row["workspace_id"],
            link_id=row["id"],
            incident_id=row["incident_id"],
            url=row["url"],
            reason=result.reason,
            started_at=step.incident_started_at,
            recovered_at=result.finished_at,
            duration_s=(step.incident_ended_at - step.incident_started_at).total_seconds(),
            tags=tuple(row["tags"]),
        )
        row["incident_id"] = None
