"""The API's own description: OpenAPI 3.1, made from the routes and their schemas."""

from __future__ import annotations

from functools import cached_property
from typing import Any

import flask_smorest
from flask import Flask

from web.limits import IDEMPOTENCY_KEY as IDEMPOTENCY_KEY_FORM
from web.problems import CONTENT_TYPE
from web.schemas.problems import ProblemSchema

# Of the API, as in its base path; the product has its own.
API_VERSION = "1.0.0"

INTRODUCTION = """\
Keeps the links of an organisation alive: submit links, ask what became of them, be told when one breaks.

* Everything but `/healthz`, `/readyz`, `/openapi.json` and `/docs` needs `Authorization: Bearer <API key>` with the
  scope that the operation names. What belongs to another workspace is not found.
* Accepted work is answered with `202` and a `Location` to watch. It is never lost and takes effect once. Send an
  `Idempotency-Key` to be able to ask again: the same key and payload get the same answer for 24 hours.
* Lists take `limit` and `cursor`; the next page is in `next_cursor` and in `Link: rel="next"`.
* Every error is `application/problem+json` (RFC 9457) with a `trace_id` that the server's logs know.
"""
IDEMPOTENCY_KEY = {
    "in": "header",
    "name": "Idempotency-Key",
    "description": "The same key and payload get the same answer; another payload 422, a request in flight 409.",
    "schema": {"type": "string", "pattern": IDEMPOTENCY_KEY_FORM},
}
OPTIONS = {
    "info": {"description": INTRODUCTION},
    "servers": [{"url": "/"}],
    "components": {
        "securitySchemes": {"bearer": {"type": "http", "scheme": "bearer", "description": "An API key (pra_…)."}}
    },
}


class Api(flask_smorest.Api):
    """flask-smorest's description of our routes. Errors are ours (`web.problems`), and so are the pages."""

    ERROR_SCHEMA = ProblemSchema

    def _register_error_handlers(self) -> None:
        """Nothing: flask-smorest's own handler drops Allow, Retry-After and WWW-Authenticate."""

    @cached_property
    def document(self) -> dict[str, Any]:
        """The whole document; asked for after every blueprint is registered."""
        found: dict[str, Any] = self.spec.to_dict()
        for response in found["components"]["responses"].values():
            content = response.get("content", {})
            if "application/json" in content:
                content[CONTENT_TYPE] = content.pop("application/json")
        return found


def describe(app: Flask) -> Api:
    """The description of this app, to which blueprints are added."""
    app.config["API_TITLE"] = "Pranala"
    app.config["API_VERSION"] = API_VERSION
    app.config["OPENAPI_VERSION"] = "3.1.0"
    app.config["API_SPEC_OPTIONS"] = OPTIONS
    return Api(app)
