"""JSON request bodies: strict, bounded, and of the announced type."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
from flask import Request, g, request
from marshmallow import RAISE, Schema, ValidationError
from webargs.core import is_json
from webargs.flaskparser import FlaskParser

from web.answers import JSON
from web.limits import JSON_MIB
from web.problems import Problem, faults_in, invalid, unsupported_media_type
from web.uploads import Upload, upload_of


class Parser(FlaskParser):
    """webargs' parser: what is not in the schema is refused, in the query as in the body."""

    DEFAULT_UNKNOWN_BY_LOCATION = {**FlaskParser.DEFAULT_UNKNOWN_BY_LOCATION, "query": RAISE}  # noqa: RUF012  # as its base declares it

    def _raw_load_json(self, req: Request) -> Any:
        return _read(req)


def fingerprint() -> str:
    """The SHA-256 of the body that the parser read."""
    upload: Upload = g.upload
    return upload.fingerprint()


def load(choose: Callable[[Any], Schema]) -> Any:
    """The body by the schema that is chosen when it is read."""
    body = _read(request)
    try:
        return choose(body if isinstance(body, dict) else {}).load(body)
    except ValidationError as error:
        raise invalid(*faults_in(error.messages)) from error


def _read(req: Request) -> Any:
    if not is_json(req.mimetype):
        raise unsupported_media_type(f"Send the body as {JSON}.", [JSON])
    g.upload = upload_of(req, JSON_MIB)
    return _decoded(b"".join(g.upload.chunks()))


def _decoded(body: bytes) -> Any:
    """The JSON value; NaN, lone surrogates and endless nesting are none."""
    try:
        return msgspec.json.decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise Problem(400, f"The body is not valid JSON: {error}.") from error
