"""`pranala links`: what is kept alive, and how it is."""

from __future__ import annotations

import json
import os
from typing import Any

import click

from cli import exits
from cli.client import Client, key_of, url_of
from cli.exits import ENVIRONMENT
from cli.row import printable

FILTERS = ("state", "verdict", "reason", "tag", "host", "q")


def _filters(command: Any) -> Any:
    for name in reversed(FILTERS):
        command = click.option(f"--{name}")(command)
    return command


@click.command(epilog=ENVIRONMENT)
@_filters
@click.option("--format", "form", type=click.Choice(["table", "jsonl"]), default="table", show_default=True)
def links(form: str, **wanted: str | None) -> None:
    """List the links that are kept alive, newest first."""
    with exits.told():
        url = url_of(os.environ)
        client = Client(url, key_of(os.environ, url))
        for link in client.links(**{name: value for name, value in wanted.items() if value}):
            click.echo(json.dumps(link, ensure_ascii=False) if form == "jsonl" else _line(link))


def _line(link: dict[str, Any]) -> str:
    reason = link["reason"] or "-"
    return printable(f"{link['state']:<12}  {reason:<22}  {link['url']}")
