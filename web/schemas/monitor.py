"""Workers and queues."""

from __future__ import annotations

from marshmallow import fields

from web.schemas.fields import Output, UtcTime, page_of


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


WorkerPageSchema = page_of(WorkerSchema)
QueuePageSchema = page_of(QueueSchema)
