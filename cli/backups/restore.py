"""Restoring a backup: each database is filled beside what it holds, compared with the backup, and then takes over."""

import json
import os
import subprocess
import sys
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import psycopg
from psycopg import sql

from cli.backups import backup, manifest, snapshots, tools
from cli.backups.errors import BackupError
from cli.backups.manifest import Dump, Manifest
from cli.backups.places import Place, require
from cli.local.data import DataDir
from cli.local.origin import Skip
from cli.local.processes import ROOT, database_setting
from cli.local.program import write_private
from cli.local.readiness import libpq

OTHERS = """
    SELECT count(*) FROM pg_stat_activity
    WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'
"""
ASIDE = "before_restore"

Say = Callable[[str], None]


def put_back_secrets(folder: Path, data: DataDir) -> bool:
    """Before anything is started in a data directory that lost its secrets: those of the backup, if they are in it."""
    home, found = manifest.find(folder), manifest.read(folder)
    if not found.has_secrets or (data.root / "secrets.json").exists():
        return False
    data.create()
    for name in backup.SECRETS:
        if (path := home / name).exists():
            write_private(data.root / name, path.read_text(encoding="utf-8"))
    return True


def restore(place: Place, folder: Path, services: tuple[str, ...], env: Mapping[str, str], say: Say) -> Manifest:
    """Fill the services' databases, and have the product say again what they have forgotten. Raises BackupError."""
    found = backup.verify(folder, env)
    wanted = require(place, services or tuple(dump.service for dump in found.dumps))
    dumps = [found.dump(service) for service in wanted]
    _warn_of_keys(found, place, say)
    for dump in dumps:
        _refuse_if_used(place.urls[dump.service], dump.service)
    for dump in dumps:
        _fill(place.urls[dump.service], manifest.find(folder), dump, env)
        say(f"{dump.service}: {sum(dump.rows.values()):,} rows of {dump.taken_at}, as they were backed up")
    _run("workers.migrate", [], place, env)
    say("migrated to the newest schema")
    _reconcile(found, dumps, place, env, say)
    return found


def _fill(url: str, home: Path, dump: Dump, env: Mapping[str, str]) -> None:
    with psycopg.connect(libpq(url), autocommit=True) as connection:
        programs = tools.find(connection.info.server_version // 10_000, Skip.from_environment(env))
        with _beside_what_is_there(connection):
            programs.restore(url, home / dump.file)
            _compare(url, dump)
        connection.execute("ANALYZE")


@contextmanager
def _beside_what_is_there(connection: psycopg.Connection) -> Iterator[None]:
    """An empty schema, which takes over if all goes well; if not, what was there is there again."""
    aside = sql.Identifier(ASIDE)
    if _exists(connection, ASIDE):
        # A restore was killed: what stood there before it is what counts.
        connection.execute("DROP SCHEMA IF EXISTS public CASCADE")
    else:
        connection.execute(sql.SQL("ALTER SCHEMA public RENAME TO {}").format(aside))
    connection.execute("CREATE SCHEMA public")
    try:
        yield
    except BaseException:
        connection.execute("DROP SCHEMA public CASCADE")
        connection.execute(sql.SQL("ALTER SCHEMA {} RENAME TO public").format(aside))
        raise
    connection.execute(sql.SQL("DROP SCHEMA {} CASCADE").format(aside))


def _exists(connection: psycopg.Connection, schema: str) -> bool:
    return connection.execute("SELECT 1 FROM pg_namespace WHERE nspname = %s", (schema,)).fetchone() is not None


def _compare(url: str, dump: Dump) -> None:
    with snapshots.connect(url) as connection:
        restored = snapshots.facts(connection, dump.service)
    if dict(restored.rows) != dict(dump.rows) or restored.schema != dump.schema:
        raise BackupError(f"{dump.service}: what was restored is not what was backed up; nothing was changed")
    if restored.audit_digest != dump.audit_digest:
        raise BackupError("audit: the events that were restored are not those that were backed up")


def _refuse_if_used(url: str, service: str) -> None:
    with psycopg.connect(libpq(url)) as connection:
        row = connection.execute(OTHERS).fetchone()
    if row and row[0]:
        raise BackupError(
            f"{row[0]} connections to the {service} database are open: stop the product first, all of it "
            "(web, workers, relays, RPC servers, beat). What they do meanwhile would be lost."
        )


def _warn_of_keys(found: Manifest, place: Place, say: Say) -> None:
    for setting, mark in found.keys.items():
        if place.keys.get(setting, mark) != mark:
            say(
                f"WARNING: {setting} is not the key of this backup. What it sealed (secrets of webhooks, headers and "
                "logins of checks) cannot be opened until the old key is set again."
            )


def _reconcile(found: Manifest, dumps: list[Dump], place: Place, env: Mapping[str, str], say: Say) -> None:
    restored = [f"{dump.service}={dump.taken_at}" for dump in dumps]
    words = ["--id", str(uuid.uuid4()), "--backup", found.name, "--restored", *restored]
    asked = json.loads(_run("workers.reconcile", words, place, env))
    batches = sum(each["batches"] for each in asked.values())
    parts = sum(each["parts"] for each in asked.values())
    say(f"once the product runs, {batches:,} batches of messages and {parts:,} parts of jobs are sent again")


def _run(module: str, words: list[str], place: Place, env: Mapping[str, str]) -> str:
    urls = {database_setting(service): url for service, url in place.urls.items()}
    done = subprocess.run(
        [sys.executable, "-m", module, *words], cwd=ROOT, env={**os.environ, **env, **urls},
        stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False,
    )  # fmt: skip
    if done.returncode != 0:
        raise BackupError(
            f"the databases are restored, but `python -m {module} {' '.join(words)}` failed; run it again before "
            f"anything is started:\n{done.stderr[-2000:]}"
        )
    return done.stdout
