"""`pranala db`: backups of the services' databases, for the operator who has their URLs or the data directory."""

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from cli.backups import backup, places
from cli.backups import restore as restoring
from cli.backups.backup import Wish
from cli.backups.manifest import Manifest
from cli.local.backing import SERVICES
from cli.local.data import DataDir
from cli.local.errors import LocalError

FOLDER = click.Path(path_type=Path, file_okay=False)


def only(command: Callable[..., Any]) -> Callable[..., Any]:
    """Which services a command is about."""
    option = click.option(
        "--service", "services", multiple=True, type=click.Choice(SERVICES), help="Only this one; may be repeated."
    )
    return option(command)


@click.group()
def db() -> None:
    """Back up and restore the databases.

    They are found by PRANALA_<SERVICE>_DATABASE_URL (or _FILE) in the environment, or else in the data directory of
    `pranala up` (PRANALA_DATA_DIR).
    """


@db.command("backup")
@click.argument("folder", type=FOLDER, default="backups")
@only
@click.option("--keep", default=0, metavar="N", help="Remove all but the newest N backups in the folder.")
@click.option("--with-secrets", is_flag=True, help="Copy the data directory's secrets and admin key, too.")
def back_up(folder: Path, services: tuple[str, ...], keep: int, with_secrets: bool) -> None:
    """Write a backup into a new folder in FOLDER (default: backups), while the product runs."""
    began = time.monotonic()
    with said_plainly(), places.as_it_is(os.environ) as place:
        click.echo(f"backing up the databases {place.words}", err=True)
        made = backup.take(place, folder.resolve(), Wish(services, with_secrets, keep), os.environ, say)
        say(f"taken in {time.monotonic() - began:.1f} s")
        if not with_secrets:
            say(
                "NOT in it: the keys. Keep PRANALA_LINKS_KEY and PRANALA_NOTIFICATIONS_KEY elsewhere (.pranala/"
                "secrets.json, deploy/secrets): without them the secrets of webhooks and of checks cannot be opened."
            )
        click.echo(made)


@db.command("restore")
@click.argument("folder", type=FOLDER)
@only
@click.option("--yes", is_flag=True, help="Do not ask.")
def restore(folder: Path, services: tuple[str, ...], yes: bool) -> None:
    """Restore the backup FOLDER, or the newest in it, over what the databases hold. The product must not run."""
    with said_plainly():
        found = backup.verify(folder, os.environ)
        say(describe(found))
        if not yes:
            meant = ", ".join(services) or "all that is in it"
            click.confirm(f"Replace what the databases hold now ({meant})?", abort=True, err=True)
        began = time.monotonic()
        data = DataDir.from_environment(os.environ)
        if not places.are_given(os.environ) and restoring.put_back_secrets(folder, data):
            say("the data directory had no secrets: those of the backup are in it")
        with places.standing_still(os.environ) as place:
            restoring.restore(place, folder, services, os.environ, say)
        click.echo(f"restored {found.name} in {time.monotonic() - began:.1f} s. Start the product now.")


@db.command("verify")
@click.argument("folder", type=FOLDER)
def verify(folder: Path) -> None:
    """Say what is in the backup FOLDER, or the newest in it, and whether its files are as they were written."""
    with said_plainly():
        click.echo(describe(backup.verify(folder, os.environ)))


def describe(found: Manifest) -> str:
    """The backup in words."""
    age = datetime.now(UTC) - found.moment
    lines = [f"backup {found.name}, {age.total_seconds() / 3600:.1f} h old: what was committed since is not in it"]
    lines += [
        f"  {dump.service:<14} schema {dump.schema}  {sum(dump.rows.values()):>12,} rows  {dump.bytes / 1e6:>10.1f} MB"
        for dump in found.dumps
    ]
    lines.append(f"  secrets        {'in it' if found.has_secrets else 'not in it'}")
    return "\n".join(lines)


def say(words: str) -> None:
    """Progress, beside the answer."""
    click.echo(words, err=True)


@contextmanager
def said_plainly() -> Iterator[None]:
    """What goes wrong is a sentence and status 1."""
    try:
        yield
    except LocalError as error:
        raise click.ClickException(str(error)) from error
