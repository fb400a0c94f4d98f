"""Badges."""

from __future__ import annotations

from marshmallow import fields, validate

from web.limits import TAG_LONGEST
from web.schemas.fields import Input, Output, UtcTime, Word, one_of, page_of

METRICS = ("state", "uptime_30d")


class NewBadgeSchema(Input):
    """A tag that anybody may see the state of."""

    tag = Word(required=True, validate=validate.Length(1, TAG_LONGEST))


class BadgeSchema(Output):
    """A tag that is public under an id of its own."""

    id = fields.UUID(required=True)
    tag = fields.String(required=True)
    path = fields.String(required=True, metadata={"description": "Where the SVG is, for anybody."})
    created_at = UtcTime(required=True)


BadgePageSchema = page_of(BadgeSchema)


class BadgeQuerySchema(Input):
    """What a badge shows."""

    metric = fields.String(load_default="state", validate=one_of(*METRICS))
