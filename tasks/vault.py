"""The vault: secrets in a database, encrypted with a key that the database does not hold."""

from __future__ import annotations

import os
import uuid

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

# The first byte says how the rest is sealed: AES-256-GCM, a nonce of 12 bytes, then the ciphertext with its tag.
FORMAT = b"\x01"
NONCE_LENGTH = 12


class VaultError(Exception):
    """A secret cannot be opened: the key is not the one that sealed it, or it was sealed for something else."""


class Vault:
    """Seals and opens secrets. A sealed one opens only for the workspace and the thing it was sealed for.

    `setting` is where the key comes from, for whoever reads the error.
    """

    def __init__(self, key: bytes, setting: str) -> None:
        self._cipher = AESGCM(key)
        self._setting = setting

    def seal(self, secret: str, workspace_id: uuid.UUID, owner_id: uuid.UUID) -> bytes:
        """Encrypt; the same secret never looks the same twice."""
        nonce = os.urandom(NONCE_LENGTH)
        return FORMAT + nonce + self._cipher.encrypt(nonce, secret.encode(), workspace_id.bytes + owner_id.bytes)

    def open(self, sealed: bytes, workspace_id: uuid.UUID, owner_id: uuid.UUID) -> str:
        """Decrypt. Raises VaultError."""
        nonce, ciphertext = sealed[1 : 1 + NONCE_LENGTH], sealed[1 + NONCE_LENGTH :]
        if sealed[:1] != FORMAT or len(nonce) != NONCE_LENGTH:
            raise VaultError("the secret is sealed in an unknown way")
        try:
            return self._cipher.decrypt(nonce, ciphertext, workspace_id.bytes + owner_id.bytes).decode()
        except InvalidTag as error:
            raise VaultError(f"the secret cannot be opened: {self._setting} is not the key that sealed it") from error
