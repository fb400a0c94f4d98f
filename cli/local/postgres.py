"""A private PostgreSQL on loopback: passwords over TCP, no unix socket."""

import os
import shutil
import subprocess
from pathlib import Path

from cli.local.credentials import Credentials
from cli.local.errors import LocalError
from cli.local.origin import find_postgres
from cli.local.program import Program, write_private
from cli.local.readiness import ask_postgres
from cli.local.server import Local, Server
from cli.local.unprivileged import find_identity

SUPERUSER = "pranala"
SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "max_connections": "200",
    "shared_buffers": "128MB",
    "password_encryption": "scram-sha-256",
    "log_line_prefix": "%m [%p] %q%u@%d ",
    "timezone": "UTC",
}
# A killed server still finds what it wrote in the system's cache: these lose data only with the machine.
FOR_TESTS = {"fsync": "off", "full_page_writes": "off"}


class Postgres(Server):
    name = "postgres"

    def __init__(self, local: Local) -> None:
        super().__init__(local)
        root = local.data.root / "postgres"
        root.mkdir(mode=0o700, exist_ok=True)
        self._identity = find_identity(root, local.credentials, local.skip)
        self.store = self._identity.home / "store"
        binary = find_postgres(local.skip, self._made_by())
        self._bin = self._identity.reachable(binary)
        self._password = local.credentials.get("postgres")
        self._port = local.ports.get("postgres")
        self.origin = ", ".join(filter(None, (binary.words, self._identity.words)))
        self.url = superuser_url(local.credentials, self._port)

    def programs(self) -> tuple[Program, ...]:
        settings = SETTINGS if self.local.durable else SETTINGS | FOR_TESTS
        options = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
        server = Program(
            name=self.name,
            argv=self._command("postgres", "-D", str(self.store), "-p", str(self._port), *options),
            env=self._environment(),
            stop_signal="INT",
            death_signal="INT",
            restart=self.local.restart,
        )
        return (server,)

    def prepare(self) -> None:
        if self._made_by() is None:
            self._make_cluster()
        self._drop_stale_pid()

    def ask(self) -> None:
        ask_postgres(self.url)

    def _made_by(self) -> str | None:
        """The major version that made the data."""
        version = self.store / "PG_VERSION"
        return version.read_text().strip() if version.exists() else None

    def _make_cluster(self) -> None:
        """Beside its place and then renamed: a killed initdb must not leave half a cluster."""
        draft = self._identity.home / "store.new"
        shutil.rmtree(draft, ignore_errors=True)
        password = self._identity.home / "superuser.password"
        write_private(password, self._password)
        self._identity.own(password)
        initdb = self._command(
            "initdb", "-D", str(draft), "-U", SUPERUSER, f"--pwfile={password}", "-A", "scram-sha-256",
            "-E", "UTF8", "--locale=C", *(() if self.local.durable else ("--no-sync",)),
        )  # fmt: skip
        made = subprocess.run(initdb, env=self._environment(), cwd="/", capture_output=True, text=True, check=False)
        password.unlink()
        if made.returncode != 0:
            raise LocalError(f"initdb failed:\n{made.stdout}{made.stderr}")
        draft.rename(self.store)

    def _drop_stale_pid(self) -> None:
        """After a reboot the pid in the file may be another program's, and PostgreSQL would not start."""
        file = self.store / "postmaster.pid"
        if not file.exists():
            return
        process = Path("/proc", file.read_text().split("\n", 1)[0].strip())
        if process.exists() and not _works_in(process, self.store):
            file.unlink()

    def _command(self, name: str, *arguments: str) -> tuple[str, ...]:
        return (*self._identity.prefix, str(self._bin / name), *arguments)

    def _environment(self) -> dict[str, str]:
        return {"PATH": os.defpath, "LC_ALL": "C", "TZ": "UTC"}


def superuser_url(credentials: Credentials, port: int) -> str:
    """Of the data directory's own server, whoever runs it."""
    return f"postgresql://{SUPERUSER}:{credentials.get('postgres')}@127.0.0.1:{port}/postgres"


def _works_in(process: Path, folder: Path) -> bool:
    try:
        return Path(os.readlink(process / "cwd")) == folder
    except OSError:
        # Another user's process, or one that has just ended: not our server in either case.
        return False
