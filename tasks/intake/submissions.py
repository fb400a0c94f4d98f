"""Accepting: the submission, its work, its audit event and its outbox rows in one transaction.

Every `accept_…` writes into the caller's transaction and answers once everything is written; what it answers becomes
true when that transaction commits. A URL that cannot be parsed is rejected alone, never with its neighbours.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import chain, islice
from typing import Any

from sqlalchemy import update
from sqlalchemy.orm import Session

from config import telemetry
from config.settings import Intake
from tasks import clock, outbox, wire
from tasks.audit.messages import AuditEvent, RecordEvents
from tasks.intake import parts
from tasks.intake.models import OUTBOX, SUBMISSION, Submission
from tasks.intake.parts import Job, Piece
from tasks.intake.reading import Accepted, Line, Reading
from tasks.links.messages import GatherLinks, link_id
from tasks.notifications.messages import SendNotification
from tasks.rows import insert_rows

INTERACTIVE = "links.interactive"
BULK = "links.bulk"


@dataclass(frozen=True)
class Caller:
    """Who asks, and from where."""

    workspace_id: uuid.UUID
    actor: str
    ip: str = ""
    user_agent: str = ""
    request_id: str = ""


def accept_links(
    session: Session,
    caller: Caller,
    lines: Iterable[Line],
    settings: Intake,
    queue: str = BULK,
    keep: bool = True,
    registers: bool = True,
    expected: int = 0,
) -> Accepted:
    """Accept a stream of lines as one job, cut into parts. A job of no link at all is not written.

    The parts are written while the lines come in, so that memory is bounded; nobody sees any before the commit.
    Without `keep` the links are checked for this job alone and are no links of the workspace.
    Without `registers` those are checked that the workspace has, and none is added.
    `expected` is about how many lines there are, if that is known.
    """
    reading = Reading(caller.workspace_id, expected)
    job = Job(reading.accepted.job_id, caller.workspace_id, queue, settings)
    cut = parts.cut(job, reading.links(lines), keep, registers)
    first = list(islice(cut, parts.WRITTEN_AT_ONCE))
    if not first:
        return reading.accepted
    # Most batches have been read by now, and their total is known.
    _submit(session, caller, job, "links", total := reading.accepted.accepted)
    parts.store(session, job, chain(first, cut))
    if reading.accepted.accepted > total:
        session.execute(update(Submission).where(Submission.id == job.id).values(total=reading.accepted.accepted))
    _record_links(session, caller, reading, keep)
    return reading.accepted


def accept_source(
    session: Session,
    caller: Caller,
    kind: str,
    url: str,
    most: int,
    settings: Intake,
    keep: bool = True,
    dry_run: bool = False,
) -> uuid.UUID:
    """Accept a page or sitemap whose links, at most so many, are to be checked; returns the job's id."""
    job, part_id = Job(wire.new_id(), caller.workspace_id, BULK, settings), wire.new_id()
    message = GatherLinks(part_id, caller.workspace_id, job.id, kind, url, most, keep, dry_run)
    # Nobody knows yet how many there are.
    _submit(session, caller, job, "links", 0)
    _enqueue(session, job, part_id, message)
    details = {"source": kind, "keep": keep, "dry_run": dry_run}
    record_action(session, caller, "links.submit", "job", str(job.id), url, details)
    return job.id


def accept_notification(
    session: Session, caller: Caller, title: str, body: str, channel_id: uuid.UUID | None, settings: Intake
) -> uuid.UUID:
    """Accept a notification job; returns the job's id."""
    job, part_id = Job(wire.new_id(), caller.workspace_id, "notifications", settings), wire.new_id()
    message = SendNotification(part_id, caller.workspace_id, title, body, channel_id)
    _submit(session, caller, job, "notification", 1)
    _enqueue(session, job, part_id, message)
    details = {"channel_id": str(channel_id or "")}
    record_action(session, caller, "notification.submit", "job", str(job.id), title, details)
    return job.id


def accept_audit_events(session: Session, caller: Caller, events: Sequence[AuditEvent], settings: Intake) -> uuid.UUID:
    """Accept an audit-logging job; returns the job's id."""
    job, part_id = Job(wire.new_id(), caller.workspace_id, "audit", settings), wire.new_id()
    _submit(session, caller, job, "audit", len(events))
    message = RecordEvents(tuple(events), part_id)
    _enqueue(session, job, part_id, message)
    record_action(session, caller, "audit.submit", "job", str(job.id), "", {"events": len(events)})
    return job.id


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
        occurred_at=clock.now(),
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
        occurred_at=clock.now(),
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


def _record_links(session: Session, caller: Caller, reading: Reading, keep: bool) -> None:
    accepted = reading.accepted
    details: dict[str, Any] = {
        "accepted": accepted.accepted,
        "rejected": accepted.rejected_count,
        "duplicates": accepted.duplicates,
        "keep": keep,
    }
    name = ""
    if accepted.accepted == 1:
        # So that a search by the link finds a single submission.
        name, details["link_id"] = reading.last_url, str(link_id(caller.workspace_id, reading.last_url))
    record_action(session, caller, "links.submit", "job", str(accepted.job_id), name, details)


def _submit(session: Session, caller: Caller, job: Job, kind: str, total: int) -> None:
    submission = {
        "id": job.id,
        "workspace_id": caller.workspace_id,
        "kind": kind,
        "total": total,
        "actor": caller.actor,
        "traceparent": job.carrier.get("traceparent", ""),
    }
    insert_rows(session, SUBMISSION, [submission])


def _enqueue(session: Session, job: Job, part_id: uuid.UUID, message: wire.Message) -> None:
    parts.store(session, job, [Piece(part_id, message.name(), wire.encode(message))])
