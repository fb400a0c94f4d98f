"""Uptime and latency over a time."""

from __future__ import annotations

from marshmallow import fields

from web.schemas.fields import Input, Output, Text, UtcTime, one_of

DAY_S = 86_400
WINDOWS_S = {"24h": DAY_S, "7d": 7 * DAY_S, "30d": 30 * DAY_S, "90d": 90 * DAY_S}


class OverTimeSchema(Input):
    """The time up to now."""

    window = fields.String(load_default="30d", validate=one_of(*WINDOWS_S))


class SummaryQuerySchema(OverTimeSchema):
    """Which links, over which time."""

    tag = Text(load_default="", metadata={"description": "Empty: all links of the workspace."})


class UptimeSchema(Output):
    """How much of the time a link was up."""

    since = UtcTime(required=True)
    until = UtcTime(required=True)
    uptime = fields.Float(
        required=True,
        allow_none=True,
        metadata={"description": "Of the time watched, that outside of incidents, from 0 to 1; null if it was not."},
    )
    watched_s = fields.Float(required=True)
    down_s = fields.Float(required=True, metadata={"description": "In incidents."})
    excused_s = fields.Float(
        required=True, metadata={"description": "Paused or under maintenance: neither watched nor down."}
    )
    incidents = fields.Integer(required=True)
    checks = fields.Dict(
        keys=fields.String(), values=fields.Integer(), required=True, metadata={"description": "By verdict."}
    )


class LatencyPointSchema(Output):
    """An hour or a day in which checks were answered."""

    at = UtcTime(required=True)
    checks = fields.Integer(required=True)
    p50_ms = fields.Float(required=True)
    p95_ms = fields.Float(required=True)
    p99_ms = fields.Float(required=True)


class LatencySchema(Output):
    """How long a link took to answer; percentiles are right to 2.5 %."""

    since = UtcTime(required=True)
    until = UtcTime(required=True)
    step_s = fields.Integer(required=True, metadata={"description": "What a point stands for: an hour or a day."})
    checks = fields.Integer(required=True, metadata={"description": "Those that were answered."})
    p50_ms = fields.Float(required=True, allow_none=True)
    p95_ms = fields.Float(required=True, allow_none=True)
    p99_ms = fields.Float(required=True, allow_none=True)
    points = fields.List(fields.Nested(LatencyPointSchema), required=True)


class SummarySchema(Output):
    """Many links together, up to the last hour that was counted."""

    since = UtcTime(required=True)
    until = UtcTime(required=True)
    links = fields.Integer(required=True)
    uptime = fields.Float(required=True, allow_none=True)
    watched_s = fields.Float(required=True, metadata={"description": "Of all of them."})
    down_s = fields.Float(required=True)
    checks = fields.Dict(keys=fields.String(), values=fields.Integer(), required=True)
    p50_ms = fields.Float(required=True, allow_none=True)
    p95_ms = fields.Float(required=True, allow_none=True)
    p99_ms = fields.Float(required=True, allow_none=True)
