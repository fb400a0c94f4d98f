"""Pure: what one check's result makes of a link's row, and what there is to tell about it."""

from __future__ import annotations

import random
import uuid
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from config import telemetry
from tasks import wire
from tasks.links import checks, overlays
from tasks.links.messages import (
    CheckLinks,
    LinkBroke,
    LinkChange,
    LinkFlapping,
    LinkRecovered,
    LinkSpec,
    LinkUnverifiable,
)
from tasks.links.overlays import Episode
from tasks.links.pace import Pace
from tasks.links.result import Result
from tasks.links.state import Announcement, ConfirmRules, Moment, Standing, State, Step, advance
from tasks.links.verdict import Permanence, Verdict
from tasks.urls import host_of

# Never early: a confirmation before its time could not confirm.
JITTER = 0.1

# What checks do not change: it is read with the row and never written back. The archive's answer is not theirs either.
SET_BY_PEOPLE = (
    "workspace_id",
    "url",
    "host",
    "created_at",
    "paused",
    "ignored",
    "muted_until",
    "badge",
    "archived_url",
    "confirm_hard",
    "confirm_transient",
    "min_confirm_s",
)
OVERRIDES = {"hard": "confirm_hard", "transient": "confirm_transient", "min_confirm_s": "min_confirm_s"}

AS_SET = Pace(broken_most=1, stable_most=1)

Row = dict[str, Any]
Told = LinkBroke | LinkRecovered | LinkFlapping | LinkUnverifiable


@dataclass
class Outcome:
    """A link's new row, and what follows from it. `before` is the state that it left, where it left one."""

    row: Row
    before: State | None = None
    events: list[Told] = field(default_factory=list)
    opened: Row | None = None
    resolved: Row | None = None
    moments: list[Row] = field(default_factory=list)


UNCHECKED: Row = {
    **asdict(Standing()),
    "verdict": None,
    "reason": None,
    "permanence": None,
    "status_code": None,
    "final_url": None,
    "suggested_url": None,
    "latency_ms": None,
    "incident_id": None,
    "recent": "",
    "told": None,
    "last_checked_at": None,
    "last_scheduled_at": None,
    "confirming": False,
    **dict.fromkeys(OVERRIDES.values()),
}


def new_link(
    workspace_id: uuid.UUID, identity: uuid.UUID, spec: LinkSpec, at: datetime, interval_s: int, traceparent: str = ""
) -> Row:
    """The row of a link that has never been checked."""
    return {
        **UNCHECKED,
        "id": identity,
        "workspace_id": workspace_id,
        "url": spec.url,
        "host": host_of(spec.url),
        "created_at": at,
        "interval_s": spec.interval_s or interval_s,
        "tags": list(spec.tags or ()),
        "external_id": spec.external_id,
        "traceparent": traceparent,
        "since": at,
        "next_check_at": at,
        **(spec.settings.confirmation if spec.settings else {}),
    }


def resubmitted(row: Mapping[str, Any], spec: LinkSpec, traceparent: str) -> Row:
    """The row of a known link that was submitted again: what the submitter set is set, the rest stays."""
    changes: Row = {"traceparent": traceparent}
    if spec.interval_s is not None:
        changes["interval_s"] = spec.interval_s
    if spec.tags is not None:
        changes["tags"] = list(spec.tags)
    if spec.external_id is not None:
        changes["external_id"] = spec.external_id
    if spec.settings is not None:
        changes |= spec.settings.confirmation
    if any(row[name] != value for name, value in changes.items() if name != "traceparent"):
        changes["version"] = row["version"] + 1
    return {**row, **changes}


def apply(row: Row, result: Result, scheduled_at: datetime, rules: ConfirmRules, pace: Pace = AS_SET) -> Outcome:
    """Move a link by one result. A result older than the last one that counted can only make us less sure."""
    if row["last_scheduled_at"] and scheduled_at <= row["last_scheduled_at"]:
        return Outcome(_doubted(row, result))
    result = _after_the_last(row, result)
    before = _standing(row)
    full = result.methods[-1:] == ("GET",)
    step = advance(before, result.judgement, result.finished_at, full, rules_of(row, rules))
    changed = {
        **row,
        **_columns(step.standing),
        **_seen(row, result),
        "since": result.finished_at if step.changed else row["since"],
        "last_checked_at": result.finished_at,
        "last_scheduled_at": scheduled_at,
    }
    changed |= _next(changed, step, result.finished_at, pace)
    outcome = Outcome(changed, before.state if step.changed else None)
    _keep_incident(outcome, step, result)
    _tell(outcome, step, result)
    return outcome


def hold(row: Row, result: Result, scheduled_at: datetime, rules: ConfirmRules) -> Outcome:
    """Leave a link as it is, because its result is not to be believed, and look again soon."""
    if row["last_scheduled_at"] and scheduled_at <= row["last_scheduled_at"]:
        return Outcome(row)
    again = Step(Standing(), confirm_after_s=next(iter(rules.offsets_s), None))
    return Outcome({**row, "last_scheduled_at": scheduled_at, **_next(row, again, result.finished_at)})


