"""API keys as text: how they are made, recognised and hashed.

A key is `pra_`, 30 random base-62 characters and the CRC-32 of those as 6 more, so that a mistyped key is refused
without asking anybody, and a scanner for leaked secrets finds keys, and little else, by PATTERN. The random part holds
178 bits: a plain SHA-256 of the key keeps it as safe as a slow hash would.
"""

from __future__ import annotations

import hashlib
import re
import secrets
import string
import zlib

PREFIX = "pra_"
PATTERN = r"\bpra_[0-9A-Za-z]{36}\b"

_DIGITS = string.digits + string.ascii_uppercase + string.ascii_lowercase
_RANDOM = 30
_CHECKSUM = 6
_WHOLE = re.compile(PATTERN)


def new_key() -> str:
    """A key nobody has had."""
    body = "".join(secrets.choice(_DIGITS) for _ in range(_RANDOM))
    return PREFIX + body + _checksum(body)


def looks_valid(text: str) -> bool:
    """Could this be a key? Its form and checksum fit; whether it was ever given out is another question."""
    if not _WHOLE.fullmatch(text):
        return False
    body = text.removeprefix(PREFIX)
    return body[_RANDOM:] == _checksum(body[:_RANDOM])


def hash_of(key: str) -> str:
    """What is stored and asked for in the key's stead: its SHA-256, hexadecimal."""
    return hashlib.sha256(key.encode()).hexdigest()


def _checksum(body: str) -> str:
    number = zlib.crc32(body.encode())
    digits = ""
    for _ in range(_CHECKSUM):
        number, digit = divmod(number, len(_DIGITS))
        digits = _DIGITS[digit] + digits
    return digits
