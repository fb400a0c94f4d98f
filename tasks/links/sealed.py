"""Options as they are kept: what may be shown in clear, the secrets sealed by the vault."""

from __future__ import annotations

import uuid
from base64 import b64decode, b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec

from tasks.links import disclosure, validity
from tasks.links.disclosure import Members
from tasks.links.options import CheckOptions
from tasks.vault import Vault, VaultError


@dataclass(frozen=True, slots=True)
class Sealed:
    """Options by name as people may see them, and their secrets for the vault; empty where there are none."""

    shown: Mapping[str, Any] = field(default_factory=dict)
    secrets: str = ""


@dataclass(frozen=True, slots=True)
class Safe:
    """The vault's place for one link or policy: what is sealed here opens nowhere else."""

    vault: Vault
    workspace_id: uuid.UUID
    owner_id: uuid.UUID

    def seal(self, options: Mapping[str, Any]) -> Sealed:
        """Options of which all values are there, ready to be kept. Raises InvalidOptions."""
        wanted = {name: value for name, value in options.items() if value not in (None, {}, [])}
        validity.refuse(_read(wanted))
        shown, secrets = disclosure.parted(wanted)
        return Sealed(shown, self.lock(msgspec.json.encode(secrets).decode()) if secrets else "")

    def lock(self, secrets: str) -> str:
        """Secrets, as JSON by the name of the option, sealed."""
        return b64encode(self.vault.seal(secrets, self.workspace_id, self.owner_id)).decode()

    def open(self, kept: Sealed) -> CheckOptions:
        """The options to be used. Raises VaultError where they cannot be opened."""
        try:
            return _read(disclosure.whole(kept.shown, self._secrets(kept)))
        except (disclosure.NothingSet, validity.InvalidOptions) as error:
            raise VaultError(f"the options cannot be read: {error}") from error

    def revise(self, kept: Sealed, changes: Mapping[str, Any]) -> Sealed:
        """The options after a change of single members; the very same where nothing changes.

        Raises InvalidOptions.
        """
        try:
            secrets = self._secrets(kept)
            options = disclosure.changed(kept.shown, secrets, changes)
        except VaultError as error:
            secrets, options = {}, _without_secrets(kept.shown, changes, error)
        except disclosure.NothingSet as error:
            raise validity.InvalidOptions(error.place, "there is no value yet that could stay") from error
        new = self.seal(options)
        same = new.shown == kept.shown and disclosure.parted(options)[1] == secrets
        return kept if same else new

    def _secrets(self, kept: Sealed) -> Members:
        if not kept.secrets:
            return {}
        found: Members = msgspec.json.decode(self.vault.open(b64decode(kept.secrets), self.workspace_id, self.owner_id))
        return found


def _read(options: Mapping[str, Any]) -> CheckOptions:
    try:
        return msgspec.convert(options, CheckOptions)
    except msgspec.ValidationError as error:
        raise validity.InvalidOptions("", str(error)) from error


def _without_secrets(shown: Mapping[str, Any], changes: Mapping[str, Any], why: VaultError) -> Members:
    """The options after a change, where the old secrets cannot be opened: they have to be set anew, or unset."""
    try:
        return disclosure.changed(shown, {}, changes)
    except disclosure.NothingSet as error:
        raise validity.InvalidOptions(error.place, f"{why}; set it anew, or unset it") from error
