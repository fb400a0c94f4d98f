"""`pranala ops dead`: messages that no worker could do, why, and what becomes of them."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any

import click

from cli import exits
from cli.client import Client, key_of, url_of
from cli.exits import ENVIRONMENT, Exit
from cli.row import printable

QUEUE = click.option("--queue", help="The queue they died in.")
IDS = click.argument("identities", metavar="[ID]...", type=click.UUID, nargs=-1)
# As many as one request takes.
AT_ONCE = 200


@click.group(epilog=ENVIRONMENT)
def dead() -> None:
    """Dead letters: messages that no worker could do, with the reason.

    Mend the cause, then replay them; what need not be done any more is discarded. Both go on the audit record.
    """


@dead.command("list")
@QUEUE
@click.option("--limit", type=click.IntRange(1), default=200, show_default=True, help="The most that are listed.")
@click.option("--format", "form", type=click.Choice(["table", "jsonl", "json"]), default="table", show_default=True)
def list_letters(queue: str | None, limit: int, form: str) -> None:
    """List dead letters, the oldest first. Looking at them changes nothing."""
    with exits.told():
        found = islice(_client().dead_letters(**({"queue": queue} if queue else {})), limit)
        if form == "json":
            click.echo(json.dumps(list(found), ensure_ascii=False))
            return
        for letter in found:
            click.echo(json.dumps(letter, ensure_ascii=False) if form == "jsonl" else printable(_line(letter)))


@dead.command()
@click.argument("identity", metavar="ID", type=click.UUID)
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True)
def show(identity: Any, form: str) -> None:
    """Show a dead letter with its body and what went wrong."""
    with exits.told():
        letter = _client().dead_letter(str(identity))
        if form == "json":
            click.echo(json.dumps(letter, ensure_ascii=False))
            return
        for line in _story(letter):
            click.echo(printable(line))


@dead.command()
@IDS
@QUEUE
def replay(identities: tuple[Any, ...], queue: str | None) -> None:
    """Send dead letters to their queue again: those named, or all of a queue.

    Letters that die again are back with their new reason.
    """
    _act("replay", identities, queue)


@dead.command()
@IDS
@QUEUE
@click.option("--yes", is_flag=True, help="Do not ask before all of a queue are forgotten.")
def discard(identities: tuple[Any, ...], queue: str | None, yes: bool) -> None:
    """Forget dead letters: those named, or all of a queue. They cannot be brought back."""
    if queue and not yes:
        click.confirm(f"Forget every dead letter of {queue}?", abort=True, err=True)
    _act("discard", identities, queue)


def _act(action: str, identities: tuple[Any, ...], queue: str | None) -> None:
    if bool(identities) == bool(queue):
        raise click.UsageError("Name either dead letters by their ids, or --queue.")
    wanted = len(set(identities))
    with exits.told():
        count = sum(_counts(action, identities, queue))
        click.echo(json.dumps({"action": action, "count": count}))
        if count < wanted:
            exits.fail(f"{wanted - count} of {wanted} are no dead letters any more, or never were.", Exit.ERROR)


def _counts(action: str, identities: tuple[Any, ...], queue: str | None) -> Iterator[int]:
    client = _client()
    if queue is None:
        for start in range(0, len(identities), AT_ONCE):
            chosen = [str(each) for each in identities[start : start + AT_ONCE]]
            yield int(client.act_on_dead_letters({"action": action, "ids": chosen})["count"])
        return
    # Those that die again meanwhile are left for the next time.
    done, there = 0, 1
    while done < there:
        answer = client.act_on_dead_letters({"action": action, "queue": queue})
        if not done:
            there = answer["count"] + answer["remaining"]
        done += answer["count"]
        yield int(answer["count"])
        if not answer["count"]:
            return


def _client() -> Client:
    url = url_of(os.environ)
    return Client(url, key_of(os.environ, url))


def _line(letter: dict[str, Any]) -> str:
    what = letter["message"] or "?"
    return (
        f"{letter['id']}  {letter['died_at'] or '?':<27}  {letter['queue']:<17}  {what:<20}  {letter['reason']:<12}"
        f"  {letter['detail']}"
    )


def _story(letter: dict[str, Any]) -> Iterable[str]:
    yield f"{letter['message'] or 'A message without a name'} (version {letter['version']}), died in {letter['queue']}"
    yield f"{letter['reason']}: {letter['detail']}"
    yield ""
    names = ("id", "message_id", "died_at", "worker", "deliveries", "replays", "request_id", "trace_id", "content_type")
    yield from (f"{name:<13} {letter[name]}" for name in names if letter[name] not in (None, ""))
    for heading in ("traceback", "body"):
        if letter[heading]:
            yield ""
            yield from letter[heading].splitlines()
