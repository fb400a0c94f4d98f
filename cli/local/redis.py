"""A private Redis or Valkey on loopback, with a password."""

import os

from cli.local.origin import Binary
from cli.local.program import Program, write_private
from cli.local.readiness import ask_redis
from cli.local.server import Local, Server

# noeviction: what the product keeps here are promises (spacing, bans), not a cache to be dropped at will.
SETTINGS = """\
bind 127.0.0.1
port {port}
requirepass {password}
daemonize no
databases 4
save ""
appendonly {durable}
appendfsync everysec
maxmemory-policy noeviction
"""


class Redis(Server):
    name = "redis"

    def __init__(self, local: Local, binary: Binary) -> None:
        super().__init__(local)
        self.origin = binary.words
        self._binary = binary
        self._root = local.data.root / "redis"
        self.store = self._root / "store"
        self._port = local.ports.get("redis")
        self._password = local.credentials.get("redis")
        self.url = f"redis://:{self._password}@127.0.0.1:{self._port}/0"

    def programs(self) -> tuple[Program, ...]:
        server = Program(
            name=self.name,
            argv=(str(self._binary.path), str(self._root / "redis.conf")),
            env={"PATH": os.defpath},
            cwd=self.store,
            restart=self.local.restart,
        )
        return (server,)

    def prepare(self) -> None:
        self.store.mkdir(mode=0o700, parents=True, exist_ok=True)
        durable = "yes" if self.local.durable else "no"
        settings = SETTINGS.format(port=self._port, password=self._password, durable=durable)
        write_private(self._root / "redis.conf", settings)

    def ask(self) -> None:
        ask_redis(self.url)
