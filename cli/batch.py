"""`pranala batch`: submit a file of links and go, without waiting for what comes of it."""

from __future__ import annotations

import json
import os
import sys
import tempfile
from pathlib import Path
from shutil import copyfileobj
from typing import IO

import click

from cli import exits
from cli.client import Client, key_of, url_of
from cli.exits import ENVIRONMENT

KINDS = {
    ".txt": "text/plain",
    ".csv": "text/csv",
    ".json": "application/json",
    ".jsonl": "application/x-ndjson",
    ".ndjson": "application/x-ndjson",
    ".md": "text/markdown",
    ".html": "text/html",
    ".opml": "text/x-opml",
}


@click.command(epilog=ENVIRONMENT)
@click.argument("file", type=click.File("rb"))
@click.option("--type", "kind", help="The file's media type, where its suffix does not say it. [text/plain]")
@click.option("--dry-run", is_flag=True, help="Accept nothing; say what would be new, known and rejected.")
@click.option("--keep/--no-keep", default=True, show_default=True, help="Keep the links alive from now on.")
def batch(file: IO[bytes], kind: str | None, dry_run: bool, keep: bool) -> None:
    """Submit the links of FILE (- is standard input) and print what came of it as JSON."""
    # Not every standard input has a name.
    suffix = Path(getattr(file, "name", "")).suffix.lower()
    media_type = kind or KINDS.get(suffix, "text/plain")
    wanted = {"dry_run": str(dry_run).lower(), "keep": str(keep).lower()}
    with exits.told(), tempfile.TemporaryFile() as lines:
        # Standard input cannot be sent twice, and asking again after a lost answer must be possible.
        copyfileobj(file, lines)
        url = url_of(os.environ)
        answer = Client(url, key_of(os.environ, url)).submit(lines, media_type, **wanted)
    json.dump(answer, sys.stdout, indent=2, ensure_ascii=False)
    sys.stdout.write("\n")
