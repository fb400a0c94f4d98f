"""The data directory: private to its owner, used by one launcher at a time."""

import fcntl
import hashlib
import os
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from cli.local.errors import LocalError

# A unix socket's path ends at 107 bytes, and supervisord binds "<path>.<pid>" first.
LONGEST_SOCKET = 95
LAST_RUN_ENDS_S = 20


@dataclass(frozen=True)
class DataDir:
    root: Path

    @classmethod
    def from_environment(cls, env: Mapping[str, str]) -> "DataDir":
        return cls(Path(env.get("PRANALA_DATA_DIR") or ".pranala").expanduser().resolve())

    @property
    def log(self) -> Path:
        return self.root / "log"

    @property
    def run(self) -> Path:
        return self.root / "run"

    @property
    def temporary(self) -> Path:
        """For the product's temporary files; what a killed process left there is gone with the next start."""
        return self.run / "tmp"

    @property
    def admin_key(self) -> Path:
        return self.root / "admin.key"

    @property
    def lock_file(self) -> Path:
        return self.root / "lock"

    @property
    def socket(self) -> Path:
        """Where supervisord listens: in the data directory unless that makes the path too long."""
        inside = self.run / "supervisor.sock"
        if len(os.fsencode(inside)) <= LONGEST_SOCKET:
            return inside
        digest = hashlib.sha256(os.fsencode(self.root)).hexdigest()[:12]
        return Path("/tmp", f"pranala-{os.getuid()}-{digest}", "supervisor.sock")  # noqa: S108 - made private

    def create(self) -> None:
        """Make the directory and its parts; refuses a directory that holds something else."""
        if self.root.is_dir() and any(self.root.iterdir()) and not self.lock_file.exists():
            raise LocalError(
                f"{self.root} is not empty and was not made by Pranala: set PRANALA_DATA_DIR to another directory."
            )
        for folder in (self.root, self.log, self.run, self.temporary, self.socket.parent):
            make_private(folder)
        self.lock_file.touch(mode=0o600)

    @contextmanager
    def locked(self) -> Iterator[IO[str]]:
        """Hold the directory; whoever inherits the file keeps it held after this process is gone."""
        self.create()
        with self.lock_file.open("r+", encoding="utf-8") as file:
            self._take(file)
            file.seek(0)
            file.truncate()
            file.write(f"{os.getpid()}\n")
            file.flush()
            yield file

    def _take(self, file: IO[str]) -> None:
        deadline = time.monotonic() + LAST_RUN_ENDS_S
        while not _lock(file):
            file.seek(0)
            holder = file.read().strip()
            if _alive(holder) or time.monotonic() > deadline:
                raise LocalError(
                    f"Pranala already runs on {self.root} (process {holder}): "
                    "stop it first, or set PRANALA_DATA_DIR to another directory."
                )
            time.sleep(0.1)

    def holder(self) -> int | None:
        """The process that runs the product on this directory now, if any."""
        if not self.lock_file.exists():
            return None
        with self.lock_file.open(encoding="utf-8") as file:
            if _lock(file):
                return None
            text = file.read().strip()
        return int(text) if text.isdigit() else None


def make_private(folder: Path) -> None:
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    owner = folder.stat().st_uid
    if folder.is_symlink() or owner != os.getuid():
        raise LocalError(f"{folder} belongs to user {owner}: choose a PRANALA_DATA_DIR of your own.")
    folder.chmod(0o700)


def _lock(file: IO[str]) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _alive(pid: str) -> bool:
    """A zombie is dead, only not mourned by its parent yet."""
    try:
        return pid.isdigit() and Path("/proc", pid, "stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False
