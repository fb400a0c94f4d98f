"""A job as a command sees it: submitted, waited for, and cancelled when nobody waits any more."""

from __future__ import annotations

import io
import json
import sys
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from types import MappingProxyType
from typing import Any

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from cli.client import Client, ClientError, RefusedError
from cli.row import PROBLEMS

FIRST_POLL_S, LONGEST_POLL_S = 0.2, 2.0
# In a log, where no bar can move.
WORD_EVERY_S = 10.0
ENDED = ("finished", "cancelled")


class TooLongError(Exception):
    """The job was not finished in time."""


def submit(client: Client, urls: Iterable[str], keep: bool, options: Mapping[str, Any] = MappingProxyType({})) -> Any:
    """The server's answer; where no line is a link, the lines that it rejected."""
    lines = io.BytesIO("".join(f"{json.dumps(_line(url, options))}\n" for url in urls).encode())
    try:
        return client.submit(lines, "application/x-ndjson", keep="true" if keep else "false")
    except RefusedError as error:
        rejected = error.problem.get("rejected")
        if not rejected:
            raise
        if rejected[0]["reason"].startswith("options"):
            # They are the same for all, so it is not the links that are at fault.
            raise ClientError(f"The links cannot be checked so: {rejected[0]['reason']}") from error
        return error.problem


def _line(url: str, options: Mapping[str, Any]) -> Any:
    """Whoever hands in a mailto link wants it judged, whatever the server does of its own accord."""
    own = {**options, "mailto": True} if url[:7].lower() == "mailto:" else dict(options)
    return {"url": url, "options": own} if own else url


@contextmanager
def cancelled_when_left(client: Client, job_id: str) -> Iterator[None]:
    """Cancel the job where the command ends before it does."""
    try:
        yield
    except BaseException:
        with suppress(ClientError, KeyboardInterrupt):
            client.cancel(job_id)
        raise


def wait(client: Client, submitted: Any, deadline: float) -> Any:
    """The job when it has ended. Looks often at first, then less and less."""
    pause_s = FIRST_POLL_S
    with progress(submitted["accepted"]) as advance:
        while True:
            job = client.job(submitted["job_id"])
            advance(job["done"])
            if job["state"] in ENDED:
                return job
            if time.monotonic() + pause_s > deadline:
                raise TooLongError(
                    f"Not finished in time: {job['done']:,} of {job['total']:,} links are checked; see GET /api/v1"
                    f"/jobs/{submitted['job_id']}."
                )
            time.sleep(pause_s)
            pause_s = min(pause_s * 1.5, LONGEST_POLL_S)


def fetch(client: Client, job: Any, everything: bool) -> list[Any]:
    """All results, or those of the verdicts that are problems and occur."""
    if everything:
        return list(client.results(job["id"]))
    wanted = [verdict for verdict in PROBLEMS if job["verdicts"].get(verdict)]
    return [result for verdict in wanted for result in client.results(job["id"], verdict)]


@contextmanager
def progress(total: int) -> Iterator[Any]:
    """Call with how many are done: a bar on standard error for people, a line now and then for a log."""
    console = Console(stderr=True)
    if not console.is_terminal:
        yield _Words(total)
        return
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task("Checking", total=total)
        yield lambda done: bar.update(task, completed=done)


class _Words:
    def __init__(self, total: int) -> None:
        self._total = total
        self._next_at = time.monotonic() + WORD_EVERY_S

    def __call__(self, done: int) -> None:
        if time.monotonic() >= self._next_at:
            self._next_at = time.monotonic() + WORD_EVERY_S
            click.echo(f"{done:,} of {self._total:,} links are checked", file=sys.stderr)
