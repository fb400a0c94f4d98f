"""Whose key is this? Asked of accounts, remembered for a while: an accounts outage does not stop submissions."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass

from contracts.accounts_pb2 import AuthenticateRequest
from tasks.accounts import keys
from web import rpc

FRESH_S = 30.0
STALE_S = 600.0
MOST = 10_000


class UnknownKey(Exception):
    """The key is malformed, unknown, expired or revoked."""


@dataclass(frozen=True)
class Principal:
    """Who holds a key, and what the key may be used for."""

    workspace_id: uuid.UUID
    name: str
    scopes: frozenset[str]


class Principals:
    """A cache of what accounts answered, by the key's hash."""

    def __init__(self, accounts: rpc.Service, clock: Callable[[], float] = time.monotonic) -> None:
        self._accounts = accounts
        self._clock = clock
        self._known: dict[str, tuple[float, Principal]] = {}

    def of(self, key: str) -> Principal:
        """The key's principal. Raises `UnknownKey`, or `rpc.Away` where nobody can tell."""
        if not keys.looks_valid(key):
            raise UnknownKey
        key_hash = keys.hash_of(key)
        asked_at, principal = self._known.get(key_hash, (None, None))
        age_s = self._clock() - asked_at if asked_at is not None else STALE_S
        if principal and age_s < FRESH_S:
            return principal
        try:
            return self._ask(key_hash)
        except rpc.Away:
            if principal and age_s < STALE_S:
                return principal
            raise

    def _ask(self, key_hash: str) -> Principal:
        try:
            answer = self._accounts.call("Authenticate", AuthenticateRequest(key_hash=key_hash))
        except (rpc.Denied, rpc.Missing) as error:
            self._known.pop(key_hash, None)
            raise UnknownKey from error
        principal = Principal(uuid.UUID(answer.workspace_id), answer.name, frozenset(answer.scopes))
        if len(self._known) >= MOST:
            self._known.clear()
        self._known[key_hash] = (self._clock(), principal)
        return principal
