"""Ports of the internal servers: chosen once, remembered, chosen anew only when taken."""

import json
import random
import socket
from pathlib import Path

from cli.local.errors import LocalError
from cli.local.program import write_private

# Below the kernel's range for outgoing connections, one of which could sit on a remembered port.
RANGE = range(20000, 32768)


class Ports:
    def __init__(self, path: Path) -> None:
        self._path = path
        self._ports: dict[str, int] = json.loads(path.read_text()) if path.exists() else {}

    def get(self, name: str, host: str = "127.0.0.1") -> int:
        """The port remembered for `name`; call it before the server listens, not while it does."""
        port = self._ports.get(name)
        if port is None or not is_free(port, host):
            port = self._choose(host)
            self._ports[name] = port
            write_private(self._path, json.dumps(self._ports, indent=1))
        return port

    def known(self, name: str) -> int | None:
        """The port of `name` if it was ever chosen, whether or not somebody listens there now."""
        return self._ports.get(name)

    def _choose(self, host: str) -> int:
        for port in random.sample(RANGE, 200):
            if port not in self._ports.values() and is_free(port, host):
                return port
        raise LocalError(f"no free port between {RANGE.start} and {RANGE.stop} on {host}.")


def is_free(port: int, host: str) -> bool:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
    return True
