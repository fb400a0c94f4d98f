"""Accepting: the submission, its work, its audit event and its outbox rows in one transaction.

Every `accept_…` writes into the caller's transaction and answers once everything is written; what it answers becomes
true when that transaction commits. A URL that cannot be parsed is rejected alone, never with its neighbours.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Table, insert
from sqlalchemy.orm import Session

from config import telemetry
from config.settings import Intake
from tasks import outbox, wire
from tasks.audit.messages import AuditEvent, RecordEvents
from tasks.database import insert_rows
from tasks.intake.models import Outbox, Part, Submission
from tasks.links.messages import CheckLinks, LinkSpec, link_id
from tasks.notifications.messages import SendNotification
from tasks.urls import InvalidUrl, normalise

INTERACTIVE = "links.interactive"
BULK = "links.bulk"
# A client learns of this many bad lines by name; the count is of all.
REJECTED_SHOWN = 1000

OUTBOX: Table = Outbox.__table__  # type: ignore[assignment]  # declared as a FromClause, always a Table
PARTS: Table = Part.__table__  # type: ignore[assignment]


@dataclass(frozen=True)
class Caller:
    """Who asks, and from where."""

    workspace_id: uuid.UUID
    actor: str
    ip: str = ""
    user_agent: str = ""
    request_id: str = ""


@dataclass(frozen=True)
class Line:
    """One line of a batch as it was sent; `number` counts from 1."""

    number: int
    url: str
    interval_s: int | None = None
    tags: tuple[str, ...] | None = None
    external_id: str | None = None
    # Set where the line could not even be read.
    fault: str = ""
    # Ask for the whole page.
    full: bool = False


@dataclass(frozen=True)
class Rejection:
    """Why one line was not accepted."""

    line: int
    input: str
    reason: str


@dataclass
class Accepted:
    """What came of a submission so far."""

    job_id: uuid.UUID
    accepted: int = 0
    duplicates: int = 0
    rejected_count: int = 0
    rejected: list[Rejection] = field(default_factory=list)

    def reject(self, line: Line, reason: str) -> None:
        """Count a bad line, and keep the first ones by name."""
        self.rejected_count += 1
        if len(self.rejected) < REJECTED_SHOWN:
            self.rejected.append(Rejection(line.number, line.url[:500], reason))


def accept_links(
    session: Session,
    caller: Caller,
    lines: Iterable[Line],
    settings: Intake,
    queue: str = BULK,
    keep: bool = True,
    registers: bool = True,
) -> Accepted:
    """Accept a stream of lines as one job, cut into parts. A job of no link at all is not written.

    Without `keep` the links are checked for this job alone and are no links of the workspace.
    Without `registers` those are checked that the workspace has, and none is added.
    """
    accepted = Accepted(wire.new_id())
    submitted_at = datetime.now(UTC)
    parts = list(_parts(caller, lines, accepted, settings.part_size))
    if not accepted.accepted:
        return accepted
    _submit(session, caller, accepted.job_id, "links", accepted.accepted)
    works = [
        _Work(_part(caller, specs, accepted, submitted_at, keep, registers), link_ids if keep else ())
        for specs, link_ids in parts
    ]
    _enqueue(session, caller, accepted.job_id, queue, works, settings)
    details = {
        "accepted": accepted.accepted,
        "rejected": accepted.rejected_count,
        "duplicates": accepted.duplicates,
        "keep": keep,
    }
    first = parts[0][0][0].url if accepted.accepted == 1 else ""
    record_action(
        session,
        caller,
        "links.submit",
        "job",
        str(accepted.job_id),
        first,
        details | (_only_link(parts) if keep else {}),
    )
    return accepted


def accept_notification(
    session: Session, caller: Caller, title: str, body: str, channel_id: uuid.UUID | None, settings: Intake
) -> uuid.UUID:
    """Accept a notification job; returns the job's id."""
    job_id = wire.new_id()
    message = SendNotification(wire.new_id(), caller.workspace_id, title, body, channel_id)
    _submit(session, caller, job_id, "notification", 1)
    _enqueue(session, caller, job_id, "notifications", [_Work(message)], settings)
    record_action(
        session,
        caller,
        "notification.submit",
        "job",
        str(job_id),
        title,
        {"channel_id": str(channel_id or "")},
    )
    return job_id


def accept_audit_events(session: Session, caller: Caller, events: Sequence[AuditEvent], settings: Intake) -> uuid.UUID:
    """Accept an audit-logging job; returns the job's id."""
    job_id = wire.new_id()
    _submit(session, caller, job_id, "audit", len(events))
    _enqueue(session, caller, job_id, "audit", [_Work(RecordEvents(tuple(events), wire.new_id()))], settings)
    record_action(session, caller, "audit.submit", "job", str(job_id), "", {"events": len(events)})
    return job_id


