"""What is told of the links of parts, once their rows are settled."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence

from config import telemetry
from tasks import clock, outbox, wire
from tasks.links import record
from tasks.links.messages import LinksBorn, LinksChanged
from tasks.links.record import Outcome
from tasks.links.settling import Checked
from tasks.links.state import State

# From here on, first checks that came out alike are told together.
WORTH_ONE = 10
ALIVE = (State.UP, State.DEGRADED)


def drafts(checked: Mapping[str, Checked], outcomes: Sequence[Outcome]) -> list[outbox.Draft]:
    """To people what concerns them, to the record every change, part by part."""
    told = [outbox.event(event, outcome.row["traceparent"]) for outcome in outcomes for event in outcome.events]
    changed: dict[uuid.UUID, list[Outcome]] = {}
    for outcome in outcomes:
        if outcome.before is not None:
            changed.setdefault(checked[outcome.row["url"]].part.part_id, []).append(outcome)
    return told + [_changed(checked[mine[0].row["url"]], mine) for mine in changed.values()]


def _changed(one: Checked, outcomes: Sequence[Outcome]) -> outbox.Draft:
    """What has changed of the links of one part, of which `one` is any."""
    part = one.part
    born, others = _part_by_birth(outcomes)
    changes = tuple(record.change_of(outcome) for outcome in others)
    changed = LinksChanged(wire.new_id(), part.workspace_id, clock.now(), changes, part.job_id, tuple(born))
    return outbox.event(changed, one.traceparent)


def _part_by_birth(changed: Sequence[Outcome]) -> tuple[list[LinksBorn], list[Outcome]]:
    """Groups of new links that work and differ in nothing else, and all the other changes."""
    groups: dict[tuple[str, ...], list[Outcome]] = {}
    others = []
    for outcome in changed:
        row = outcome.row
        if outcome.before is State.PENDING and row["state"] in ALIVE:
            alike = (row["state"], row["verdict"], row["reason"], row["traceparent"])
            groups.setdefault(alike, []).append(outcome)
        else:
            others.append(outcome)
    born = [_born(group) for group in groups.values() if len(group) >= WORTH_ONE]
    few = [outcome for group in groups.values() if len(group) < WORTH_ONE for outcome in group]
    return born, others + few


def _born(group: Sequence[Outcome]) -> LinksBorn:
    row = group[0].row
    return LinksBorn(
        event_id=wire.new_id(),
        after=str(row["state"]),
        verdict=row["verdict"],
        reason=row["reason"],
        trace_id=telemetry.trace_id_of(row["traceparent"]),
        link_ids=tuple(outcome.row["id"] for outcome in group),
    )
