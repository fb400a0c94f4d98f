"""What of the options may be shown: secrets are parted from the rest, kept apart, and put back when they are used.

Where a secret is set, what is shown holds `SET`; whoever sends it back leaves the secret as it is.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

SET = {"set": True}
# Of other headers nobody can tell whether they are secrets.
OPEN_HEADERS = frozenset(
    [
        "accept",
        "accept-charset",
        "accept-encoding",
        "accept-language",
        "cache-control",
        "dnt",
        "pragma",
        "referer",
        "user-agent",
    ]
)
WHOLE = ("basic_auth", "bearer_token")
BY_NAME = ("request_headers", "cookies")

Members = dict[str, Any]


class NothingSet(ValueError):
    """A secret is to stay as it is, and there is none. `place` is where (`cookies/session`)."""

    def __init__(self, place: str) -> None:
        super().__init__(f"{place}: there is no value yet that could stay")
        self.place = place


def parted(options: Mapping[str, Any]) -> tuple[Members, Members]:
    """What may be shown of the options, and their secrets; both hold the names of the options."""
    shown, secrets = dict(options), Members()
    for name in WHOLE:
        if options.get(name) is not None:
            shown[name], secrets[name] = SET, options[name]
    for name in BY_NAME:
        values: Mapping[str, Any] = options.get(name) or {}
        hidden = {key: value for key, value in values.items() if not _is_open(name, key)}
        if hidden:
            shown[name], secrets[name] = {**values, **dict.fromkeys(hidden, SET)}, hidden
    return shown, secrets


def whole(shown: Mapping[str, Any], secrets: Mapping[str, Any]) -> Members:
    """The options with their secrets in their places. Raises NothingSet where one is to be there and is not."""
    options = dict(shown)
    for name in WHOLE:
        if options.get(name) == SET:
            if secrets.get(name) is None:
                raise NothingSet(name)
            options[name] = secrets[name]
    for name in BY_NAME:
        known: Mapping[str, Any] = secrets.get(name) or {}
        options |= {name: _filled(name, options[name], known)} if options.get(name) else {}
    return options


def changed(options: Mapping[str, Any], secrets: Mapping[str, Any], changes: Mapping[str, Any]) -> Members:
    """The options after a change of single members: None unsets one, and a secret that is `SET` stays."""
    wanted = {**options, **changes}
    return whole({name: value for name, value in wanted.items() if value is not None}, secrets)


def names_of(secrets: Mapping[str, Any]) -> list[str]:
    """What is secret, by its place, for a record that must not hold it."""
    found = [name for name in WHOLE if name in secrets]
    return found + [f"{name}/{key}" for name in BY_NAME for key in secrets.get(name) or ()]


def _filled(name: str, values: Mapping[str, Any], known: Mapping[str, Any]) -> Members:
    filled = dict(values)
    for key, value in values.items():
        if value == SET:
            if key not in known:
                raise NothingSet(f"{name}/{key}")
            filled[key] = known[key]
    return filled


def _is_open(name: str, key: str) -> bool:
    return name == "request_headers" and key.lower() in OPEN_HEADERS
