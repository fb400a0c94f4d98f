"""JSON answers."""

from __future__ import annotations

import hashlib
from typing import Any

import msgspec
from flask import Response, request

JSON = "application/json"


def json(body: Any, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    """The body as JSON."""
    return raw(msgspec.json.encode(body), status, headers)


def raw(body: bytes | str, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    """A body that is JSON already."""
    return Response(body, status, headers, content_type=JSON)


def tagged(body: Any) -> Response:
    """A resource with its strong ETag; 304 where the client has this very state."""
    response = json(body, headers={"ETag": etag_of(body)})
    response.make_conditional(request)
    return response


def etag_of(body: Any) -> str:
    """The strong ETag of a resource, in its quotes."""
    return f'"{hashlib.sha256(msgspec.json.encode(body)).hexdigest()[:32]}"'
