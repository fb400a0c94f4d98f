"""Whom TLS trusts: the system's certificate authorities, and those that the operator adds."""

import ssl
import tempfile
from pathlib import Path

import certifi


class TrustStore:
    """One PEM file for libcurl, which parses it once and keeps it: a store in memory it would parse each time."""

    def __init__(self, extra: str) -> None:
        system = ssl.get_default_verify_paths().cafile or certifi.where()
        self.path = system
        self._folder: tempfile.TemporaryDirectory[str] | None = None
        if extra:
            self._folder = tempfile.TemporaryDirectory(prefix="pranala-trust-")
            joined = Path(self._folder.name, "authorities.pem")
            joined.write_bytes(Path(system).read_bytes() + b"\n" + Path(extra).read_bytes())
            self.path = str(joined)

    def close(self) -> None:
        if self._folder:
            self._folder.cleanup()
