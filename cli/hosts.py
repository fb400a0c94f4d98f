"""`pranala hosts`: which hosts are checked in a way of their own, and how."""

from __future__ import annotations

import json
import os
from typing import IO, Any

import click

from cli import exits
from cli.client import Client, key_of, url_of
from cli.exits import ENVIRONMENT
from cli.row import printable


@click.group(invoke_without_command=True, epilog=ENVIRONMENT)
@click.pass_context
def hosts(context: click.Context) -> None:
    """Hosts that are checked in a way of their own. Without a command: all of them."""
    if context.invoked_subcommand is None:
        with exits.told():
            for policy in _client().host_policies():
                click.echo(_line(policy))


@hosts.command()
@click.argument("host")
def show(host: str) -> None:
    """Print how HOST is checked, as JSON that `set` takes."""
    with exits.told():
        _print(_client().host_policy(host))


@hosts.command("set")
@click.argument("host")
@click.argument("file", type=click.File("r", encoding="utf-8"), default="-")
def set_(host: str, file: IO[str]) -> None:
    """Check HOST as the JSON of FILE says, such as {"concurrency": 2, "options": {"timeout_s": 5}}.

    The whole is replaced; secrets that are {"set": true} stay as they are.
    """
    try:
        wanted = json.load(file)
    except ValueError as error:
        raise click.UsageError(f"{file.name} is no JSON: {error}") from error
    if not isinstance(wanted, dict):
        raise click.UsageError(f"{file.name} holds no JSON object.")
    # What `show` prints beside what can be set.
    told = {name: value for name, value in wanted.items() if name not in ("host", "version", "updated_at")}
    with exits.told():
        _print(_client().put_host_policy(host, told))


@hosts.command()
@click.argument("host")
def delete(host: str) -> None:
    """Check HOST as all others are."""
    with exits.told():
        _client().delete_host_policy(host)


def _client() -> Client:
    url = url_of(os.environ)
    return Client(url, key_of(os.environ, url))


def _line(policy: dict[str, Any]) -> str:
    limits = [f"{name} {policy[name]}" for name in ("concurrency", "spacing_ms") if policy[name] is not None]
    return printable("  ".join((policy["host"], *limits, *sorted(policy["options"]))))


def _print(policy: dict[str, Any]) -> None:
    click.echo(json.dumps(policy, indent=2, ensure_ascii=False))
