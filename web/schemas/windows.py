"""Maintenance windows."""

from __future__ import annotations

from marshmallow import fields, validate

from web.limits import NAME_LONGEST, TAG_LONGEST, WINDOW_LONGEST_S
from web.schemas.fields import Input, Output, UtcTime, Word, page_of


class NewWindowSchema(Input):
    """When to leave which links alone: those of a host, those with a tag, both, or all."""

    name = Word(required=True, validate=validate.Length(1, NAME_LONGEST))
    host = Word(
        load_default=None,
        allow_none=True,
        validate=validate.Length(1, 255),
        metadata={"example": "shop.example.com"},
    )
    tag = Word(load_default=None, allow_none=True, validate=validate.Length(1, TAG_LONGEST))
    starts_at = fields.AwareDateTime(
        "iso", required=True, metadata={"description": "The first time.", "example": "2027-01-03T02:00:00+01:00"}
    )
    duration_s = fields.Integer(strict=True, required=True, validate=validate.Range(1, WINDOW_LONGEST_S))
    rrule = Word(
        load_default="",
        validate=validate.Length(max=500),
        metadata={"description": "RFC 5545; empty: once.", "example": "FREQ=WEEKLY;BYDAY=SU"},
    )
    timezone = Word(
        load_default="UTC",
        validate=validate.Length(1, 64),
        metadata={"description": "The clock that the rule is reckoned on.", "example": "Europe/Berlin"},
    )


class WindowSchema(Output):
    """A maintenance window."""

    id = fields.UUID(required=True)
    name = fields.String(required=True)
    host = fields.String(required=True, allow_none=True)
    tag = fields.String(required=True, allow_none=True)
    starts_at = UtcTime(required=True)
    duration_s = fields.Integer(required=True)
    rrule = fields.String(required=True)
    timezone = fields.String(required=True)
    version = fields.Integer(required=True)
    open = fields.Boolean(required=True, metadata={"description": "Now."})
    created_at = UtcTime(required=True)


WindowPageSchema = page_of(WindowSchema)
