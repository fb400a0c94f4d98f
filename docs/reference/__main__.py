"""Writes docs/reference/settings.md from the settings' own fields, and verdicts.md: `python -m docs.reference`."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

from config import settings
from docs.reference import verdicts

PAGE = Path(__file__).with_name("settings.md")

INTRODUCTION = """\
# Settings

<!-- Written by `make docs` from config/settings.py and docs/reference/__main__.py; do not edit. -->

Settings come from the environment and nowhere else. Each process reads those it needs once, when it starts; one that is
missing or malformed stops it with the setting's name. An empty value is the same as none.

The settings of the processes, down to "RPC servers", can be read from a file instead: `<NAME>_FILE` holds the file's
path. Use that for secrets. Where both are set, the value wins.

`<SERVICE>` stands for INTAKE, LINKS, NOTIFICATIONS, AUDIT or ACCOUNTS. Lists are separated by commas. Names that end in
`_S` are seconds, in `_MS` milliseconds.
"""
TITLES = {
    settings.Logging: "Every process",
    settings.Metrics: "Workers and relays, for Prometheus",
    settings.Broker: "What speaks to the broker: workers, relays, the beat, the monitor's RPC server",
    settings.Worker: "Every worker",
    settings.Database: "What opens a database",
    settings.Web: "web",
    settings.Intake: "intake (and web, which writes to it)",
    settings.Links: "links",
    settings.LinksKey: "links and its RPC server",
    settings.Notifications: "notifications",
    settings.Beat: "beat",
    settings.Relaying: "relays, and intake's worker",
    settings.Rpc: "RPC servers",
}
# Read elsewhere than in config/settings.py.
OTHERS = {
    "Workers, for probes": (
        ("PRANALA_HEARTBEAT_DIR", "none", "folder for a worker's signs of life, `<name>.ready` and `<name>.beat`"),
    ),
    "Every process, in tests only": (
        (
            "PRANALA_FAILPOINTS_DIR",
            "none",
            "a folder in which a test can arm failpoints, at which a process dies, stops or waits",
        ),
    ),
    "`make up` and `pranala up`": (
        ("PRANALA_DATA_DIR", ".pranala", "where everything is kept"),
        ("PRANALA_POSTGRES_URL", "a private server", "a superuser's URL: roles and databases are made there"),
        (
            "PRANALA_REDIS_URL",
            "a private server",
            "of a Redis or Valkey: keeps the limits by host, and is the broker where there is no RabbitMQ",
        ),
        ("PRANALA_LOCAL_SKIP", "none", "where not to look for servers: found, wheel, apt, userns"),
    ),
    "The `pranala` command as a client": (
        ("PRANALA_URL", "http://127.0.0.1:8080", "the API's address"),
        ("PRANALA_TOKEN", "none", "the API key; the admin's key of a server on this machine is found without it"),
        ("PRANALA_TOKEN_FILE", "none", "a file with the API key"),
    ),
    "docker-compose.yml": (
        ("PRANALA_SECRETS", "required", "the folder of secrets that `deploy/make-env` made"),
        ("PRANALA_HTTPS_PORT", "443", "the gateway's port"),
        ("PRANALA_HTTP_PORT", "80", "where plain HTTP is sent on to HTTPS at port 443"),
        ("PRANALA_IMAGE", "pranala:0.1.0", "our image"),
        ("PRANALA_BASE_IMAGE", "python:3.13-slim", "what our image is built on"),
        ("PRANALA_NGINX_IMAGE", "nginx:1.30-alpine", "the gateway's image; 1.27.3 or newer"),
        ("PRANALA_POSTGRES_IMAGE", "postgres:18", "PostgreSQL's image"),
        ("PRANALA_RABBITMQ_IMAGE", "rabbitmq:4.2-management", "RabbitMQ's image"),
        ("PRANALA_VALKEY_IMAGE", "valkey/valkey:9.1-alpine", "Valkey's image"),
    ),
}


def page() -> str:
    """The whole page."""
    sections = [INTRODUCTION]
    for cls in settings.ALL:
        rows = [_row(field) for field in dataclasses.fields(cls)]
        sections.append(_section(TITLES[cls], rows))
    sections += [_section(title, list(rows)) for title, rows in OTHERS.items()]
    return "\n".join(sections)


def _section(title: str, rows: list[tuple[str, str, str]]) -> str:
    head = f"## {title}\n\n| setting | default | what |\n|---|---|---|\n"
    return head + "".join(f"| `{name}` | {_quoted(default)} | {what} |\n" for name, default, what in rows)


def _row(field: dataclasses.Field[Any]) -> tuple[str, str, str]:
    name = field.metadata["env"].replace("{service}", "<SERVICE>")
    return name, _default(field.default), field.metadata["doc"]


def _default(value: Any) -> str:
    if value is dataclasses.MISSING:
        return "required"
    if isinstance(value, tuple):
        return ",".join(_default(each) for each in value) or "none"
    if isinstance(value, bool):
        return "on" if value else "off"
    if isinstance(value, float):
        return f"{value:g}"
    return str(value) or "none"


def _quoted(default: str) -> str:
    return default if default in ("required", "none") or default.startswith("a ") else f"`{default}`"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
    verdicts.PAGE.write_text(verdicts.page(), encoding="utf-8")
