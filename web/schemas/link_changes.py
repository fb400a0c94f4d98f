"""Links edited, checked and acted upon."""

from __future__ import annotations

from typing import Any

from marshmallow import ValidationError, fields, validate, validates_schema

from web.limits import (
    CONFIRM_LONGEST_S,
    EXTERNAL_ID_LONGEST,
    INTERVAL_LONGEST_S,
    INTERVAL_SHORTEST_S,
    TAG_LONGEST,
    TAGS_MOST,
)
from web.schemas.fields import Input, Output, Tags, Text, Word, one_of
from web.schemas.links import STATES
from web.schemas.options import CheckOptionsSchema
from web.schemas.words import VERDICTS

ACTIONS = ("check", "pause", "resume", "ignore", "heed", "tag", "untag", "delete")


class LinkEditSchema(Input):
    """What to set on a link; what is not named stays. `null` goes back to the settings' own."""

    interval_s = fields.Integer(strict=True, validate=validate.Range(INTERVAL_SHORTEST_S, INTERVAL_LONGEST_S))
    tags = Tags()
    external_id = Word(allow_none=True, validate=validate.Length(max=EXTERNAL_ID_LONGEST))
    paused = fields.Boolean(truthy={True}, falsy={False}, metadata={"description": "Check it no more on its own."})
    ignored = fields.Boolean(truthy={True}, falsy={False}, metadata={"description": "Check it, but tell nobody."})
    muted_until = fields.AwareDateTime(
        "iso",
        allow_none=True,
        metadata={"description": "Record incidents, but tell nobody before then.", "example": "2027-01-01T08:00:00Z"},
    )
    badge = fields.Boolean(
        truthy={True}, falsy={False}, metadata={"description": "Let anybody see how it is, at `/badge/{id}.svg`."}
    )
    confirm_hard = fields.Integer(
        strict=True,
        allow_none=True,
        validate=validate.Range(1, 100),
        metadata={"description": "Hard failures in a row that break it."},
    )
    confirm_transient = fields.Integer(
        strict=True,
        allow_none=True,
        validate=validate.Range(1, 100),
        metadata={"description": "Transient failures in a row that break it."},
    )
    min_confirm_s = fields.Float(
        allow_none=True,
        validate=validate.Range(0, CONFIRM_LONGEST_S),
        metadata={"description": "Seconds from the first failure before it may break."},
    )
    options = fields.Nested(
        CheckOptionsSchema,
        allow_none=True,
        metadata={"description": "What is not named stays; `null` unsets one of them, or all."},
    )


class CheckNowSchema(Output):
    """A check that will be made."""

    id = fields.UUID(required=True)
    job_id = fields.UUID(required=True)
    url = fields.String(required=True)


class WantedLinksSchema(Input):
    """Which links; nothing is all of them."""

    state = fields.String(validate=one_of(*STATES))
    verdict = fields.String(validate=one_of(*VERDICTS))
    reason = Text()
    tag = Text()
    host = Text()
    q = Text(metadata={"description": "A part of the URL."})


class LinkActionSchema(Input):
    """One action on every link that a filter finds."""

    action = fields.String(
        required=True,
        validate=one_of(*ACTIONS),
        metadata={"description": "`heed` ends `ignore`; `tag` and `untag` take `tag`."},
    )
    filter = fields.Nested(WantedLinksSchema, required=True)
    tag = Word(
        validate=validate.Length(1, TAG_LONGEST),
        metadata={"description": f"A link that has {TAGS_MOST} tags is passed over."},
    )
    dry_run = fields.Boolean(truthy={True}, falsy={False}, load_default=False)
    cursor = Text(load_default="", metadata={"description": "The `next_cursor` of the answer before."})

    @validates_schema
    def _tag_where_it_is_used(self, data: dict[str, Any], **_: Any) -> None:
        if (data.get("action") in ("tag", "untag")) != ("tag" in data):
            raise ValidationError("Goes with the actions tag and untag, and with no other.", "tag")


class ActedSchema(Output):
    """What was done, or what would be."""

    action = fields.String(required=True)
    dry_run = fields.Boolean(required=True)
    count = fields.Integer(required=True, metadata={"description": "Links that are not as before; dry: all found."})
    next_cursor = fields.String(
        required=True, allow_none=True, metadata={"description": "Ask again with it to go on; null at the end."}
    )
    job_id = fields.UUID(required=True, allow_none=True, metadata={"description": "Of the checks."})
