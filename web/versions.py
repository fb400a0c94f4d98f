"""Versions: strong ETags on what can be changed, and If-Match on every change of it.

An ETag holds the version of what people set and a digest of the whole answer. A read is judged by all of it; a change
only by the version, because what checks find meanwhile is no reason to refuse an edit.
"""

from __future__ import annotations

from typing import Any

from flask import Response, request

from web import answers
from web.problems import Problem

HEADER = {"in": "header", "name": "If-Match", "schema": {"type": "string"}}
REQUIRED = HEADER | {"description": "The ETag that the change was made from, or * for whatever it is."}
REQUIRED_WHERE_SET = HEADER | {
    "description": "The ETag that the change was made from, or * for whatever it is. Not needed where nothing is set."
}
OPTIONAL = HEADER | {"description": "Only if it is still of the version of this ETag."}


def tagged(body: dict[str, Any], status: int = 200, headers: dict[str, str] | None = None) -> Response:
    """A resource with its ETag; 304 where the client has this very state."""
    digest = answers.etag_of(body).strip('"')
    response = answers.json(body, status, {**(headers or {}), "ETag": f'"{body["version"]}.{digest}"'})
    response.make_conditional(request)
    return response


def required() -> list[int]:
    """The versions that may be changed; none is whatever it is. Refuses a change that names no version at all."""
    if "If-Match" not in request.headers:
        raise Problem(428, "Send the ETag that you read in If-Match, so that nobody else's change is lost.")
    return optional()


def optional() -> list[int]:
    """The versions that If-Match names; none where there is no If-Match, or where it is `*`."""
    if not request.if_match or request.if_match.star_tag:
        return []
    versions = [_version(tag) for tag in request.if_match.as_set()]
    # A tag of no version of ours matches nothing.
    return versions or [0]


def _version(tag: str) -> int:
    number, _, _ = tag.partition(".")
    return int(number) if number.isascii() and number.isdigit() and len(number) < 10 else 0
