"""What a backup says of itself: `manifest.json` beside its dumps."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cli.backups.errors import BackupError
from cli.local.program import write_private

FILE = "manifest.json"
VERSION = 1
READ_AT_ONCE = 1 << 20


@dataclass(frozen=True)
class Dump:
    """One service's database at one moment. `rows` are by table; `audit_digest` is of audit's events in their order."""

    service: str
    file: str
    taken_at: str
    lsn: str
    schema: str
    rows: Mapping[str, int]
    bytes: int
    sha256: str
    audit_digest: str = ""


@dataclass(frozen=True)
class Manifest:
    """`keys` are fingerprints of the keys that seal secrets, by setting; `has_secrets`: their values lie beside."""

    name: str
    pranala: str
    server: str
    dumps: tuple[Dump, ...]
    keys: Mapping[str, str] = field(default_factory=dict)
    has_secrets: bool = False
    version: int = VERSION

    @property
    def moment(self) -> datetime:
        """What was committed before is in it."""
        return min(datetime.fromisoformat(dump.taken_at) for dump in self.dumps)

    @property
    def spread(self) -> timedelta:
        """Between the first and the last of its dumps' moments."""
        return max(datetime.fromisoformat(dump.taken_at) for dump in self.dumps) - self.moment

    def dump(self, service: str) -> Dump:
        """The dump of a service. Raises BackupError."""
        for dump in self.dumps:
            if dump.service == service:
                return dump
        raise BackupError(f"the backup {self.name} has no dump of {service}")

    def write(self, folder: Path) -> None:
        """Write the file; whoever finds it finds a whole backup."""
        write_private(folder / FILE, json.dumps(asdict(self), indent=1))


def read(folder: Path) -> Manifest:
    """The backup in `folder`, or the newest of those in it. Raises BackupError."""
    path = find(folder) / FILE
    try:
        fields = json.loads(path.read_text(encoding="utf-8"))
        if fields["version"] > VERSION:
            raise BackupError(f"{path} was written by a newer Pranala ({fields['pranala']}): restore it with that one")
        return Manifest(**fields | {"dumps": tuple(Dump(**dump) for dump in fields["dumps"])})
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise BackupError(f"{path} cannot be read as a backup's manifest: {error}") from error


def find(folder: Path) -> Path:
    """The folder itself if it is a backup, or the newest backup in it. Raises BackupError."""
    if (folder / FILE).exists():
        return folder
    if backups := all_in(folder):
        return backups[-1]
    raise BackupError(f"there is no backup in {folder}: no {FILE}, neither in it nor in a folder in it")


def all_in(folder: Path) -> list[Path]:
    """The whole backups in a folder, the oldest first: their names are their times."""
    return sorted(path.parent for path in folder.glob(f"*/{FILE}")) if folder.is_dir() else []


def checksum(path: Path) -> str:
    """SHA-256 of a file, in hex."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while part := file.read(READ_AT_ONCE):
            digest.update(part)
    return digest.hexdigest()


def new_name() -> str:
    """A name that sorts by time and is a file's name anywhere."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H%M%S.%fZ")
