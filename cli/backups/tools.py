"""pg_dump and pg_restore: found where PostgreSQL is, of a version that fits the server."""

import os
import re
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from psycopg.conninfo import conninfo_to_dict, make_conninfo

from cli.backups.errors import BackupError
from cli.local.origin import Skip, find_tools
from cli.local.readiness import libpq

SAID = 2000


@dataclass(frozen=True)
class Tools:
    """A folder with both programs, of one major version."""

    folder: Path
    major: int

    def dump(self, url: str, snapshot: str, file: Path) -> None:
        """Write what the snapshot sees, compressed. Raises BackupError."""
        options = ("--format=custom", "--no-owner", "--no-acl", f"--snapshot={snapshot}", f"--file={file}")
        self._run("pg_dump", url, *options)

    def restore(self, url: str, file: Path, jobs: int = 2) -> None:
        """Fill an empty database, or say at which object it failed. Raises BackupError."""
        options = ("--no-owner", "--no-acl", "--exit-on-error", "--schema=public", f"--jobs={jobs}", str(file))
        self._run("pg_restore", url, *options)

    def list(self, file: Path) -> list[str]:
        """The names of what a dump holds. Raises BackupError if it cannot be read."""
        return self._call([str(self.folder / "pg_restore"), "--list", str(file)], {}).splitlines()

    def _run(self, program: str, url: str, *options: str) -> None:
        parts = conninfo_to_dict(libpq(url))
        # Everybody on the machine can read command lines.
        password = {"PGPASSWORD": str(parts.pop("password"))} if "password" in parts else {}
        self._call([str(self.folder / program), f"--dbname={make_conninfo('', **parts)}", *options], password)

    def _call(self, command: Sequence[str], env: dict[str, str]) -> str:
        done = subprocess.run(
            command, env={**os.environ, **env}, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
        )
        if done.returncode != 0:
            raise BackupError(f"{Path(command[0]).name} failed (status {done.returncode}):\n{done.stderr[-SAID:]}")
        return done.stdout


def find(server_major: int, skip: Skip) -> Tools:
    """The oldest that is no older than the server: what a newer one writes, an older server may not read."""
    found = list(_candidates(skip))
    fitting = sorted((tools for tools in found if tools.major >= server_major), key=lambda tools: tools.major)
    if fitting:
        return fitting[0]
    had = f"; here is only version {', '.join(str(tools.major) for tools in found)}" if found else ""
    raise BackupError(
        f"pg_dump and pg_restore of PostgreSQL {server_major} or newer are needed{had}. Install them "
        f"(apt-get install postgresql-client-{server_major}), or this directory's own Python "
        "packages (deploy/bootstrap.sh), of which one has version 18."
    )


def newest(skip: Skip) -> Tools:
    """Reads the dumps of all versions before it."""
    return max(_candidates(skip), key=lambda tools: tools.major, default=None) or find(0, skip)


def _candidates(skip: Skip) -> Iterator[Tools]:
    for folder in find_tools("pg_dump", skip):
        answer = subprocess.run([folder / "pg_dump", "--version"], capture_output=True, text=True, check=False)
        if (number := re.search(r"\d+", answer.stdout)) and (folder / "pg_restore").exists():
            yield Tools(folder, int(number.group()))
