"""Incidents and their timelines."""

from __future__ import annotations

from marshmallow import fields, validate

from web.schemas.fields import Output, Page, Text, UtcTime, one_of, page_of
from web.schemas.links import SuggestionSchema

STATES = ("open", "resolved")
MOMENTS = ("first_failure", "confirmation", "opened", "acknowledged", "recovering", "relapsed", "resolved")


class IncidentSchema(Output):
    """From a link's first failure to its first good check after it."""

    id = fields.UUID(required=True)
    link_id = fields.UUID(required=True)
    url = fields.String(required=True)
    host = fields.String(required=True)
    state = fields.String(required=True, validate=validate.OneOf(STATES))
    reason = fields.String(required=True, metadata={"description": "The cause, when there was no doubt any more."})
    status_code = fields.Integer(required=True, allow_none=True)
    detail = fields.String(required=True)
    suggestion = fields.Nested(
        SuggestionSchema,
        required=True,
        allow_none=True,
        metadata={"description": "A copy in an archive, while it is open."},
    )
    started_at = UtcTime(required=True, metadata={"description": "The first failure."})
    opened_at = UtcTime(required=True, metadata={"description": "When there was no doubt any more."})
    acknowledged_at = UtcTime(required=True, allow_none=True)
    acknowledged_by = fields.String(required=True, allow_none=True)
    resolved_at = UtcTime(required=True, allow_none=True, metadata={"description": "The first good check."})
    duration_s = fields.Float(required=True, allow_none=True)
    group = fields.UUID(
        required=True,
        allow_none=True,
        metadata={"description": "The incident group of its host with which people are told of it."},
    )


class MomentSchema(Output):
    """One line of a timeline."""

    at = UtcTime(required=True)
    kind = fields.String(required=True, validate=validate.OneOf(MOMENTS))
    reason = fields.String(required=True, allow_none=True)
    status_code = fields.Integer(required=True, allow_none=True)
    detail = fields.String(required=True)
    actor = fields.String(required=True, allow_none=True)


class IncidentStorySchema(IncidentSchema):
    """An incident with its timeline."""

    timeline = fields.List(fields.Nested(MomentSchema), required=True)


IncidentPageSchema = page_of(IncidentSchema)


class IncidentFilterSchema(Page):
    """Which incidents."""

    state = fields.String(validate=one_of(*STATES))
    link_id = fields.UUID()
    host = Text()
    group = fields.UUID()


class IncidentGroupSchema(Output):
    """Incidents of one host that are one fault."""

    id = fields.UUID(required=True)
    host = fields.String(required=True)
    state = fields.String(required=True, validate=validate.OneOf(STATES))
    reason = fields.String(required=True, metadata={"description": "The most frequent cause."})
    links = fields.Integer(required=True, metadata={"description": "All links that were ever part of it."})
    open = fields.Integer(required=True, metadata={"description": "Of its incidents, those that are open."})
    started_at = UtcTime(required=True, metadata={"description": "The first failure of any of its links."})
    opened_at = UtcTime(required=True, metadata={"description": "When they were enough to be a group."})
    acknowledged_at = UtcTime(required=True, allow_none=True)
    acknowledged_by = fields.String(required=True, allow_none=True)
    resolved_at = UtcTime(required=True, allow_none=True, metadata={"description": "The last recovery."})
    duration_s = fields.Float(required=True, allow_none=True)


IncidentGroupPageSchema = page_of(IncidentGroupSchema)


class IncidentGroupFilterSchema(Page):
    """Which groups."""

    state = fields.String(validate=one_of(*STATES))
    host = Text()
