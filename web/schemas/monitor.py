"""Workers, queues and dead letters."""

from __future__ import annotations

from typing import Any

from marshmallow import ValidationError, fields, validate, validates_schema

from web.limits import PAGE_MOST
from web.schemas.fields import Input, Output, Page, Text, UtcTime, one_of, page_of

DEAD_LETTER_REASONS = ("failed", "invalid", "unknown_task", "unreadable", "too_new", "gave_up", "rejected")


class ActiveTaskSchema(Output):
    """A task that is being done."""

    id = fields.String(required=True)
    name = fields.String(required=True)
    started_at = UtcTime(required=True, allow_none=True)


class WorkerSchema(Output):
    """A worker that answers."""

    name = fields.String(required=True)
    queues = fields.List(fields.String(), required=True)
    concurrency = fields.Integer(required=True)
    pid = fields.Integer(required=True)
    processed = fields.Dict(
        keys=fields.String(),
        values=fields.Integer(),
        required=True,
        metadata={"description": "Tasks done since it started, by name."},
    )
    active = fields.List(fields.Nested(ActiveTaskSchema), required=True)
    reserved = fields.Integer(required=True)


class QueueSchema(Output):
    """A queue, as the broker knows it; null where it cannot be asked."""

    name = fields.String(required=True)
    service = fields.String(required=True)
    messages_ready = fields.Integer(required=True, allow_none=True)
    consumers = fields.Integer(required=True, allow_none=True)
    dead_letters = fields.Integer(required=True, allow_none=True)


class DeadLetterSchema(Output):
    """A message that no worker could do."""

    id = fields.UUID(required=True)
    queue = fields.String(required=True)
    message = fields.String(required=True, metadata={"description": "Its name; empty where it has none."})
    version = fields.Integer(required=True)
    message_id = fields.String(required=True)
    reason = fields.String(
        required=True,
        metadata={"description": f"{', '.join(f'`{each}`' for each in DEAD_LETTER_REASONS)}, or the broker's word."},
    )
    detail = fields.String(required=True, metadata={"description": "The reason in words."})
    died_at = UtcTime(required=True, allow_none=True)
    worker = fields.String(required=True)
    deliveries = fields.Integer(required=True, allow_none=True, metadata={"description": "How often it was tried."})
    replays = fields.Integer(required=True, metadata={"description": "How often it was sent again before."})
    request_id = fields.String(required=True)
    trace_id = fields.String(required=True)
    size_bytes = fields.Integer(required=True)


class DeadLetterStorySchema(DeadLetterSchema):
    """The whole of it."""

    content_type = fields.String(required=True)
    body = fields.String(required=True, metadata={"description": "The first 64 KiB."})
    traceback = fields.String(required=True)


class DeadLetterFilterSchema(Page):
    """Which dead letters."""

    queue = Text(metadata={"description": "The queue they died in."})


class DeadLetterActionSchema(Input):
    """One action on some dead letters, or on all of a queue."""

    action = fields.String(required=True, validate=one_of("replay", "discard"))
    ids = fields.List(fields.UUID(), validate=validate.Length(1, PAGE_MOST))
    queue = Text(validate=validate.Length(1))

    @validates_schema
    def _one_of_both(self, data: dict[str, Any], **_: Any) -> None:
        if ("ids" in data) == ("queue" in data):
            raise ValidationError("Name either ids or a queue.", "ids")


class DeadLetterActedSchema(Output):
    """What was done."""

    action = fields.String(required=True)
    count = fields.Integer(required=True, metadata={"description": "Letters that were there."})
    remaining = fields.Integer(
        required=True, metadata={"description": "Letters that lie in the queue, or in all, now."}
    )


WorkerPageSchema = page_of(WorkerSchema)
QueuePageSchema = page_of(QueueSchema)
DeadLetterPageSchema = page_of(DeadLetterSchema)
