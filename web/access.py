"""Who may ask for what: a key in `Authorization: Bearer`, a scope on every route, nothing without either."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal, TypeVar

from flask import current_app, g, request

from tasks.intake.submissions import Caller
from web.front import front
from web.principals import Principal, UnknownKey
from web.problems import Problem
from web.tracing import request_id

Scope = Literal[
    "open",
    "links:read",
    "links:write",
    "notifications:read",
    "notifications:write",
    "audit:read",
    "audit:write",
    "monitor:read",
    "monitor:write",
]
OPEN: Scope = "open"
ADMIN = "admin"
USER_AGENT_KEPT = 512

View = TypeVar("View", bound=Callable[..., Any])


def scoped(*scopes: Scope) -> Callable[[View], View]:
    """Declare what a key must be allowed, one of these, for this view to answer it."""

    def declare(view: View) -> View:
        view.scopes = scopes  # type: ignore[attr-defined]  # read by `scopes_of`
        return view

    return declare


def scopes_of(view: Callable[..., Any]) -> tuple[str, ...]:
    """The view's declared scopes. A view without any is a fault of ours and answers nobody."""
    found: tuple[str, ...] = view.scopes  # type: ignore[attr-defined]  # set by `scoped`
    return found


def admit() -> None:
    """Before every request: let it through, or refuse it with 401 or 403."""
    view = current_app.view_functions.get(request.endpoint or "")
    if view is None or OPEN in scopes_of(view):
        return
    principal = _authenticated()
    g.caller = _caller_of(principal)
    g.is_admin = ADMIN in principal.scopes
    if not principal.scopes & {ADMIN, *scopes_of(view)}:
        raise _forbidden(scopes_of(view))


def caller() -> Caller:
    """Who asks."""
    found: Caller = g.caller
    return found


def require_admin() -> None:
    """Refuse whoever is not an admin, where only a part of a view is for admins."""
    if not g.is_admin:
        raise _forbidden((ADMIN,))


def _authenticated() -> Principal:
    scheme, _, key = request.headers.get("Authorization", "").strip().partition(" ")
    if scheme.lower() != "bearer":
        raise _unauthenticated("Send an API key: Authorization: Bearer <key>.", "no key", "")
    try:
        return front().principals.of(key.strip())
    except UnknownKey as error:
        detail = "This API key is not known here, has expired or was revoked."
        raise _unauthenticated(detail, "bad key", ', error="invalid_token"') from error


def _caller_of(principal: Principal) -> Caller:
    return Caller(
        workspace_id=principal.workspace_id,
        actor=f"key:{principal.name}",
        ip=request.remote_addr or "",
        user_agent=request.user_agent.string[:USER_AGENT_KEPT],
        request_id=request_id(),
    )


def _unauthenticated(detail: str, reason: str, parameters: str) -> Problem:
    _record("auth.authenticate", reason, None)
    return Problem(401, detail, headers={"WWW-Authenticate": f'Bearer realm="pranala"{parameters}'})


def _forbidden(scopes: tuple[str, ...]) -> Problem:
    needed = " or ".join(scopes)
    _record("auth.authorize", f"needs {needed}", caller())
    challenge = f'Bearer realm="pranala", error="insufficient_scope", scope="{" ".join(scopes)}"'
    detail = f"This API key may not do that: it needs the scope {needed}."
    return Problem(403, detail, headers={"WWW-Authenticate": challenge})


def _record(action: str, reason: str, who: Caller | None) -> None:
    front().metrics.refused(action)
    asked = f"{request.method} {request.path[:200]}: {reason}"
    user_agent = request.user_agent.string[:USER_AGENT_KEPT]
    front().refusals.record(action, asked, who, request.remote_addr or "", user_agent, request_id())
