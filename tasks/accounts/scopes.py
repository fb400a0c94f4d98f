"""What a key may be allowed to do."""

from __future__ import annotations

from collections.abc import Iterable

SCOPES = (
    "links:read",
    "links:write",
    "notifications:read",
    "notifications:write",
    "audit:read",
    "audit:write",
    "monitor:read",
    "monitor:write",
    "admin",
)


class UnknownScope(ValueError):
    """A scope that does not exist. The message lists those that do."""


def validated(scopes: Iterable[str]) -> tuple[str, ...]:
    """The scopes, each once, in the order of SCOPES. Raises UnknownScope; no scope at all is an error too."""
    wanted = set(scopes)
    unknown = sorted(wanted - set(SCOPES))
    if unknown or not wanted:
        fault = f"no such scope: {', '.join(unknown)}" if unknown else "a key needs a scope"
        raise UnknownScope(f"{fault}; choose from {', '.join(SCOPES)}")
    return tuple(scope for scope in SCOPES if scope in wanted)
