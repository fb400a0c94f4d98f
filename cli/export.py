"""`pranala export`: a job's results in another form."""

from __future__ import annotations

import os
import sys

import click

from cli import exits
from cli.client import Client, key_of, url_of
from cli.exits import ENVIRONMENT
from cli.row import PROBLEMS

FORMS = {
    "jsonl": "application/x-ndjson",
    "csv": "text/csv",
    "junit": "application/xml",
    "sarif": "application/sarif+json",
    "markdown": "text/markdown",
}


@click.command(epilog=ENVIRONMENT)
@click.argument("job", type=click.UUID)
@click.option("--format", "form", type=click.Choice(list(FORMS)), default="jsonl", show_default=True)
@click.option("--verdict", type=click.Choice([each for each in (*PROBLEMS, "ok") if each != "rejected"]))
def export(job: object, form: str, verdict: str | None) -> None:
    """Write all results of JOB to standard output."""
    with exits.told():
        url = url_of(os.environ)
        client = Client(url, key_of(os.environ, url))
        for chunk in client.export(str(job), FORMS[form], **({"verdict": verdict} if verdict else {})):
            sys.stdout.buffer.write(chunk)
        sys.stdout.buffer.flush()
