"""What probes are told."""

from __future__ import annotations

from marshmallow import fields, validate

from web.schemas.fields import Output


class AliveSchema(Output):
    """The process answers."""

    status = fields.String(required=True, validate=validate.OneOf(["ok"]))


class DependencySchema(Output):
    """Something that the front API needs."""

    ok = fields.Boolean(required=True)
    detail = fields.String(required=True)


class ReadySchema(Output):
    """Whether requests can be answered, and which of them cannot."""

    state = fields.String(required=True, validate=validate.OneOf(["ready", "degraded"]))
    degraded = fields.List(fields.String(), required=True, metadata={"description": "The services that are away."})
    dependencies = fields.Dict(keys=fields.String(), values=fields.Nested(DependencySchema), required=True)
