"""What a person sees when everything runs: where it is, what was chosen, what to try first."""

import os
import shlex
import sys
from collections.abc import Iterable
from pathlib import Path

from rich.console import Console
from rich.table import Table

from cli.local.demo import Site
from cli.local.job import Result
from cli.local.product import Product

# Where `pranala check` looks by itself.
DEFAULT_URL = "http://127.0.0.1:8080"
DEFAULT_KEY = ".pranala/admin.key"
COLOURS = {"ok": "green", "degraded": "yellow", "broken": "red", "inconclusive": "magenta", "skipped": "cyan"}


def print_results(console: Console, results: Iterable[Result]) -> None:
    table = Table("URL", "verdict", "reason", title="The demo site, checked through the API", title_justify="left")
    for result in results:
        colour = COLOURS.get(result.verdict, "white")
        table.add_row(result.url, f"[{colour}]{result.verdict}[/]", result.reason)
    console.print(table)


def banner(product: Product, site: Site, new_key: str | None) -> str:
    """The text; `new_key` is shown on the run that made it and never again."""
    data = product.backing.local.data
    origins = product.backing.origins
    key = f"{new_key}  (shown only now; kept in {data.admin_key})" if new_key else f"in {data.admin_key}"
    rows = {
        "API": f"{product.url}/api/v1",
        "documentation": f"{product.url}/docs",
        "demo site": site.home,
        "admin key": key,
        "data": str(data.root),
        "logs": str(data.log),
        "broker": origins["broker"],
        "Redis": origins["redis"],
        "databases": origins["databases"],
    }
    lines = [f"  {name:<14} {value}" for name, value in rows.items()]
    warnings = [f"\n!! {warning}" for warning in product.backing.warnings]
    return "\n".join(["", "Pranala is ready.", "", *lines, *warnings, "", "Try:", *_commands(product, site), ""])


def _commands(product: Product, site: Site) -> list[str]:
    key = _near(product.backing.local.data.admin_key)
    pranala = _near(Path(sys.executable).with_name("pranala"))
    url = "" if product.url == DEFAULT_URL else f"PRANALA_URL={product.url} "
    token = "" if key == DEFAULT_KEY else f"PRANALA_TOKEN_FILE={key} "
    return [
        f'  curl -H "Authorization: Bearer $(cat {key})" {product.url}/api/v1/links',
        f"  {url}{token}{pranala} check {site.home}fine {site.home}gone",
    ]


def _near(path: Path) -> str:
    """The path as one would type it here, quoted for a shell."""
    here = Path.cwd()
    return shlex.quote(os.path.relpath(path, here) if path.is_relative_to(here) else str(path))
