"""Every answer that a test gets is held against the API's own description of it."""

from __future__ import annotations

import re
from typing import Any

from flask.testing import FlaskClient
from openapi_schema_validator import OAS31Validator
from werkzeug.test import TestResponse

from web.explanations import EXPLANATIONS, PATH

HEADERS = ("X-Request-Id", "X-Content-Type-Options", "Content-Security-Policy", "Cache-Control")


class CheckedClient(FlaskClient):
    """A test client whose every answer must be as /openapi.json says."""

    document: dict[str, Any]

    def open(self, *args: Any, **options: Any) -> TestResponse:  # type: ignore[override]  # as FlaskClient's own
        response = super().open(*args, **options)
        check(self.document, response)
        return response


def check(document: dict[str, Any], response: TestResponse) -> None:
    """Fail where the answer is not as the document describes this operation's."""
    if response.request.method == "HEAD":
        return
    assert not [name for name in HEADERS if name not in response.headers]
    if response.content_type == "application/problem+json":
        validate(document, {"$ref": "#/components/schemas/Problem"}, response.json)
        assert response.json["status"] == response.status_code
        assert response.json["type"].removeprefix(f"{PATH}/") in EXPLANATIONS
        return
    assert response.status_code < 400, f"{response.status_code} is no problem document: {response.text[:200]}"
    described = operation_of(document, response)
    if described is None or response.status_code == 304:
        return
    answer = described["responses"][str(response.status_code)]
    for name in answer.get("headers", {}):
        assert name in response.headers
    if response.content_type == "application/json":
        validate(document, answer["content"]["application/json"]["schema"], response.json)


def operation_of(document: dict[str, Any], response: TestResponse) -> Any:
    """The operation that answered, if the document has it."""
    method = response.request.method.lower()
    for path, operations in document["paths"].items():
        pattern = re.sub(r"\{\w+\}", "[^/]+", path)
        if method in operations and re.fullmatch(pattern, response.request.path):
            return operations[method]
    return None


def validate(document: dict[str, Any], schema: dict[str, Any], value: Any) -> None:
    """Clients must bear members that are not described; the tests do not."""
    schemas = {name: {"additionalProperties": name == "Problem", **each} for name, each in schemas_of(document).items()}
    OAS31Validator({**schema, "components": {"schemas": schemas}}).validate(value)


def schemas_of(document: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = document["components"]["schemas"]
    return found
