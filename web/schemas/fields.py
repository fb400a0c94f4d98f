"""Fields and the base schema that all others share."""

from __future__ import annotations

from typing import Any

from marshmallow import EXCLUDE, RAISE, Schema, fields, validate

from web.limits import NO_NUL, ONE_LINE, PAGE_MOST, PAGE_USUAL, TAG_LONGEST, TAGS_MOST


class Input(Schema):
    """What is sent to us: a name that we do not know is an error, not a wish that goes unheard."""

    class Meta:
        """marshmallow's settings."""

        unknown = RAISE


class Output(Schema):
    """What we send: a client is to pass over what it does not know, so that we may add to it."""

    class Meta:
        """marshmallow's settings."""

        unknown = EXCLUDE


class Text(fields.String):
    """Text that every database of ours can hold."""

    rule = validate.Regexp(NO_NUL, error="Must not contain a NUL character.")

    def __init__(self, *, validate: Any = (), **options: Any) -> None:
        given = validate if isinstance(validate, list | tuple) else [validate]
        super().__init__(validate=[self.rule, *given], **options)


class Word(Text):
    """Text on one line."""

    rule = validate.Regexp(ONE_LINE, error="Must be on one line, without control characters.")


class Tags(fields.List[str]):
    """Short words."""

    def __init__(self, **options: Any) -> None:
        tag = Word(validate=validate.Length(1, TAG_LONGEST))
        super().__init__(tag, validate=validate.Length(max=TAGS_MOST), **options)


class Page(Input):
    """What every list takes."""

    limit = fields.Integer(
        load_default=PAGE_USUAL, validate=validate.Range(1, PAGE_MOST), metadata={"description": "Items on a page."}
    )
    cursor = Text(load_default="", metadata={"description": "The `next_cursor` of the page before."})


class UtcTime(fields.DateTime):
    """A time in answers: RFC 3339, UTC."""

    def __init__(self, **options: Any) -> None:
        super().__init__("iso", **options)


def page_of(item: type[Schema]) -> type[Schema]:
    """The schema of a list's answer."""
    return Output.from_dict(
        {
            "items": fields.List(fields.Nested(item), required=True),
            "next_cursor": fields.String(required=True, allow_none=True),
        },
        name=item.__name__.removesuffix("Schema") + "PageSchema",
    )


def one_of(*choices: str) -> validate.OneOf:
    """One of these words; nothing is not filtering."""
    return validate.OneOf(choices, error="Must be one of: {choices}.")
