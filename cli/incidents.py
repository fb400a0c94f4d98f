"""`pranala incidents`: what is broken, since when and why, and that somebody is on it."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator
from typing import Any

import click

from cli import exits
from cli.client import Client, key_of, url_of
from cli.exits import ENVIRONMENT
from cli.row import printable

FORMAT = click.option("--format", "form", type=click.Choice(["table", "jsonl"]), default="table", show_default=True)
STATE = click.option("--state", type=click.Choice(["open", "resolved"]), help="Both, if it is not said.")
HOST = click.option("--host")


@click.group(invoke_without_command=True, epilog=ENVIRONMENT)
@click.pass_context
def incidents(context: click.Context) -> None:
    """What is broken. Without a command: every incident that is open."""
    if context.invoked_subcommand is None:
        with exits.told():
            _write(_client().incidents(state="open"), "table", _incident)


@incidents.command("list")
@STATE
@HOST
@click.option("--link", "link_id", type=click.UUID, help="The id of a link.")
@click.option("--group", type=click.UUID, help="The id of an incident group.")
@FORMAT
def list_incidents(form: str, **wanted: Any) -> None:
    """List incidents, the latest first."""
    with exits.told():
        _write(_client().incidents(**_said(wanted)), form, _incident)


@incidents.command()
@STATE
@HOST
@FORMAT
def groups(form: str, **wanted: Any) -> None:
    """List hosts whose links broke together, the latest first."""
    with exits.told():
        _write(_client().incident_groups(**_said(wanted)), form, _group)


@incidents.command()
@click.argument("identity", metavar="ID", type=click.UUID)
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True)
def show(identity: Any, form: str) -> None:
    """Show an incident with its timeline."""
    with exits.told():
        story = _client().incident(str(identity))
        if form == "json":
            click.echo(json.dumps(story, ensure_ascii=False))
            return
        for line in _story(story):
            click.echo(printable(line))


@incidents.command()
@click.argument("identities", metavar="ID...", type=click.UUID, nargs=-1, required=True)
@click.option("--group", is_flag=True, help="The ids are those of incident groups.")
def acknowledge(identities: tuple[Any, ...], group: bool) -> None:
    """Say that you have seen incidents, so that others know that somebody is on it."""
    with exits.told():
        client = _client()
        for identity in identities:
            seen = client.acknowledge(str(identity), group)
            what = seen["host"] if group else seen["url"]
            click.echo(printable(f"{what}  acknowledged by {seen['acknowledged_by']}, {seen['acknowledged_at']}"))


def _client() -> Client:
    url = url_of(os.environ)
    return Client(url, key_of(os.environ, url))


def _said(wanted: dict[str, Any]) -> dict[str, str]:
    return {name: str(value) for name, value in wanted.items() if value}


def _write(found: Iterable[dict[str, Any]], form: str, line: Any) -> None:
    for each in found:
        click.echo(json.dumps(each, ensure_ascii=False) if form == "jsonl" else printable(line(each)))


def _incident(found: dict[str, Any]) -> str:
    begin = f"{found['id']}  {found['state']:<8}  {found['started_at']}  {found['reason']:<22}  {found['url']}"
    return begin + _seen_by(found)


def _group(found: dict[str, Any]) -> str:
    begin = f"{found['id']}  {found['state']:<8}  {found['started_at']}  {found['reason']:<22}  {found['host']}"
    return f"{begin}  {found['open']} of {found['links']} links broken{_seen_by(found)}"


def _seen_by(found: dict[str, Any]) -> str:
    return f"  (seen by {found['acknowledged_by']})" if found["acknowledged_by"] else ""


def _story(story: dict[str, Any]) -> Iterator[str]:
    yield story["url"]
    yield _span(story)
    if story["acknowledged_by"]:
        yield f"Acknowledged by {story['acknowledged_by']}, {story['acknowledged_at']}."
    yield f"Link: {story['link_id']}"
    if story["group"]:
        yield f"Group: {story['group']}"
    yield ""
    for moment in story["timeline"]:
        words = (moment["reason"], moment["status_code"], moment["actor"], moment["detail"])
        yield f"{moment['at']}  {moment['kind']:<13}  {'  '.join(str(word) for word in words if word)}".rstrip()


def _span(story: dict[str, Any]) -> str:
    cause = story["reason"] + (f" {story['status_code']}" if story["status_code"] else "")
    if story["resolved_at"] is None:
        return f"Broken since {story['started_at']}: {cause}."
    return f"Broken from {story['started_at']} to {story['resolved_at']} ({story['duration_s']:.0f} s): {cause}."