def rules_of(row: Row, rules: ConfirmRules) -> ConfirmRules:
    """How sure to be of this link."""
    own = {name: row[column] for name, column in OVERRIDES.items() if row.get(column) is not None}
    return replace(rules, **own) if own else rules


def check_row(part: CheckLinks, link: Row, result: Result, worker: str) -> Row:
    """The history row of one result, found by the process `worker`; see `checks` for what is left out."""
    return {
        "id": wire.new_id(),
        "workspace_id": part.workspace_id,
        "link_id": link["id"],
        "job_id": part.job_id,
        "verdict": result.verdict,
        "reason": result.reason,
        "permanence": result.permanence,
        "status_code": result.status_code,
        **checks.stored(link["url"], result),
        "suggested_url": result.suggested_url,
        "attempts": result.attempts,
        "bytes_read": result.bytes_read,
        "tls_not_after": result.tls_not_after,
        "worker": worker,
        "scheduled_at": part.scheduled_at,
        "started_at": min(result.started_at, result.finished_at),
        "checked_at": result.finished_at,
    }


def _after_the_last(row: Row, result: Result) -> Result:
    """The result at a time when it can follow the one before: what was asked for later may have been found earlier,
    and by another clock."""
    last = row["last_checked_at"]
    return replace(result, finished_at=last) if last and result.finished_at < last else result


def _standing(row: Row) -> Standing:
    return Standing(
        State(row["state"]),
        row["failures"],
        row["hard_failures"],
        row["failing_since"],
        row["ok_streak"],
        row["ok_since"],
        row["inconclusive_streak"],
        row["inconclusive_since"],
    )


def _columns(standing: Standing) -> Row:
    return {
        "state": standing.state,
        "failures": standing.failures,
        "hard_failures": standing.hard_failures,
        "failing_since": standing.failing_since,
        "ok_streak": standing.ok_streak,
        "ok_since": standing.ok_since,
        "inconclusive_streak": standing.inconclusive_streak,
        "inconclusive_since": standing.inconclusive_since,
    }


def _doubted(row: Row, result: Result) -> Row:
    """A good check that comes late, from amid a row of failures, takes it apart: which of them came after it is not
    known any more, so that the row begins anew with the next."""
    amid = row["failing_since"] is not None and row["failing_since"] < result.finished_at
    if result.verdict not in (Verdict.OK, Verdict.DEGRADED) or row["state"] != State.FAILING or not amid:
        return row
    return {**row, "failures": 0, "hard_failures": 0, "failing_since": None}


def _seen(row: Row, result: Result) -> Row:
    # What was skipped says nothing of the link: what is known of it stays.
    if result.verdict is Verdict.SKIPPED and row["verdict"] not in (None, Verdict.SKIPPED):
        return {}
    return {
        "verdict": result.verdict,
        "reason": result.reason,
        "permanence": result.permanence,
        "status_code": result.status_code,
        "final_url": result.final_url,
        "suggested_url": result.suggested_url,
        "latency_ms": result.timings_ms.get("total"),
    }


def _next(row: Row, step: Step, at: datetime, pace: Pace = AS_SET) -> Row:
    if step.confirm_after_s is not None:
        delay_s = step.confirm_after_s * (1 + random.random() * JITTER)  # noqa: S311  # spreads load, hides nothing
        return {"next_check_at": at + timedelta(seconds=delay_s), "confirming": True}
    interval_s = pace.interval_s(row["interval_s"], step.standing.state, at - row["since"])
    return {"next_check_at": next_slot(row["id"], interval_s, at), "confirming": False}


def next_slot(identity: uuid.UUID, interval_s: int, after: datetime) -> datetime:
    """The link's own instant in the interval that follows: a stable hash spreads links that came together."""
    after_s = after.timestamp()
    start_s = int(after_s) // interval_s * interval_s + identity.int % interval_s
    while start_s <= after_s + interval_s / 2:
        start_s += interval_s
    return datetime.fromtimestamp(start_s, tz=after.tzinfo)


def change_of(outcome: Outcome) -> LinkChange:
    """What there is to tell of a link that left a state."""
    row = outcome.row
    return LinkChange(
        event_id=wire.new_id(),
        link_id=row["id"],
        url=row["url"],
        before=str(outcome.before),
        after=str(row["state"]),
        verdict=row["verdict"],
        reason=row["reason"],
        trace_id=telemetry.trace_id_of(row["traceparent"]),
    )


