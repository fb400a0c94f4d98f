"""The vault: channels' secrets, encrypted with a key that the database does not hold."""

from __future__ import annotations

import os
import uuid

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

# The first byte says how the rest is sealed: AES-256-GCM, a nonce of 12 bytes, then the ciphertext with its tag.
FORMAT = b"\x01"
NONCE_LENGTH = 12


class VaultError(Exception):
    """A secret cannot be opened: PRANALA_NOTIFICATIONS_KEY is not the one that sealed it, or the row was changed."""


class Vault:
    """Seals and opens secrets. A sealed one opens only for the channel and workspace it was sealed for."""

    def __init__(self, key: bytes) -> None:
        self._cipher = AESGCM(key)

    def seal(self, secret: str, workspace_id: uuid.UUID, channel_id: uuid.UUID) -> bytes:
        """Encrypt; the same secret never looks the same twice."""
        nonce = os.urandom(NONCE_LENGTH)
        return FORMAT + nonce + self._cipher.encrypt(nonce, secret.encode(), _owner(workspace_id, channel_id))

    def open(self, sealed: bytes, workspace_id: uuid.UUID, channel_id: uuid.UUID) -> str:
        """Decrypt. Raises VaultError."""
        nonce, ciphertext = sealed[1 : 1 + NONCE_LENGTH], sealed[1 + NONCE_LENGTH :]
        if sealed[:1] != FORMAT or len(nonce) != NONCE_LENGTH:
            raise VaultError("the channel's secret is sealed in an unknown way")
        try:
            return self._cipher.decrypt(nonce, ciphertext, _owner(workspace_id, channel_id)).decode()
        except InvalidTag as error:
            raise VaultError(
                "the channel's secret cannot be opened: PRANALA_NOTIFICATIONS_KEY is not the key that sealed it"
            ) from error


def _owner(workspace_id: uuid.UUID, channel_id: uuid.UUID) -> bytes:
    return workspace_id.bytes + channel_id.bytes
