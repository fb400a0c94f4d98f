"""The secrets of one data directory: made on the first run, kept in one private file."""

import base64
import json
import secrets
from collections.abc import Callable
from pathlib import Path

from cli.local.program import write_private


def make_password() -> str:
    """Letters and digits only, so that it needs no quoting in a URL or a configuration file."""
    return secrets.token_hex(24)


def make_key() -> str:
    """32 random bytes in base64."""
    return base64.b64encode(secrets.token_bytes(32)).decode()


class Credentials:
    def __init__(self, path: Path) -> None:
        self._path = path
        self._values: dict[str, str] = json.loads(path.read_text()) if path.exists() else {}

    def get(self, name: str, make: Callable[[], str] = make_password) -> str:
        if name not in self._values:
            self._values[name] = make()
            write_private(self._path, json.dumps(self._values, indent=1))
        return self._values[name]