def _keep_incident(outcome: Outcome, step: Step, result: Result) -> None:
    """Open, resolve or go on with the link's incident, and write its timeline."""
    row = outcome.row
    if step.announce is Announcement.BROKE and step.incident_started_at:
        row["incident_id"] = wire.new_id()
        outcome.opened = _incident(row, step.incident_started_at, result)
        _note(outcome, Moment.OPENED, result)
    elif step.announce is Announcement.RECOVERED and step.incident_ended_at:
        outcome.resolved = {"id": row["incident_id"], "resolved_at": step.incident_ended_at}
        _note(outcome, Moment.RESOLVED, result)
        if _told(row) and row["told"]["id"] == str(row["incident_id"]):
            row["told"] = {**row["told"], "ended_at": step.incident_ended_at.isoformat()}
        row["incident_id"] = None
    elif step.changed and step.incident_started_at:
        recovering = step.standing.state is State.RECOVERING
        _note(outcome, Moment.RECOVERING if recovering else Moment.RELAPSED, result)


def _incident(row: Row, started_at: datetime, result: Result) -> Row:
    return {
        "id": row["incident_id"],
        "workspace_id": row["workspace_id"],
        "link_id": row["id"],
        "reason": result.reason,
        "status_code": result.status_code,
        "detail": result.detail,
        "started_at": started_at,
        "opened_at": result.finished_at,
        "resolved_at": None,
    }


def _note(outcome: Outcome, kind: Moment, result: Result) -> None:
    moment = {
        "id": wire.new_id(),
        "incident_id": outcome.row["incident_id"],
        "at": result.finished_at,
        "kind": kind,
        "reason": result.reason,
        "status_code": result.status_code,
        "detail": result.detail,
        "actor": None,
    }
    outcome.moments.append(moment)


def _tell(outcome: Outcome, step: Step, result: Result) -> None:
    row, at = outcome.row, result.finished_at
    began = _flap(row, result)
    if not (began or step.announce or row["incident_id"] or row["told"]):
        return
    muted = overlays.is_quiet(at, row.get("ignored", False), row.get("muted_until"))
    quiet = muted or row.get("flapping", False)
    if began and not muted:
        outcome.events.append(LinkFlapping(**_about(row, result), changes=overlays.transitions(row["recent"]), at=at))
    if step.announce is Announcement.UNVERIFIABLE and not quiet:
        since = step.standing.inconclusive_since or at
        outcome.events.append(LinkUnverifiable(**_about(row, result), since=since, at=at))
    told, present = _told(row), _present(row, step)
    if present and result.verdict is not Verdict.BROKEN and (told is None or told.id != present.id):
        # That a link is broken is told with a check that says so.
        quiet = True
    outcome.events += [_said(row, each, result) for each in overlays.owed(told, present, quiet)]
    row["told"] = _as_json(overlays.believed(told, present, quiet))
    muted_until = row.get("muted_until")
    owes = (told.id if told else None) != (present.id if present else None)
    if owes and muted_until and muted_until > at:
        # The link is looked at again when it may be spoken of.
        row["next_check_at"] = min(row["next_check_at"], muted_until)


def _flap(row: Row, result: Result) -> bool:
    """Count the check; true when the link begins to flap with it."""
    if result.verdict not in (Verdict.OK, Verdict.DEGRADED, Verdict.BROKEN):
        return False
    row["recent"] = overlays.with_check(row["recent"], result.verdict is not Verdict.BROKEN)
    before = row.get("flapping", False)
    now = overlays.flaps(before, row["recent"])
    if now != before:
        row["flapping"] = now
    return now and not before


def _told(row: Row) -> Episode[uuid.UUID] | None:
    told = row["told"]
    if not told:
        return None
    ended_at = datetime.fromisoformat(told["ended_at"]) if told["ended_at"] else None
    return Episode(uuid.UUID(told["id"]), datetime.fromisoformat(told["started_at"]), ended_at)


def _present(row: Row, step: Step) -> Episode[uuid.UUID] | None:
    if row["incident_id"] is None or step.incident_started_at is None:
        return None
    return Episode(row["incident_id"], step.incident_started_at)


def _as_json(told: Episode[uuid.UUID] | None) -> Row | None:
    if told is None:
        return None
    ended_at = told.ended_at.isoformat() if told.ended_at else None
    return {"id": str(told.id), "started_at": told.started_at.isoformat(), "ended_at": ended_at}


def _said(row: Row, owed: overlays.Owed[uuid.UUID], result: Result) -> LinkBroke | LinkRecovered:
    episode, about = owed.episode, _about(row, result)
    if owed.what == "broke":
        return LinkBroke(
            **about,
            incident_id=episode.id,
            started_at=episode.started_at,
            broke_at=result.finished_at,
            status_code=result.status_code,
            detail=result.detail,
            archived_url=row.get("archived_url") if result.permanence is Permanence.HARD else None,
        )
    ended_at = episode.ended_at or result.finished_at
    return LinkRecovered(
        **about,
        incident_id=episode.id,
        started_at=episode.started_at,
        recovered_at=result.finished_at,
        duration_s=(ended_at - episode.started_at).total_seconds(),
    )


def _about(row: Row, result: Result) -> dict[str, Any]:
    """What every event of a link says."""
    return {
        "event_id": wire.new_id(),
        "workspace_id": row["workspace_id"],
        "link_id": row["id"],
        "url": row["url"],
        "reason": result.reason,
        "tags": tuple(row["tags"]),
    }
