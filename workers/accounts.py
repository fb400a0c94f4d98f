"""The operator's side of accounts: `python -m workers.accounts create-key --name admin --scope admin`."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Mapping, Sequence
from datetime import timedelta

from config.settings import SettingsError
from tasks import clock, database
from tasks.accounts import keyring
from tasks.accounts.scopes import SCOPES
from tasks.accounts.service import build


def parser() -> argparse.ArgumentParser:
    """The command's arguments."""
    root = argparse.ArgumentParser(prog="python -m workers.accounts", description=__doc__)
    commands = root.add_subparsers(required=True, metavar="COMMAND")
    create = commands.add_parser("create-key", help="give out an API key; it is shown this once")
    create.add_argument("--name", required=True, help="what people recognise the key by")
    create.add_argument(
        "--scope", required=True, action="extend", nargs="+", choices=SCOPES, help="what the key allows"
    )
    create.add_argument("--workspace", default="default", help="made where it is missing (default: %(default)s)")
    create.add_argument("--expires-days", type=float, help="days after which the key is refused (default: never)")
    create.set_defaults(run=create_key)
    return root


def create_key(arguments: argparse.Namespace, environ: Mapping[str, str]) -> str:
    """Write the key and its announcement in one transaction; returns the key."""
    lifetime = arguments.expires_days
    expires_at = clock.now() + timedelta(days=lifetime) if lifetime else None
    with build(environ).sessions.begin() as session:
        workspace_id = keyring.workspace_id_of(session, arguments.workspace)
        return keyring.create_key(session, workspace_id, arguments.name, arguments.scope, expires_at)


def main(argv: Sequence[str] | None = None, environ: Mapping[str, str] = os.environ) -> int:
    """Print what the command gives on stdout, alone; what went wrong goes to stderr."""
    arguments = parser().parse_args(argv)
    try:
        print(arguments.run(arguments, environ))
    except SettingsError as error:
        print(error, file=sys.stderr)
        return 2
    except database.AWAY as error:
        print(f"the accounts database cannot be reached: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
