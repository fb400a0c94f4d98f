"""RFC 9457 problem documents."""

from __future__ import annotations

from marshmallow import fields

from web.schemas.fields import Output


class FaultSchema(Output):
    """One thing that is wrong with the input."""

    pointer = fields.String(required=True, metadata={"description": "A JSON pointer to the part that does not fit."})
    detail = fields.String(required=True)


class ProblemSchema(Output):
    """What went wrong, and what to do."""

    type = fields.String(
        required=True, metadata={"description": "A stable URI of this kind of problem; there is a page for people."}
    )
    title = fields.String(required=True)
    status = fields.Integer(required=True)
    detail = fields.String(required=True)
    instance = fields.String(required=True, metadata={"description": "The path that was asked."})
    trace_id = fields.String(required=True, metadata={"description": "Finds the request in logs and audit events."})
    errors = fields.List(fields.Nested(FaultSchema))
