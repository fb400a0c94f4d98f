"""`pranala check`: submit links, wait, print the problems; the verb for scripts and CI."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from enum import IntEnum
from typing import IO, Any, NoReturn

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from cli import report
from cli.client import Client, ClientError, NotAllowedError, RefusedError, key_of, url_of

PROBLEMS = ("broken", "degraded", "inconclusive", "skipped")
FIRST_POLL_S, LONGEST_POLL_S = 0.2, 2.0
EPILOG = """\b
Exit status:
  0    every link is fine, or merely wants attention
  1    an error: the server cannot be reached or failed
  2    the command was not understood
  3    a link is broken, or a line is no link
  4    the key is missing or may not do this
  5    the links were not all checked within --timeout
  130  interrupted

\b
Environment:
  PRANALA_URL       the server (default http://127.0.0.1:8080)
  PRANALA_TOKEN     the API key; PRANALA_TOKEN_FILE names a file with it
  PRANALA_DATA_DIR  where `pranala up` keeps admin.key (default .pranala)
"""


class Exit(IntEnum):
    """The exit status, as promised in the epilog."""

    FINE = 0
    ERROR = 1
    BROKEN = 3
    NOT_ALLOWED = 4
    TIMEOUT = 5
    INTERRUPTED = 130


class TooLongError(Exception):
    """The job was not finished in time."""


@dataclass
class Lines:
    """All that is to be checked, a URL a line, and where each line came from."""

    file: IO[bytes]
    count: int = 0
    sources: list[tuple[int, str]] = field(default_factory=list)

    def add(self, name: str, content: IO[bytes]) -> None:
        """Take the lines of a file."""
        self.sources.append((self.count, name))
        start = self.file.tell()
        shutil.copyfileobj(content, self.file)
        self._end(start)

    def add_urls(self, urls: Sequence[str]) -> None:
        """Take the arguments, a line each."""
        self.sources.append((self.count, "argument"))
        self.file.write("".join(f"{url}\n" for url in urls).encode())
        self.count += len(urls)

    def source_of(self, line: int) -> str:
        """`links.txt:3` for the line of this number, counted over all sources from 1."""
        start, name = max(source for source in self.sources if source[0] < line)
        return f"{name}:{line - start}" if name != "argument" else f"argument {line - start}"

    def _end(self, start: int) -> None:
        """End the last line and count what was written since `start`."""
        self.file.seek(start)
        last = b"\n"
        while chunk := self.file.read(1 << 20):
            self.count += chunk.count(b"\n")
            last = chunk[-1:]
        if last != b"\n":
            self.file.write(b"\n")
            self.count += 1


@click.command(epilog=EPILOG)
@click.argument("urls", nargs=-1, metavar="[URL]... [-]")
@click.option("-f", "--file", "files", multiple=True, type=click.File("rb"), help="Check the URLs in FILE, one a line.")
@click.option("--all", "everything", is_flag=True, help="Print every link, not the problems only.")
@click.option("--format", "format_", type=click.Choice(list(report.FORMATS)), default="table", show_default=True)
@click.option(
    "--timeout", "timeout_s", type=click.FloatRange(min=0), default=600, show_default=True, help="Seconds to wait."
)
def check(
    urls: tuple[str, ...], files: tuple[IO[bytes], ...], everything: bool, format_: str, timeout_s: float
) -> None:
    """Check links now, print the problems, and keep the links alive from now on.

    Give URLs, files of them, or - for standard input. Empty lines and lines that begin with # are passed over.
    """
    with tempfile.TemporaryFile() as file:
        lines = gather(Lines(file), urls, files)
        try:
            found = run(lines, everything, timeout_s)
        except KeyboardInterrupt:
            fail("Interrupted. What was submitted is checked all the same.", Exit.INTERRUPTED)
        except TooLongError as error:
            fail(str(error), Exit.TIMEOUT)
        except NotAllowedError as error:
            fail(str(error), Exit.NOT_ALLOWED)
        except ClientError as error:
            fail(str(error), Exit.ERROR)
    report.write(found, format_, sys.stdout)
    sys.exit(Exit.BROKEN if found.failed else Exit.FINE)


def gather(lines: Lines, urls: Sequence[str], files: Iterable[IO[bytes]]) -> Lines:
    """All lines of all sources, in the order in which they were given."""
    given = [url for url in urls if url != "-"]
    if any("\n" in url for url in given):
        raise click.UsageError("A URL contains a line break.")
    if given:
        lines.add_urls(given)
    for file in files:
        lines.add(file.name, file)
    if "-" in urls:
        lines.add("standard input", sys.stdin.buffer)
    if not lines.sources:
        raise click.UsageError("Give URLs, -f FILE, or - for standard input.")
    return lines


def run(lines: Lines, everything: bool, timeout_s: float) -> report.Report:
    """Submit, wait, and fetch what is to be shown. Raises `ClientError` or `TooLongError`."""
    began = time.monotonic()
    url = url_of(os.environ)
    client = Client(url, key_of(os.environ, url))
    submitted = submit(client, lines)
    job: dict[str, Any] = {}
    results: list[Any] = []
    if submitted.get("job_id"):
        job = wait(client, submitted, began + timeout_s)
        results = fetch(client, job, everything)
    rejected = [{**line, "source": lines.source_of(line["line"])} for line in submitted["rejected"]]
    found = report.Report(job, results, rejected, submitted["rejected_count"], submitted.get("duplicates", 0))
    say(report.summary(found, time.monotonic() - began))
    return found


def submit(client: Client, lines: Lines) -> Any:
    """The server's answer; where no line is a link, the lines that it rejected."""
    try:
        return client.submit(lines.file)
    except RefusedError as error:
        if not error.problem.get("rejected"):
            raise
        return error.problem


def wait(client: Client, submitted: Any, deadline: float) -> Any:
    """The finished job. Looks often at first, then less and less."""
    pause_s = FIRST_POLL_S
    with progress() as bar:
        task = bar.add_task("Checking", total=submitted["accepted"])
        while True:
            job = client.job(submitted["job_id"])
            bar.update(task, completed=job["done"])
            if job["state"] in ("finished", "cancelled"):
                return job
            if time.monotonic() + pause_s > deadline:
                raise TooLongError(
                    f"Not finished in time: {job['done']:,} of {job['total']:,} links are checked. The rest goes on; "
                    f"see GET /api/v1/jobs/{submitted['job_id']}."
                )
            time.sleep(pause_s)
            pause_s = min(pause_s * 1.5, LONGEST_POLL_S)


def fetch(client: Client, job: Any, everything: bool) -> list[Any]:
    """All results, or those of the verdicts that are problems and occur."""
    if everything:
        return list(client.results(job["id"]))
    wanted = [verdict for verdict in PROBLEMS if job["verdicts"].get(verdict)]
    return [result for verdict in wanted for result in client.results(job["id"], verdict)]


def progress() -> Progress:
    """A bar on standard error, for people only."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    console = Console(stderr=True)
    return Progress(*columns, console=console, transient=True, disable=not console.is_terminal)


def say(text: str) -> None:
    """Words for the person, beside the data."""
    click.echo(text, err=True)


def fail(text: str, status: Exit) -> NoReturn:
    """End with words and a status."""
    say(text)
    sys.exit(status)
