"""Parts: the work of a submission, written once. The outbox only refers to them, and the relay reads them there.

A part of links is written before anybody knows how many the job has, so the total is added as it is sent.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import islice
from typing import Any

import msgspec
from sqlalchemy import ColumnElement, literal, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from config import telemetry
from config.broker import JOBS
from config.settings import Intake
from tasks import clock, outbox, wire
from tasks.intake.models import OUTBOX, PARTS, Part, Submission
from tasks.intake.reading import Line, Link
from tasks.links.messages import CheckLinks
from tasks.rows import as_bytea, copy_rows, insert_rows, notify

# So many are held in memory, and written in one statement.
WRITTEN_AT_ONCE = 16
# Of each link's id, the bytes by which its part is found. Others may share them.
MARK = 4


@dataclass(frozen=True)
class Job:
    """What the parts of one submission have in common."""

    id: uuid.UUID
    workspace_id: uuid.UUID
    queue: str
    settings: Intake
    submitted_at: datetime = field(default_factory=lambda: clock.now())
    # In which trace, and upon which request.
    carrier: Mapping[str, str] = field(default_factory=telemetry.carrier)


@dataclass(frozen=True)
class Piece:
    """One part before it is written: its message, already JSON."""

    id: uuid.UUID
    name: str
    body: str
    link_marks: bytes = b""


def cut(job: Job, links: Iterator[Link], keep: bool, registers: bool) -> Iterator[Piece]:
    """Messages of so many links as a part has; only links that stay are found by their marks."""
    while chunk := list(islice(links, job.settings.part_size)):
        part_id = wire.new_id()
        # Written by hand, without what is left at its default: `CheckLinks` as objects takes twice as long.
        message = {
            "part_id": part_id,
            "workspace_id": job.workspace_id,
            "scheduled_at": job.submitted_at,
            "job_id": job.id,
            "keep": keep,
            "registers": registers,
            "links": [_fields(link.url, link.line) for link in chunk],
        }
        marks = b"".join([link.id[:MARK] for link in chunk]) if keep else b""
        yield Piece(part_id, CheckLinks.name(), msgspec.json.encode(message).decode(), marks)


def store(session: Session, job: Job, pieces: Iterable[Piece]) -> None:
    """Write the parts, a few at a time, and have them sent once this transaction commits."""
    leased_until = clock.now() + timedelta(seconds=job.settings.lease_s)
    pieces = iter(pieces)
    while chunk := list(islice(pieces, WRITTEN_AT_ONCE)):
        _write(session, [_row(job, each, leased_until) for each in chunk])
        insert_rows(session, OUTBOX, [_letter(job, each) for each in chunk])
    notify(session, outbox.CHANNEL)


def send_again(session: Session, which: ColumnElement[bool]) -> None:
    """Have these parts sent once this transaction commits. One that waits to be sent already is not sent twice."""
    request_id = telemetry.carrier().get("request_id", "")
    sent = (
        select(
            Part.id,
            Part.name,
            literal(JOBS.name),
            Part.queue,
            literal(""),
            Submission.traceparent,
            literal(request_id),
        )
        .join(Submission, Submission.id == Part.submission_id)
        .where(which)
    )
    columns = ["id", "name", "exchange", "routing_key", "body", "traceparent", "request_id"]
    session.execute(insert(OUTBOX).from_select(columns, sent).on_conflict_do_nothing())
    notify(session, outbox.CHANNEL)


def _write(session: Session, rows: Sequence[dict[str, Any]]) -> None:
    if len(rows) == 1:
        insert_rows(session, PARTS, [row | {"link_marks": as_bytea(row["link_marks"])} for row in rows])
    else:
        # Of several all but the last are large.
        copy_rows(session, PARTS, tuple(rows[0]), (list(row.values()) for row in rows))


def _row(job: Job, piece: Piece, leased_until: datetime) -> dict[str, Any]:
    return {
        "id": piece.id,
        "submission_id": job.id,
        "workspace_id": job.workspace_id,
        "name": piece.name,
        "queue": job.queue,
        "body": piece.body,
        "link_marks": piece.link_marks,
        "leased_until": leased_until,
    }


def _letter(job: Job, piece: Piece) -> dict[str, Any]:
    return {
        "id": piece.id,
        "name": piece.name,
        "exchange": JOBS.name,
        "routing_key": job.queue,
        "body": "",
        "traceparent": job.carrier.get("traceparent", ""),
        "request_id": job.carrier.get("request_id", ""),
        "created_at": job.submitted_at,
    }


def _fields(url: str, line: Line) -> dict[str, Any]:
    if line[2:] == _PLAIN:
        return {"url": url}
    options = {
        "interval_s": line.interval_s,
        "tags": line.tags,
        "external_id": line.external_id,
        "full": line.full or None,
        "settings": line.settings,
    }
    return {"url": url} | {name: value for name, value in options.items() if value is not None}


_PLAIN: Sequence[object] = Line(0, "")[2:]
