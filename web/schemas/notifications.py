"""Notifications, channels and deliveries."""

from __future__ import annotations

from marshmallow import fields, validate

from web.limits import NAME_LONGEST, NOTIFICATION_BODY_LONGEST, TITLE_LONGEST, URL_LONGEST
from web.schemas.fields import Input, Output, Page, Text, UtcTime, Word, one_of, page_of

KINDS = ("webhook", "email")
DELIVERY_STATES = ("pending", "sending", "succeeded", "failed")


class NewNotificationSchema(Input):
    """A message for one channel, or for every channel where none is named."""

    channel_id = fields.UUID(load_default=None, allow_none=True)
    title = Word(required=True, validate=validate.Length(1, TITLE_LONGEST))
    body = Text(required=True, validate=validate.Length(1, NOTIFICATION_BODY_LONGEST))


class AcceptedSchema(Output):
    """Work that will be done."""

    job_id = fields.UUID(required=True)


class NewChannelSchema(Input):
    """Where people can be told."""

    kind = fields.String(required=True, validate=one_of(*KINDS))
    name = Word(required=True, validate=validate.Length(1, NAME_LONGEST))
    target = Word(
        required=True,
        validate=validate.Length(1, URL_LONGEST),
        metadata={"description": "The webhook's URL, or the address of the mail."},
    )


class ChannelSchema(Output):
    """A channel, without its secret."""

    id = fields.UUID(required=True)
    kind = fields.String(required=True, validate=validate.OneOf(KINDS))
    name = fields.String(required=True)
    target = fields.String(required=True)
    created_at = UtcTime(required=True, allow_none=True)


class CreatedChannelSchema(ChannelSchema):
    """A channel with its secret, which is told this once."""

    secret = fields.String(
        required=True,
        allow_none=True,
        metadata={"description": "The Standard Webhooks secret (whsec_…) that signs what is sent; null for mail."},
    )


class AttemptSchema(Output):
    """One attempt to deliver."""

    number = fields.Integer(required=True)
    at = UtcTime(required=True, allow_none=True)
    ok = fields.Boolean(required=True)
    status = fields.Integer(required=True, allow_none=True)
    latency_ms = fields.Float(required=True)
    answer = fields.String(required=True)


class DeliverySchema(Output):
    """One message to one channel."""

    id = fields.UUID(required=True)
    channel_id = fields.UUID(
        required=True, allow_none=True, metadata={"description": "Null where there was no channel to tell."}
    )
    subject = fields.String(required=True)
    title = fields.String(required=True)
    state = fields.String(required=True, validate=validate.OneOf(DELIVERY_STATES))
    attempts = fields.List(fields.Nested(AttemptSchema), required=True)
    created_at = UtcTime(required=True, allow_none=True)
    next_attempt_at = UtcTime(required=True, allow_none=True)
    finished_at = UtcTime(required=True, allow_none=True)
    link_id = fields.UUID(required=True, allow_none=True)
    trace_id = fields.String(required=True)
    error = fields.String(required=True, metadata={"description": "Why the latest attempt failed."})


ChannelPageSchema = page_of(ChannelSchema)
DeliveryPageSchema = page_of(DeliverySchema)


class DeliveryFilterSchema(Page):
    """Which deliveries."""

    channel_id = fields.UUID()
    state = fields.String(validate=one_of(*DELIVERY_STATES))
    link_id = fields.UUID()
