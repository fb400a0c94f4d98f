"""A blueprint whose every route declares what a key must be allowed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import flask_smorest
from marshmallow import Schema

from web.access import OPEN, Scope, scoped
from web.bodies import Parser
from web.openapi import IDEMPOTENCY_KEY

View = TypeVar("View", bound=Callable[..., Any])


class Blueprint(flask_smorest.Blueprint):
    """flask-smorest's, with scopes and our JSON parser."""

    ARGUMENTS_PARSER = Parser()

    def route(self, rule: str, *, scope: Scope | tuple[Scope, ...], **options: Any) -> Callable[[View], View]:
        """Register a view that a key with this scope, or one of these, may ask."""
        scopes = scope if isinstance(scope, tuple) else (scope,)
        security = [{"bearer": [each]} for each in scopes if each != OPEN]
        register = super().route

        def decorate(view: View) -> View:
            described = self.documented(security=security, operationId=view.__name__)(scoped(*scopes)(view))
            registered: View = register(rule, **options)(described)
            return registered

        return decorate

    def takes(self, schema: type[Schema], location: str = "json") -> Callable[[View], View]:
        """Judge the body or the query by this schema; the view's first argument is what it loaded."""
        decorate: Callable[[View], View] = self.arguments(schema, location=location)
        return decorate

    def gives(self, status: int, schema: type[Schema] | None = None, *headers: str) -> Callable[[View], View]:
        """Document what is answered."""
        described = {name: {"schema": {"type": "string"}} for name in headers}
        decorate: Callable[[View], View] = self.response(status, schema, headers=described or None)
        return decorate

    def also_gives(self, status: int, schema: type[Schema], *headers: str) -> Callable[[View], View]:
        """Document another answer that is no error."""
        described = {name: {"schema": {"type": "string"}} for name in headers}
        decorate: Callable[[View], View] = self.alt_response(status, schema=schema, headers=described or None)
        return decorate

    def documented(self, **members: Any) -> Callable[[View], View]:
        """Document members of the operation as they are."""
        decorate: Callable[[View], View] = self.doc(**members)
        return decorate

    def accepts_work(self, view: View) -> View:
        """Document what every route that accepts work reads."""
        return self.documented(parameters=[IDEMPOTENCY_KEY])(view)
