"""Taking a backup: snapshots of all databases at once, dumped one after the other while the product runs."""

import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from cli.backups import manifest, snapshots, tools
from cli.backups.errors import BackupError
from cli.backups.manifest import Dump, Manifest
from cli.backups.places import Place, require
from cli.backups.snapshots import Snapshot
from cli.backups.tools import Tools
from cli.local.data import make_private
from cli.local.origin import Skip
from cli.local.program import write_private

# What a data directory needs besides its databases, and what is never in a backup unless it is asked for.
SECRETS = ("secrets.json", "admin.key")
UNFINISHED = ".unfinished"

Say = Callable[[str], None]


@dataclass(frozen=True)
class Wish:
    """What is to be backed up, all services where none is named, and how many backups are kept; 0 is all."""

    services: tuple[str, ...] = ()
    with_secrets: bool = False
    keep: int = 0


def take(place: Place, parent: Path, wish: Wish, env: Mapping[str, str], say: Say) -> Path:
    """Write a new backup into a folder of its own in `parent`; half of one never has its name."""
    services = require(place, wish.services)
    name = manifest.new_name()
    if not parent.exists():
        make_private(parent)
    draft = parent / f"{name}{UNFINISHED}"
    draft.mkdir(mode=0o700)
    try:
        with snapshots.hold({service: place.urls[service] for service in services}) as held:
            programs = tools.find(max(_major(each) for each in held), Skip.from_environment(env))
            dumps = tuple(_dump(each, place.urls[each.service], draft, programs, say) for each in held)
            server = str(held[0].connection.info.server_version)
        has_secrets = wish.with_secrets and _copy_secrets(place, draft)
        Manifest(name, version("pranala"), server, dumps, place.keys, has_secrets).write(draft)
    except BaseException:
        shutil.rmtree(draft, ignore_errors=True)
        raise
    draft.rename(parent / name)
    for old in manifest.all_in(parent)[: -wish.keep] if wish.keep else []:
        shutil.rmtree(old)
        say(f"removed {old}")
    return parent / name


def verify(folder: Path, env: Mapping[str, str]) -> Manifest:
    """The manifest of a backup whose every file is as it was written, and can be read. Raises BackupError."""
    found = manifest.read(folder)
    home = manifest.find(folder)
    programs = tools.newest(Skip.from_environment(env))
    for dump in found.dumps:
        path = home / dump.file
        if not path.exists() or manifest.checksum(path) != dump.sha256:
            raise BackupError(f"{path} is not what was backed up: it is missing, cut short or changed")
        programs.list(path)
    return found


def _major(snapshot: Snapshot) -> int:
    return snapshot.connection.info.server_version // 10_000


def _dump(snapshot: Snapshot, url: str, folder: Path, programs: Tools, say: Say) -> Dump:
    path = folder / f"{snapshot.service}.dump"
    write_private(path, "")
    programs.dump(url, snapshot.id, path)
    facts = snapshot.facts()
    # Others may be dumped for hours: what is done need not keep this one's dead rows from being cleaned away.
    snapshot.connection.rollback()
    size = path.stat().st_size
    say(f"{snapshot.service}: {size / 1e6:.1f} MB, {sum(facts.rows.values()):,} rows")
    return Dump(
        service=snapshot.service,
        file=path.name,
        taken_at=snapshot.taken_at.isoformat(),
        lsn=snapshot.lsn,
        schema=facts.schema,
        rows=facts.rows,
        bytes=size,
        sha256=manifest.checksum(path),
        audit_digest=facts.audit_digest,
    )


def _copy_secrets(place: Place, folder: Path) -> bool:
    if place.data is None:
        raise BackupError(
            "--with-secrets copies those of a data directory; here the databases are given by their URLs. "
            "Keep PRANALA_LINKS_KEY and PRANALA_NOTIFICATIONS_KEY as you keep other secrets."
        )
    for name in SECRETS:
        if (path := place.data.root / name).exists():
            write_private(folder / name, path.read_text(encoding="utf-8"))
    return True
