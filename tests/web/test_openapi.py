import re
from typing import Any

import pytest
from flask import Flask
from openapi_spec_validator import OpenAPIV31SpecValidator

from web.access import OPEN, scopes_of

# Descriptions of the API are no part of the API.
UNDESCRIBED = {"/openapi.json", "/docs", "/docs/<name>", "/problems", "/problems/<slug>"}


@pytest.fixture
def document(app: Flask) -> dict[str, Any]:
    found: dict[str, Any] = app.test_client().get("/openapi.json").json
    return found


def operations(document: dict[str, Any]) -> list[tuple[str, str, dict[str, Any]]]:
    methods = ("get", "post", "put", "patch", "delete")
    return [
        (path, method, item[method]) for path, item in document["paths"].items() for method in methods if method in item
    ]


def test_the_document_is_valid_openapi_3_1(document: dict[str, Any]) -> None:
    assert document["openapi"].startswith("3.1")
    OpenAPIV31SpecValidator(document).validate()


def test_every_route_is_described_and_nothing_else_is(app: Flask, document: dict[str, Any]) -> None:
    routes = {
        (re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", rule.rule), method.lower())
        for rule in app.url_map.iter_rules()
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
        if rule.rule not in UNDESCRIBED
    }
    assert {(path, method) for path, method, _ in operations(document)} == routes


def test_every_operation_names_the_scopes_that_it_asks_for(app: Flask, document: dict[str, Any]) -> None:
    by_name = {view.__name__: scopes_of(view) for view in app.view_functions.values()}
    for path, method, operation in operations(document):
        described = [scope for choice in operation["security"] for scope in choice["bearer"]]
        assert described == [scope for scope in by_name[operation["operationId"]] if scope != OPEN], (path, method)
    assert document["components"]["securitySchemes"]["bearer"]["scheme"] == "bearer"


def test_every_operation_has_words_a_name_of_its_own_and_a_problem_for_its_errors(document: dict[str, Any]) -> None:
    found = [operation for _, _, operation in operations(document)]
    assert len({operation["operationId"] for operation in found}) == len(found)
    for operation in found:
        assert operation["summary"]
        assert operation["responses"]["default"] == {"$ref": "#/components/responses/DEFAULT_ERROR"}
    error = document["components"]["responses"]["DEFAULT_ERROR"]
    assert list(error["content"]) == ["application/problem+json"]


def test_what_accepts_work_is_described_as_such(document: dict[str, Any]) -> None:
    accepting = [operation for _, _, operation in operations(document) if "202" in operation["responses"]]
    assert len(accepting) == 6
    for operation in accepting:
        assert [each["name"] for each in operation["parameters"]] == ["Idempotency-Key"]
        assert "Location" in operation["responses"]["202"]["headers"]


def test_unknown_input_is_described_as_refused(document: dict[str, Any]) -> None:
    schemas = document["components"]["schemas"]
    for name in ("NewLink", "NewChannel", "NewNotification", "NewEvent", "Urls", "Links"):
        assert schemas[name]["additionalProperties"] is False
