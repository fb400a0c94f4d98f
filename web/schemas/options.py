"""How links are checked: options of links, and policies of hosts and workspaces."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from marshmallow import ValidationError, fields, validate

from web.limits import CONFIRM_LONGEST_S, INTERVAL_LONGEST_S, INTERVAL_SHORTEST_S
from web.schemas.fields import Input, Output, Text, UtcTime, page_of
from web.schemas.words import VERDICTS

SET = {"set": True}
SHOWN_AS_SET = {
    "type": "object",
    "required": ["set"],
    "properties": {"set": {"const": True}},
    "additionalProperties": False,
}
BASIC = {
    "type": "object",
    "required": ["username", "password"],
    "properties": {"username": {"type": "string"}, "password": {"type": "string"}},
    "additionalProperties": False,
}
STAYS = 'Shown as `{"set": true}`; sent back so, it stays as it is.'


class Secret(fields.Field[Any]):
    """A text that is never shown. Whoever sends back what is shown in its place leaves it as it is."""

    def __init__(self, **options: Any) -> None:
        super().__init__(metadata={"oneOf": [{"type": "string"}, SHOWN_AS_SET], "description": STAYS}, **options)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **_: Any) -> Any:
        if value == SET or (isinstance(value, str) and "\0" not in value):
            return value
        raise ValidationError("Not a valid string.")


class Login(fields.Field[Any]):
    """User name and password, or what is shown in their place."""

    def __init__(self, **options: Any) -> None:
        super().__init__(metadata={"oneOf": [BASIC, SHOWN_AS_SET], "description": STAYS}, **options)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **_: Any) -> Any:
        pair = isinstance(value, Mapping) and set(value) == {"username", "password"}
        if value == SET or (pair and all(isinstance(each, str) and "\0" not in each for each in value.values())):
            return dict(value)
        raise ValidationError('Give {"username": …, "password": …}.')


class Scalar(fields.Field[Any]):
    """A JSON value that is no list and no object."""

    def __init__(self) -> None:
        super().__init__(allow_none=True, metadata={"type": ["string", "number", "boolean"]})

    def _deserialize(self, value: Any, attr: str | None, data: Any, **_: Any) -> Any:
        if isinstance(value, str) and "\0" in value:
            raise ValidationError("Must not contain a NUL character.")
        if isinstance(value, str | int | float | bool):
            return value
        raise ValidationError("Must be a text, a number, true, false or null.")


def _switch(setting: str) -> fields.Boolean:
    described = {"description": f"Instead of `{setting}`."}
    return fields.Boolean(truthy={True}, falsy={False}, allow_none=True, metadata=described)


def _number(description: str, most: float) -> fields.Float:
    return fields.Float(allow_none=True, validate=validate.Range(0, most), metadata={"description": description})


def _seconds(description: str) -> fields.Float:
    limits = validate.Range(0, 120, min_inclusive=False)
    return fields.Float(allow_none=True, validate=limits, metadata={"description": description})


class TargetOptionsSchema(Input):
    """What is expected of answers, and what is looked for."""

    verdicts = fields.Dict(
        keys=Text(),
        values=fields.String(validate=validate.OneOf(VERDICTS)),
        allow_none=True,
        metadata={"description": "By status or class of them.", "example": {"403": "ok", "5xx": "inconclusive"}},
    )
    accepted_redirects = fields.List(
        Text(), allow_none=True, metadata={"description": "Expressions of RE2; redirects that end elsewhere fail."}
    )
    required_text = fields.List(Text(), allow_none=True)
    forbidden_text = fields.List(Text(), allow_none=True)
    required_headers = fields.Dict(
        keys=Text(),
        values=Text(),
        allow_none=True,
        metadata={
            "description": "By name, an expression of RE2 to be found in it.",
            "example": {"Content-Type": "^text"},
        },
    )
    json_values = fields.Dict(
        keys=Text(), values=Scalar(), allow_none=True, metadata={"example": {"status.healthy": True, "items.0.id": 7}}
    )
    user_agent = Text(allow_none=True)
    accept = Text(allow_none=True)
    method = fields.String(allow_none=True, validate=validate.OneOf(["HEAD", "GET"]))
    timeout_s = _seconds("For the whole check.")
    connect_timeout_s = _seconds("To connect.")
    robots = _switch("PRANALA_ROBOTS")
    mailto = _switch("PRANALA_MAILTO")
    fragments = _switch("PRANALA_FRAGMENTS")
    suggest_https = _switch("PRANALA_SUGGEST_HTTPS")
    soft_404 = _switch("PRANALA_SOFT_404")
    slow_ms = _number("Instead of `PRANALA_SLOW_MS`.", 1_000_000)
    tls_warn_days = _number("Instead of `PRANALA_TLS_WARN_DAYS`.", 1_000_000)


class CheckOptionsSchema(TargetOptionsSchema):
    """How a link is checked, where that is not as for all others. What is sent goes to its own host and no other."""

    request_headers = fields.Dict(
        keys=Text(),
        values=Secret(),
        allow_none=True,
        metadata={"description": "Only values that cannot be secrets, such as Accept-Language, are shown again."},
    )
    cookies = fields.Dict(keys=Text(), values=Secret(), allow_none=True)
    basic_auth = Login(allow_none=True)
    bearer_token = Secret(allow_none=True)


class HostPolicyInputSchema(Input):
    """How the links of one host are checked. What is not named is as for all others."""

    concurrency = fields.Integer(
        strict=True,
        load_default=None,
        allow_none=True,
        validate=validate.Range(0, 1000),
        metadata={"description": "Requests at once; 0 is no limit. Instead of `PRANALA_HOST_CONCURRENCY`."},
    )
    spacing_ms = fields.Integer(
        strict=True,
        load_default=None,
        allow_none=True,
        validate=validate.Range(0, 60_000),
        metadata={"description": "Between two requests. Instead of `PRANALA_HOST_INTERVAL_MS`."},
    )
    options = fields.Nested(CheckOptionsSchema, load_default=dict)


class WorkspacePolicyInputSchema(Input):
    """How the links of a workspace are checked. What is not named is as the settings say."""

    interval_s = fields.Integer(
        strict=True,
        load_default=None,
        allow_none=True,
        validate=validate.Range(INTERVAL_SHORTEST_S, INTERVAL_LONGEST_S),
        metadata={"description": "Of new links that name none."},
    )
    confirm_hard = fields.Integer(
        strict=True,
        load_default=None,
        allow_none=True,
        validate=validate.Range(1, 100),
        metadata={"description": "Hard failures in a row that break a link."},
    )
    confirm_transient = fields.Integer(
        strict=True,
        load_default=None,
        allow_none=True,
        validate=validate.Range(1, 100),
        metadata={"description": "Transient failures in a row that break a link."},
    )
    min_confirm_s = fields.Float(
        load_default=None,
        allow_none=True,
        validate=validate.Range(0, CONFIRM_LONGEST_S),
        metadata={"description": "Seconds from the first failure before a link may break."},
    )
    confirm_offsets_s = fields.List(
        fields.Float(validate=validate.Range(1, CONFIRM_LONGEST_S)),
        load_default=list,
        validate=validate.Length(max=20),
        metadata={"description": "Seconds after a failure to check again; empty: as the settings say."},
    )
    recover_ok = fields.Integer(
        strict=True,
        load_default=None,
        allow_none=True,
        validate=validate.Range(1, 100),
        metadata={"description": "Fine checks in a row that end an incident."},
    )
    options = fields.Nested(TargetOptionsSchema, load_default=dict)


class HostPolicySchema(Output):
    """A host's policy."""

    host = fields.String(required=True)
    concurrency = fields.Integer(required=True, allow_none=True)
    spacing_ms = fields.Integer(required=True, allow_none=True)
    options = fields.Nested(CheckOptionsSchema, required=True)
    version = fields.Integer(required=True)
    updated_at = UtcTime(required=True, allow_none=True)


class WorkspacePolicySchema(Output):
    """A workspace's policy. It is always there; version 0 is one that nobody has set yet."""

    interval_s = fields.Integer(required=True, allow_none=True)
    confirm_hard = fields.Integer(required=True, allow_none=True)
    confirm_transient = fields.Integer(required=True, allow_none=True)
    min_confirm_s = fields.Float(required=True, allow_none=True)
    confirm_offsets_s = fields.List(fields.Float(), required=True)
    recover_ok = fields.Integer(required=True, allow_none=True)
    options = fields.Nested(TargetOptionsSchema, required=True)
    version = fields.Integer(required=True)
    updated_at = UtcTime(required=True, allow_none=True)


HostPolicyPageSchema = page_of(HostPolicySchema)
