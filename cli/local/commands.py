"""The commands that run the product on this machine."""

import os
import sys

import click

from cli.local import up as launcher
from cli.local.child import die_with_parent as follow_parent
from cli.local.data import DataDir
from cli.local.doctor import Health, examine
from cli.local.errors import LocalError
from cli.local.rolling import Rolling

MARKS = {Health.GOOD: ("ok     ", "green"), Health.DOUBTFUL: ("note   ", "yellow"), Health.BAD: ("problem", "red")}


@click.command()
@click.option("--demo", is_flag=True, help="Check the demo site, then stop; status 0 if all verdicts are right.")
@click.option("--die-with-parent", is_flag=True, hidden=True, help="Stop when the process that started this ends.")
def up(demo: bool, die_with_parent: bool) -> None:
    """Run everything on this machine, in the foreground; Ctrl-C stops it.

    Settings come from the environment, among them PRANALA_DATA_DIR, PRANALA_PORT and PRANALA_BIND. A server whose URL
    is given (PRANALA_BROKER_URL, PRANALA_REDIS_URL, PRANALA_POSTGRES_URL) is used instead of a private one.
    """
    if die_with_parent:
        follow_parent("TERM", os.getppid())
    try:
        right = launcher.run(os.environ, demo)
    except LocalError as error:
        raise click.ClickException(str(error)) from error
    if not right:
        raise click.ClickException("the demo site's links were not judged as they should be.")


@click.command()
@click.argument("names", nargs=-1)
def restart(names: tuple[str, ...]) -> None:
    """Restart what `pranala up` runs, one process after another, without refusing or losing anything.

    For new code: it brings the databases to the newest schema first. NAMES restarts only those processes. The
    environment stays that of `pranala up`.
    """
    data = DataDir.from_environment(os.environ)
    if data.holder() is None:
        raise click.ClickException(f"Pranala does not run on {data.root}; `pranala up` starts it.")
    try:
        Rolling(data, lambda words: click.echo(words, err=True)).restart(names)
    except LocalError as error:
        raise click.ClickException(str(error)) from error
    click.echo("restarted.", err=True)


@click.command()
def doctor() -> None:
    """Say what would keep the product from running here, or keeps it from working now, and what to do."""
    findings = examine(os.environ)
    for finding in findings:
        word, colour = MARKS[finding.health]
        click.echo(f"{click.style(word, fg=colour)}  {finding.subject}: {finding.words}")
        if finding.advice:
            click.echo(f"         → {finding.advice}")
    sys.exit(1 if any(finding.health is Health.BAD for finding in findings) else 0)
