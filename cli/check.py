"""`pranala check`: find the links of documents, check them, print the problems; the verb for scripts and CI."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO, Any

import click

from cli import baseline, exits, jobs, local_files, pages, patterns, sources
from cli.asking import asked, options_of
from cli.client import Client, key_of, url_of
from cli.documents.kinds import READERS
from cli.exits import ENVIRONMENT, STATUSES, Exit, fail, say
from cli.formats import FORMATS
from cli.gathering import Gathering
from cli.patterns import Patterns
from cli.report import Report, summary
from cli.row import FAILING, Row, of_finding, of_rejected, of_result
from cli.sources import NoSuchSource, Reading


@dataclass(frozen=True)
class Wish:
    """How the links are checked and what is shown of it."""

    everything: bool
    keep: bool
    timeout_s: float
    fail_on: str
    suffixes: tuple[str, ...]
    asking: dict[str, Any]


def _pattern(_context: click.Context, _option: click.Parameter, texts: Sequence[str]) -> list[Any]:
    return [_judged(patterns.compiled, text) for text in texts]


def _base(_context: click.Context, _option: click.Parameter, url: str) -> str:
    return _judged(sources.base_of, url) if url else ""


def _judged(judge: Callable[[str], Any], text: str) -> Any:
    try:
        return judge(text)
    except ValueError as error:
        raise click.BadParameter(str(error)) from error


FILE = click.Path(dir_okay=False, path_type=Path)
TEXT = click.File("r", encoding="utf-8")


@click.command(epilog=f"{STATUSES}\n{ENVIRONMENT}")
@click.argument("arguments", nargs=-1, metavar="[URL | FILE | DIRECTORY | GLOB | -]...")
@click.option("-f", "--file", "lists", multiple=True, type=click.File("rb"), help="A list: a URL a line.")
@click.option("--page", "page_urls", multiple=True, metavar="URL", help="What the page at URL refers to.")
@click.option("--sitemap", "sitemaps", multiple=True, metavar="URL", help="Every page of a sitemap, index or not.")
@click.option(
    "--as", "kind", type=click.Choice(list(READERS)), help="What - and files with no known suffix are. [- is a list]"
)
@click.option("--base-url", metavar="URL", callback=_base, help="Resolve relative links here, not as files.")
@click.option("--root-dir", type=click.Path(file_okay=False, path_type=Path), help="Where /links begin. [here]")
@click.option("--fallback-suffix", "suffixes", multiple=True, metavar=".SUFFIX", help="Tried on files not there.")
@click.option("--include-code", is_flag=True, help="URLs in examples of code, too.")
@click.option("--include-mail", is_flag=True, help="mailto: links, too.")
@click.option("--include", "includes", multiple=True, metavar="REGEX", callback=_pattern, help="Outweighs --exclude.")
@click.option("--exclude", "excludes", multiple=True, metavar="REGEX", callback=_pattern, help="Links to leave out.")
@click.option("--exclude-file", "exclude_files", multiple=True, type=TEXT, help="Such patterns, one a line.")
@click.option("--exclude-path", "excluded_paths", multiple=True, metavar="REGEX", callback=_pattern)
@click.option("--baseline", "baseline_path", type=FILE, help="Problems in FILE are known and no failure.")
@click.option("--write-baseline", is_flag=True, help="Write the problems of this run to the --baseline file.")
@click.option("--new-only", is_flag=True, help="Do not print what is known.")
@click.option("--fail-on", type=click.Choice([*FAILING]), default="broken", show_default=True, help="… or worse.")
@click.option("--all", "everything", is_flag=True, help="Print every link, not the problems only.")
@click.option("--format", "format_", type=click.Choice(list(FORMATS)), default="table", show_default=True)
@click.option("-o", "--output", type=FILE, help="Write the report to FILE, and a table to standard output.")
@click.option("--keep", is_flag=True, help="Register the links, to be kept alive from now on.")
@click.option(
    "--timeout", "timeout_s", type=click.FloatRange(min=0), default=600, show_default=True, help="Seconds to wait."
)
@asked
@click.option("--dump", is_flag=True, help="Print the links that would be checked, and check none.")
def check(arguments: tuple[str, ...], lists: tuple[IO[bytes], ...], **options: Any) -> None:
    """Check links now and print the problems.

    Documents (Markdown, HTML, reStructuredText, plain text) are read for their links; a directory stands for all
    documents below it that git does not ignore. Relative links are looked for as files. A URL is checked itself.
    A file given by -f, and standard input (-), are lists: a URL a line, where lines that begin with # are passed over.
    """
    if (options["write_baseline"] or options["new_only"]) and not options["baseline_path"]:
        raise click.UsageError("Name the file with --baseline.")
    gathering = Gathering(_patterns(options))
    with exits.told():
        gather(gathering, arguments, lists, options)
        if options["dump"]:
            click.echo("".join(f"{url}\n" for url in gathering.links), nl=False)
            return
        began = time.monotonic()
        found = _marked(run(gathering, _wish(options)), options)
        say(summary(found, time.monotonic() - began))
        _write(found, options)
    sys.exit(Exit.BROKEN if found.failed else Exit.FINE)


def gather(gathering: Gathering, arguments: Sequence[str], lists: Sequence[IO[bytes]], options: dict[str, Any]) -> None:
    """Take all links of all sources, in the order in which they were given."""
    reading = _reading(options)
    if not (arguments or lists or options["page_urls"] or options["sitemaps"]):
        raise click.UsageError("Give URLs, documents or directories, -f FILE, --page, --sitemap, or - for a list.")
    if any("\n" in argument for argument in arguments):
        raise click.UsageError("An argument contains a line break.")
    for number, argument in enumerate(arguments, 1):
        if argument == "-":
            _read_standard_input(gathering, reading)
        elif sources.is_url(argument):
            gathering.add_link(argument, f"argument {number}")
        else:
            _read_documents(gathering, argument, reading, options["excluded_paths"])
    for listed in lists:
        sources.read_list(gathering, listed, listed.name)
    _read_web(gathering, reading, options)


def run(gathering: Gathering, wish: Wish) -> Report:
    """Look at the files, have the links checked, and bring it together."""
    deadline = time.monotonic() + wish.timeout_s
    rows = [of_finding(local_files.look(each, wish.suffixes), places) for each, places in gathering.files.items()]
    found = Report(rows, repeated=gathering.repeated, excluded=gathering.excluded, fail_on=wish.fail_on)
    if gathering.links:
        found = _with_links(found, gathering, wish, deadline)
    return found


def _with_links(found: Report, gathering: Gathering, wish: Wish, deadline: float) -> Report:
    address = url_of(os.environ)
    client = Client(address, key_of(os.environ, address))
    submitted = jobs.submit(client, gathering.links, wish.keep, wish.asking)
    rows = [*found.rows, *_rejected(submitted, gathering)]
    found = replace(found, rows=rows, unnamed=submitted["rejected_count"] - len(submitted["rejected"]))
    if not submitted.get("job_id"):
        return found
    with jobs.cancelled_when_left(client, submitted["job_id"]):
        job = jobs.wait(client, submitted, deadline)
    results = jobs.fetch(client, job, wish.everything)
    rows += [of_result(result, gathering.places(result["url"])) for result in results]
    fine = 0 if wish.everything else job["verdicts"].get("ok", 0)
    return replace(found, rows=rows, job=job, fine=fine)


def _rejected(submitted: Any, gathering: Gathering) -> list[Row]:
    urls = list(gathering.links)
    lines = [(line, urls[line["line"] - 1]) for line in submitted["rejected"]]
    return [of_rejected(line, url, gathering.places(url)) for line, url in lines]


def _read_standard_input(gathering: Gathering, reading: Reading) -> None:
    if not reading.kind:
        sources.read_list(gathering, sys.stdin.buffer, "standard input")
        return
    content = sys.stdin.buffer.read().decode("utf-8-sig", "replace")
    sources.read_text(gathering, content, "standard input", reading)


def _read_documents(gathering: Gathering, argument: str, reading: Reading, excluded: Sequence[Any]) -> None:
    try:
        paths = sources.files_of(argument, reading.kind)
    except NoSuchSource as error:
        raise click.UsageError(str(error)) from error
    for path in paths:
        if not any(pattern.search(path.as_posix()) for pattern in excluded):
            sources.read_file(gathering, path, reading)


def _read_web(gathering: Gathering, reading: Reading, options: dict[str, Any]) -> None:
    try:
        for url in options["page_urls"]:
            text, final_url = pages.fetch(url)
            sources.read_text(gathering, text, url, replace(reading, kind="html", base_url=final_url))
        for url in options["sitemaps"]:
            for sitemap, reference in pages.sitemap(url):
                gathering.add_link(reference.target, f"{sitemap}:{reference.line}")
    except pages.Unreadable as error:
        fail(str(error), Exit.ERROR)


def _marked(found: Report, options: dict[str, Any]) -> Report:
    """The report with what is known marked; what is written down now is known from now on."""
    path = options["baseline_path"]
    if path is None:
        return found
    if options["write_baseline"]:
        baseline.write(path, found.rows)
    try:
        return found.marked(baseline.read(path))
    except baseline.Unreadable as error:
        fail(str(error), Exit.ERROR)


def _write(found: Report, options: dict[str, Any]) -> None:
    rows = found.wanted(options["everything"], options["new_only"])
    if not options["output"]:
        FORMATS[options["format_"]](found, rows, sys.stdout)
        return
    with options["output"].open("w", encoding="utf-8", newline="") as file:
        FORMATS[options["format_"]](found, rows, file)
    FORMATS["table"](found, rows, sys.stdout)


def _patterns(options: dict[str, Any]) -> Patterns:
    listed = [_judged(patterns.of_lines, file) for file in options["exclude_files"]]
    return Patterns(options["includes"], [*options["excludes"], *(each for group in listed for each in group)])


def _reading(options: dict[str, Any]) -> Reading:
    return Reading(
        kind=options["kind"] or "",
        base_url=options["base_url"],
        root=options["root_dir"] or Path(),
        verbatim=options["include_code"],
        mail=options["include_mail"],
    )


def _wish(options: dict[str, Any]) -> Wish:
    return Wish(
        everything=options["everything"],
        keep=options["keep"],
        timeout_s=options["timeout_s"],
        fail_on=options["fail_on"],
        suffixes=options["suffixes"],
        asking=options_of(options),
    )