def read_specs(caller: Caller, lines: Iterable[Line], accepted: Accepted) -> Iterator[tuple[LinkSpec, uuid.UUID]]:
    """Each link of the lines once, with its id; `accepted` counts what comes of them."""
    seen: set[int] = set()
    for line in lines:
        if line.fault:
            accepted.reject(line, line.fault)
            continue
        try:
            url = normalise(line.url)
        except InvalidUrl as error:
            accepted.reject(line, str(error))
            continue
        identity = link_id(caller.workspace_id, url)
        if identity.int in seen:
            accepted.duplicates += 1
            continue
        seen.add(identity.int)
        accepted.accepted += 1
        yield LinkSpec(url, line.interval_s, line.tags, line.external_id, line.full), identity


def record_refusal(
    session: Session,
    action: str,
    reason: str,
    caller: Caller | None,
    ip: str,
    user_agent: str,
    request_id: str,
) -> None:
    """Tell audit of a request that was refused before anything was accepted."""
    event = AuditEvent(
        event_id=wire.new_id(),
        workspace_id=caller.workspace_id if caller else None,
        occurred_at=datetime.now(UTC),
        service="web",
        actor=caller.actor if caller else "anonymous",
        action=action,
        outcome="denied",
        reason=reason,
        ip=ip,
        user_agent=user_agent,
        request_id=request_id,
        trace_id=telemetry.trace_id(),
    )
    outbox.post(session, OUTBOX, [outbox.job("audit", RecordEvents((event,)))])


def record_action(
    session: Session,
    caller: Caller,
    action: str,
    kind: str,
    resource: str,
    name: str,
    details: dict[str, Any],
) -> None:
    """Tell audit of what was done, in the transaction in which it is done."""
    event = AuditEvent(
        event_id=wire.new_id(),
        workspace_id=caller.workspace_id,
        occurred_at=datetime.now(UTC),
        service="intake",
        actor=caller.actor,
        action=action,
        resource_kind=kind,
        resource_id=resource,
        resource_name=name,
        ip=caller.ip,
        user_agent=caller.user_agent,
        request_id=caller.request_id,
        trace_id=telemetry.trace_id(),
        details=details,
    )
    outbox.post(session, OUTBOX, [outbox.job("audit", RecordEvents((event,)))])


@dataclass(frozen=True)
class _Work:
    message: CheckLinks | SendNotification | RecordEvents
    link_ids: tuple[uuid.UUID, ...] = ()


def _parts(
    caller: Caller, lines: Iterable[Line], accepted: Accepted, size: int
) -> Iterator[tuple[list[LinkSpec], tuple[uuid.UUID, ...]]]:
    specs: list[LinkSpec] = []
    ids: list[uuid.UUID] = []
    for spec, identity in read_specs(caller, lines, accepted):
        specs.append(spec)
        ids.append(identity)
        if len(specs) == size:
            yield specs, tuple(ids)
            specs, ids = [], []
    if specs:
        yield specs, tuple(ids)


def _only_link(parts: list[tuple[list[LinkSpec], tuple[uuid.UUID, ...]]]) -> dict[str, Any]:
    """A single submission's audit event names its link, so that a search by the link finds it."""
    ids = [identity for _, part in parts[:1] for identity in part]
    return {"link_id": str(ids[0])} if len(ids) == 1 and len(parts) == 1 else {}


def _part(
    caller: Caller, specs: Sequence[LinkSpec], accepted: Accepted, submitted_at: datetime, keep: bool, registers: bool
) -> CheckLinks:
    return CheckLinks(
        part_id=wire.new_id(),
        workspace_id=caller.workspace_id,
        scheduled_at=submitted_at,
        links=tuple(specs),
        job_id=accepted.job_id,
        job_total=accepted.accepted,
        keep=keep,
        registers=registers,
    )


def _submit(session: Session, caller: Caller, job_id: uuid.UUID, kind: str, total: int) -> None:
    session.execute(
        insert(Submission).values(
            id=job_id,
            workspace_id=caller.workspace_id,
            kind=kind,
            total=total,
            actor=caller.actor,
            traceparent=telemetry.carrier().get("traceparent", ""),
        )
    )


def _enqueue(
    session: Session, caller: Caller, job_id: uuid.UUID, queue: str, works: Sequence[_Work], settings: Intake
) -> None:
    drafts = [outbox.job(queue, work.message) for work in works]
    leased_until = datetime.now(UTC) + timedelta(seconds=settings.lease_s)
    rows = [
        {
            "id": work.message.part_id,
            "submission_id": job_id,
            "workspace_id": caller.workspace_id,
            "name": draft.name,
            "queue": queue,
            "body": draft.body,
            "link_ids": work.link_ids,
            "attempts": 1,
            "leased_until": leased_until,
        }
        for work, draft in zip(works, drafts, strict=True)
    ]
    insert_rows(session, PARTS, rows)
    outbox.post(session, OUTBOX, drafts)
