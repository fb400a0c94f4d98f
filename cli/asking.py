"""How links are asked for, as options of a command: what of it goes to the server with each link."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import click


def _headers(_context: click.Context, _option: click.Parameter, texts: Sequence[str]) -> dict[str, str]:
    """`Name: value`, or `Name=@FILE`, whose first line is the value."""
    return dict(_header(text) for text in texts)


def _header(text: str) -> tuple[str, str]:
    name, colon, value = text.partition(":")
    if not colon or not name.strip():
        raise click.BadParameter(f"{name!r} has no value: write NAME: VALUE, or NAME: @FILE.")
    value = value.strip()
    if not value.startswith("@"):
        return name.strip(), value
    try:
        with open(value[1:], encoding="utf-8") as file:
            return name.strip(), file.readline().strip()
    except (OSError, UnicodeDecodeError) as error:
        raise click.BadParameter(f"{value[1:]} cannot be read: {error}") from error


def _statuses(_context: click.Context, _option: click.Parameter, texts: Sequence[str]) -> dict[str, str]:
    return {status.strip(): "ok" for text in texts for status in text.split(",") if status.strip()}


_OPTIONS = (
    click.option(
        "--header",
        "request_headers",
        multiple=True,
        metavar="NAME:VALUE",
        callback=_headers,
        help="Sent to each link's own host; VALUE may be @FILE, for what others must not see.",
    ),
    click.option("--accept", "verdicts", multiple=True, metavar="STATUS", callback=_statuses, help="Fine: 403 or 4xx."),
    click.option("--method", type=click.Choice(["HEAD", "GET"]), help="Ask by this, and by nothing else."),
    click.option("--user-agent", metavar="TEXT", help="What the checker calls itself."),
    click.option(
        "--link-timeout", "link_timeout_s", type=click.FloatRange(0, 120, min_open=True), help="Seconds a link."
    ),
    click.option("--robots/--no-robots", default=None, help="Leave alone what robots.txt disallows, or do not."),
)
# By what the command calls them: `timeout_s` is how long it waits itself.
NAMES = {
    "request_headers": "request_headers",
    "verdicts": "verdicts",
    "method": "method",
    "user_agent": "user_agent",
    "link_timeout_s": "timeout_s",
    "robots": "robots",
}


def asked(command: Any) -> Any:
    """Give a command these options."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


def options_of(given: Mapping[str, Any]) -> dict[str, Any]:
    """The options of each link as the API takes them; none where nothing was said."""
    return {name: value for own, name in NAMES.items() if (value := given[own]) not in (None, {}, ())}
