"""Audit events."""

from __future__ import annotations

from typing import Any

import msgspec
from marshmallow import ValidationError, fields, validate

from config.settings import SERVICES
from web.limits import AUDIT_DETAILS_BYTES, AUDIT_DETAILS_LEVELS, AUDIT_EVENTS_MOST, AUDIT_TEXT_LONGEST
from web.schemas.fields import Input, Output, Page, Text, UtcTime, Word, one_of, page_of

OUTCOMES = ("success", "denied", "failure")
OWN = (*SERVICES, "web", "monitor")


class Details(fields.Dict):
    """Whatever else is worth remembering, within what databases and protobuf can hold."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **options: Any) -> Any:
        found: dict[str, Any] = super()._deserialize(value, attr, data, **options)  # type: ignore[no-untyped-call]
        if not _fits(found, AUDIT_DETAILS_LEVELS):
            raise ValidationError("Holds a NUL character, a number over 64 bits, or too many levels.")
        if len(msgspec.json.encode(found)) > AUDIT_DETAILS_BYTES:
            raise ValidationError(f"Must not be larger than {AUDIT_DETAILS_BYTES:,} bytes of JSON.")
        return found


def _fits(value: Any, levels: int) -> bool:
    if isinstance(value, dict):
        return levels > 0 and all(_fits(each, levels - 1) for pair in value.items() for each in pair)
    if isinstance(value, list):
        return levels > 0 and all(_fits(each, levels - 1) for each in value)
    if isinstance(value, int):
        return abs(value) < 2**63
    return not isinstance(value, str) or "\x00" not in value


class NewEventSchema(Input):
    """Something that happened in a system of yours."""

    action = Word(required=True, validate=validate.Length(1, 100), metadata={"example": "page.publish"})
    service = Word(
        load_default="external",
        validate=[validate.Length(1, 100), validate.NoneOf(OWN, error="Is a name of our own.")],
        metadata={"description": "The system in which it happened."},
    )
    actor = Word(
        load_default="",
        validate=validate.Length(max=AUDIT_TEXT_LONGEST),
        metadata={"description": "Who did it; the API key that tells, where missing."},
    )
    outcome = fields.String(load_default="success", validate=one_of(*OUTCOMES))
    reason = Text(load_default="", validate=validate.Length(max=AUDIT_TEXT_LONGEST))
    resource_kind = Word(load_default="", validate=validate.Length(max=100))
    resource_id = Word(load_default="", validate=validate.Length(max=AUDIT_TEXT_LONGEST))
    resource_name = Text(load_default="", validate=validate.Length(max=AUDIT_TEXT_LONGEST))
    occurred_at = fields.AwareDateTime(
        load_default=None, allow_none=True, metadata={"description": "Now, where missing."}
    )
    details = Details(load_default=dict)


class NewEventsSchema(Input):
    """Several events at once."""

    events = fields.List(fields.Nested(NewEventSchema), required=True, validate=validate.Length(1, AUDIT_EVENTS_MOST))


class EventSchema(Output):
    """Who did what to which thing, when, from where, and how it ended."""

    id = fields.UUID(required=True)
    occurred_at = UtcTime(required=True, allow_none=True)
    recorded_at = UtcTime(required=True, allow_none=True)
    service = fields.String(required=True)
    actor = fields.String(required=True)
    action = fields.String(required=True)
    outcome = fields.String(required=True, validate=validate.OneOf(OUTCOMES))
    reason = fields.String(required=True)
    resource_kind = fields.String(required=True)
    resource_id = fields.String(required=True)
    resource_name = fields.String(required=True)
    ip = fields.String(required=True)
    user_agent = fields.String(required=True)
    request_id = fields.String(required=True)
    trace_id = fields.String(required=True)
    details = fields.Dict(keys=fields.String(), required=True, allow_none=True)


EventPageSchema = page_of(EventSchema)


class EventFilterSchema(Page):
    """Which events."""

    actor = Text()
    action = Text()
    resource = Text(metadata={"description": "A resource's id."})
    outcome = fields.String(validate=one_of(*OUTCOMES))
    from_ = fields.AwareDateTime(data_key="from", metadata={"description": "From this time on (RFC 3339)."})
    to = fields.AwareDateTime(metadata={"description": "Before this time (RFC 3339)."})
    q = Text(metadata={"description": "A part of the resource's name, the reason or the action."})
    trace_id = Text()
    anonymous = fields.Boolean(
        load_default=False,
        metadata={"description": "Only requests refused before anybody knew whose they were; for admins."},
    )
