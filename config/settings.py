"""Settings from the environment, read once into frozen dataclasses at each entry point.

Every setting is a dataclass field made by `setting`, which holds its environment name, its reader and the words of its
documentation; `docs/reference/settings.md` is generated from the same fields.
"""

from __future__ import annotations

import base64
import binascii
import dataclasses
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

# Named where a secret cannot be opened, too.
LINKS_KEY, NOTIFICATIONS_KEY = "PRANALA_LINKS_KEY", "PRANALA_NOTIFICATIONS_KEY"

SERVICES = ("intake", "links", "notifications", "audit", "accounts")

Network = IPv4Network | IPv6Network
S = TypeVar("S")


class SettingsError(Exception):
    """A setting is missing or malformed. The message names it and says what it should hold."""


def networks(text: str) -> tuple[Network, ...]:
    """`127.0.0.0/8, fd00::/8` as networks."""
    return tuple(ip_network(part.strip()) for part in text.split(",") if part.strip())


def seconds_list(text: str) -> tuple[float, ...]:
    """`60,300,900` as seconds."""
    return tuple(float(part) for part in text.split(",") if part.strip())


def ascending_seconds(text: str) -> tuple[float, ...]:
    """The same, each later than the one before and the first later than now."""
    seconds = seconds_list(text)
    if any(later <= sooner for sooner, later in zip((0.0, *seconds), seconds, strict=False)):
        raise ValueError("expected positive numbers of seconds, each larger than the one before")
    return seconds


def positive(text: str) -> int:
    """A whole number from 1 on."""
    if (number := int(text)) < 1:
        raise ValueError("expected a number from 1 on")
    return number


def probes(text: str) -> tuple[tuple[str, int], ...]:
    """`https://example.com, 192.0.2.1:53` as hosts and ports."""
    return tuple(_probe(part.strip()) for part in text.split(",") if part.strip())


def _probe(text: str) -> tuple[str, int]:
    parts = urlsplit(text if "://" in text else f"tcp://{text}")
    port = parts.port or {"http": 80, "https": 443}.get(parts.scheme)
    if not parts.hostname or not port:
        raise ValueError(f"{text!r} is neither a URL nor host:port")
    return parts.hostname, port


def address(text: str) -> tuple[str, int]:
    """`127.0.0.1:9464` as host and port."""
    host, found, port = text.rpartition(":")
    if not found or not port.isdigit():
        raise ValueError("expected host:port")
    return host.strip("[]"), int(port)


def names(text: str) -> tuple[str, ...]:
    """`links,audit` as names of services."""
    found = tuple(part.strip() for part in text.split(",") if part.strip())
    unknown = set(found) - {*SERVICES, "monitor"}
    if unknown:
        raise ValueError(f"no such service: {', '.join(sorted(unknown))}")
    return found


def ports(text: str) -> tuple[tuple[int, int], ...]:
    """Ports and ranges of them, such as `80,443,8000-8999`, as the first and the last of each."""
    found = []
    for part in text.split(","):
        first, dash, last = part.strip().partition("-")
        if not (first.isdecimal() and (last.isdecimal() or not dash) and 0 < int(first) <= int(last or first) < 65536):
            raise ValueError(f"{part.strip()!r} is neither a port nor a range such as 8000-8999")
        found.append((int(first), int(last or first)))
    return tuple(found)


def switch(text: str) -> bool:
    """`on` or `off`, and what is often written for them."""
    if text.lower() not in ("on", "true", "yes", "1", "off", "false", "no", "0"):
        raise ValueError("expected on or off")
    return text.lower() in ("on", "true", "yes", "1")


def key_32(text: str) -> bytes:
    """A base64 text of exactly 32 bytes."""
    try:
        key = base64.b64decode(text, validate=True)
    except binascii.Error as error:
        raise ValueError("expected base64") from error
    if len(key) != 32:
        raise ValueError(f"expected 32 bytes in base64, got {len(key)}")
    return key


def setting(env: str, doc: str, read: Callable[[str], Any] = str, default: Any = dataclasses.MISSING) -> Any:
    """A dataclass field that is read from `env`; `{service}` in the name stands for the service's own."""
    return dataclasses.field(default=default, metadata={"env": env, "doc": doc, "read": read})


def load(cls: type[S], environ: Mapping[str, str], service: str = "") -> S:
    """An instance of `cls` from the environment, or `SettingsError` with the name at fault."""
    values = {}
    for field in dataclasses.fields(cls):  # type: ignore[arg-type]  # every caller passes a dataclass
        env = field.metadata["env"].replace("{service}", service.upper())
        text = _text(env, environ)
        if text is not None:
            values[field.name] = _parse(env, text, field.metadata["read"])
        elif field.default is dataclasses.MISSING:
            raise SettingsError(f"{env} is not set ({field.metadata['doc']}); set it, or {env}_FILE")
    return cls(**values)


def _text(env: str, environ: Mapping[str, str]) -> str | None:
    if environ.get(env):
        return environ[env]
    path = environ.get(f"{env}_FILE")
    if not path:
        return None
    try:
        return Path(path).read_text().strip()
    except OSError as error:
        raise SettingsError(f"{env}_FILE names {path}, which cannot be read: {error.strerror}") from error


def _parse(env: str, text: str, read: Callable[[str], Any]) -> Any:
    try:
        return read(text)
    except ValueError as error:
        # The value may be a secret: the message names the setting and the fault, never the text.
        reason = str(error) if read not in (key_32,) else "expected 32 bytes in base64"
        raise SettingsError(f"{env} is malformed: {reason}") from error


@dataclass(frozen=True, kw_only=True)
class Logging:
    """Every process."""

    level: str = setting("PRANALA_LOG_LEVEL", "debug, info, warning or error", default="info")
    process: str = setting("PRANALA_SERVICE_NAME", "the process's name in logs and metrics", default="pranala")


@dataclass(frozen=True, kw_only=True)
class Metrics:
    """Every worker and relay."""

    bind: tuple[str, int] | None = setting(
        "PRANALA_METRICS_BIND",
        "host:port at which Prometheus finds what the process has counted, open to whoever reaches it;"
        " without it nothing is shown",
        address,
        default=None,
    )


@dataclass(frozen=True, kw_only=True)
class Broker:
    """Every process that speaks to the broker."""

    url: str = setting(
        "PRANALA_BROKER_URL",
        "amqp://… of RabbitMQ, the nodes of a cluster joined by `;`, or redis://… where there is none",
    )


@dataclass(frozen=True, kw_only=True)
class Worker:
    """Every worker."""

    patience_s: float = setting(
        "PRANALA_PATIENCE_S",
        "seconds for which a worker keeps a message in hand while its database is away, before it puts it back",
        float,
        default=300.0,
    )


@dataclass(frozen=True, kw_only=True)
class Database:
    """A service's own database."""

    url: str = setting("PRANALA_{service}_DATABASE_URL", "postgresql+psycopg://… of the service's own database")


@dataclass(frozen=True, kw_only=True)
class Links:
    """The links service: how it checks and when it believes."""

    allow_networks: tuple[Network, ...] = setting(
        "PRANALA_ALLOW_NETWORKS",
        "networks that the address guard lets through, as CIDRs",
        networks,
        default=(),
    )
    allow_ports: tuple[tuple[int, int], ...] = setting(
        "PRANALA_ALLOW_PORTS",
        "ports that links may lead to, such as `80,443,8000-8999`; without it all but those of other protocols, as in"
        " browsers",
        ports,
        default=(),
    )
    confirm_hard: int = setting("PRANALA_CONFIRM_HARD", "hard failures in a row that break a link", positive, default=2)
    confirm_transient: int = setting(
        "PRANALA_CONFIRM_TRANSIENT", "transient failures in a row that break a link", positive, default=3
    )
    min_confirm_s: float = setting(
        "PRANALA_MIN_CONFIRM_S",
        "seconds from the first failure before a link may break",
        float,
        default=300.0,
    )
    confirm_offsets_s: tuple[float, ...] = setting(
        "PRANALA_CONFIRM_OFFSETS_S",
        "seconds after a failure to check again",
        ascending_seconds,
        default=(60.0, 300.0, 900.0),
    )
    recover_ok: int = setting("PRANALA_RECOVER_OK", "fine checks in a row that end an incident", positive, default=2)
    interval_s: int = setting("PRANALA_INTERVAL_S", "seconds between checks of a link", int, default=86_400)
    host_concurrency: int = setting(
        "PRANALA_HOST_CONCURRENCY", "transfers at once to one host; 0 is no limit", int, default=10
    )
    host_interval_ms: int = setting(
        "PRANALA_HOST_INTERVAL_MS", "milliseconds between two requests to one host", int, default=50
    )
    redis_url: str = setting(
        "PRANALA_REDIS_URL",
        "redis://… where links workers keep together the limits by host and what is being checked; "
        "without it each keeps them for itself",
        default="",
    )
    backoff_cap_s: float = setting(
        "PRANALA_BACKOFF_CAP_S",
        "the most seconds for which a host is left alone that asks for it; 0 heeds nothing",
        float,
        default=3600.0,
    )
    backoff_patience_s: float = setting(
        "PRANALA_BACKOFF_PATIENCE_S",
        "seconds that links wait for such a host before they are put back",
        float,
        default=2.0,
    )
    queue_s: float = setting(
        "PRANALA_QUEUE_S",
        "seconds that links wait in a worker for their turn at a host that is asked slowly, before they are put back",
        float,
        default=15.0,
    )
    defer_most: int = setting(
        "PRANALA_DEFER_MOST", "how often a link is put back before what is known is recorded", int, default=10
    )
    defer_s: float = setting(
        "PRANALA_DEFER_S", "the most seconds a link waits so before what is known is recorded", float, default=3600.0
    )
    connect_timeout_s: float = setting("PRANALA_CONNECT_TIMEOUT_S", "seconds to connect", float, default=10.0)
    total_timeout_s: float = setting("PRANALA_TOTAL_TIMEOUT_S", "seconds for a whole check", float, default=30.0)
    retries: int = setting("PRANALA_RETRIES", "more tries within a check, transient reasons only", int, default=1)
    ca_file: str = setting("PRANALA_CA_FILE", "more certificate authorities to trust, as PEM", default="")
    fragments: bool = setting(
        "PRANALA_FRAGMENTS", "on or off: look for `#anchors` and `#:~:text=` in HTML pages", switch, default=True
    )
    tls_warn_days: float = setting(
        "PRANALA_TLS_WARN_DAYS", "days before a certificate ends that make a link `tls_expiring`", float, default=14.0
    )
    slow_ms: float = setting("PRANALA_SLOW_MS", "milliseconds that make a link `slow`; 0 is never", float, default=0.0)
    suggest_https: bool = setting(
        "PRANALA_SUGGEST_HTTPS", "on or off: ask servers of http links for https, once an hour", switch, default=False
    )
    soft_404: bool = setting(
        "PRANALA_SOFT_404",
        "on or off: ask for a random path beside each link, once an hour and folder",
        switch,
        default=False,
    )
    robots: bool = setting("PRANALA_ROBOTS", "on or off: leave alone what robots.txt disallows", switch, default=False)
    mailto: bool = setting(
        "PRANALA_MAILTO", "on or off: look up whether the domains of mailto links take mail", switch, default=False
    )
    http2: bool = setting("PRANALA_HTTP2", "on or off: speak HTTP/2 to servers that offer it", switch, default=True)
    user_agent: str = setting(
        "PRANALA_USER_AGENT",
        "how the checker names itself",
        default="Pranala/0.1 (+https://pranala.example/about)",
    )
    part_size: int = setting("PRANALA_PART_SIZE", "links in one task of a schedule", int, default=500)
    tick_limit: int = setting("PRANALA_TICK_LIMIT", "links leased in one tick", int, default=50_000)
    backlog_limit: int = setting(
        "PRANALA_BACKLOG_LIMIT", "leased links that may wait before the schedule sends more", int, default=100_000
    )
    lease_s: float = setting("PRANALA_LEASE_S", "seconds before a leased link is due again", float, default=900.0)
    broken_backoff: float = setting(
        "PRANALA_BROKEN_BACKOFF",
        "the most times longer the interval of a broken link becomes, doubled each week; 1 keeps it",
        float,
        default=4.0,
    )
    stable_backoff: float = setting(
        "PRANALA_STABLE_BACKOFF",
        "the most times longer the interval of a link that stays up becomes, doubled every 30 days; 1 keeps it",
        float,
        default=1.0,
    )
    history_days: int = setting(
        "PRANALA_HISTORY_DAYS",
        "days for which every check is kept, and up to a week more; 0 is for ever",
        int,
        default=90,
    )
    hourly_days: int = setting(
        "PRANALA_HOURLY_DAYS", "days for which checks are counted by the hour; 0 is for ever", int, default=90
    )
    daily_days: int = setting(
        "PRANALA_DAILY_DAYS", "days for which checks are counted by the day; 0 is for ever", int, default=730
    )
    jobs_days: int = setting(
        "PRANALA_JOBS_DAYS", "days for which jobs are kept once they are over; 0 is for ever", int, default=365
    )
    wayback_url: str = setting(
        "PRANALA_WAYBACK_URL",
        "an archive that is asked for copies of links that fail for good, such as https://web.archive.org, and so is"
        " told their URLs; empty asks nobody",
        default="",
    )
    wayback_interval_s: float = setting(
        "PRANALA_WAYBACK_INTERVAL_S", "seconds between two questions to it", float, default=5.0
    )
    connectivity_probes: tuple[tuple[str, int], ...] = setting(
        "PRANALA_CONNECTIVITY_PROBES",
        "URLs or host:port, one of which must accept a connection before a failure without an answer is believed",
        probes,
        default=(),
    )
    freeze_share: float = setting(
        "PRANALA_FREEZE_SHARE",
        "of a part's links that worked before, the share that must fail at once to be disbelieved; 1 never is",
        float,
        default=0.5,
    )
    freeze_hosts: int = setting(
        "PRANALA_FREEZE_HOSTS", "over how many hosts at least they must fail at once", int, default=5
    )
    freeze_longest_s: float = setting(
        "PRANALA_FREEZE_LONGEST_S", "seconds after which failures are believed all the same", float, default=1800.0
    )
    group_least: int = setting(
        "PRANALA_GROUP_LEAST",
        "broken links of one host from which on they are told of as one; 0 is never",
        int,
        default=3,
    )
    group_span_s: float = setting(
        "PRANALA_GROUP_SPAN_S", "seconds between two links of a host that break together", float, default=900.0
    )
    group_wait_s: float = setting(
        "PRANALA_GROUP_WAIT_S",
        "the most seconds that it takes to tell of a broken link while others of its host are in doubt; 0 never waits",
        float,
        default=120.0,
    )


@dataclass(frozen=True, kw_only=True)
class LinksKey:
    """The links service: what its workers and its RPC server keep users' secrets with."""

    key: bytes = setting(LINKS_KEY, "base64 of 32 bytes: encrypts headers, cookies and logins of checks", key_32)


@dataclass(frozen=True, kw_only=True)
class Notifications:
    """The notifications service."""

    key: bytes = setting(NOTIFICATIONS_KEY, "base64 of 32 bytes: encrypts channels' secrets", key_32)
    smtp_url: str = setting("PRANALA_SMTP_URL", "smtp://host:port or smtps://user:password@host:port", default="")
    smtp_from: str = setting("PRANALA_SMTP_FROM", "the sender of mail", default="pranala@localhost")
    allow_networks: tuple[Network, ...] = setting(
        "PRANALA_ALLOW_NETWORKS",
        "networks that the address guard lets through, as CIDRs",
        networks,
        default=(),
    )
    ca_file: str = setting("PRANALA_CA_FILE", "more certificate authorities to trust, as PEM", default="")
    backoff_s: tuple[float, ...] = setting(
        "PRANALA_DELIVERY_BACKOFF_S",
        "seconds before each further attempt of a delivery",
        seconds_list,
        default=(5.0, 300.0, 1800.0, 7200.0, 18_000.0, 36_000.0),
    )
    deliveries_days: int = setting(
        "PRANALA_DELIVERIES_DAYS",
        "days for which deliveries are kept once they are over; 0 is for ever",
        int,
        default=365,
    )
    timeout_s: float = setting("PRANALA_DELIVERY_TIMEOUT_S", "seconds for one attempt", float, default=15.0)
    lease_s: float = setting(
        "PRANALA_DELIVERY_LEASE_S",
        "seconds before an attempt without an end is made again",
        float,
        default=120.0,
    )


@dataclass(frozen=True, kw_only=True)
class Intake:
    """The intake service: what is accepted, and how long unfinished work may rest."""

    part_size: int = setting("PRANALA_PART_SIZE", "links in one task of a batch", int, default=500)
    lease_s: float = setting(
        "PRANALA_SWEEP_LEASE_S", "seconds before unfinished work is sent again", float, default=300.0
    )
    lease_max_s: float = setting(
        "PRANALA_SWEEP_LEASE_MAX_S",
        "the most seconds between two sendings of the same work",
        float,
        default=3600.0,
    )
    idempotency_s: float = setting(
        "PRANALA_IDEMPOTENCY_S", "seconds for which an Idempotency-Key is remembered", float, default=86_400.0
    )
    jobs_days: int = setting(
        "PRANALA_JOBS_DAYS", "days for which jobs are kept once they are over; 0 is for ever", int, default=365
    )
    outbox_most: int = setting(
        "PRANALA_OUTBOX_MOST",
        "messages in intake's outbox from which on nothing is accepted; 0 is no limit",
        int,
        default=1_000_000,
    )
    outbox_oldest_s: float = setting(
        "PRANALA_OUTBOX_OLDEST_S",
        "seconds that intake's messages may wait for the broker before nothing more is accepted; 0 is for ever",
        float,
        default=86_400.0,
    )
    quota_mb: int = setting(
        "PRANALA_INTAKE_QUOTA_MB",
        "MiB of the intake database from which on nothing is accepted; 0 is as much as the disk holds",
        int,
        default=0,
    )


@dataclass(frozen=True, kw_only=True)
class Beat:
    """The beat: how often each service is told that time has passed."""

    tick_s: float = setting("PRANALA_TICK_S", "seconds between two ticks", float, default=5.0)


@dataclass(frozen=True, kw_only=True)
class Relaying:
    """The relay."""

    kept_s: float = setting(
        "PRANALA_SENT_KEPT_S",
        "seconds for which copies of what was sent and done are kept, to be sent again to a broker that lost its disk,"
        " or to a service that was restored from a backup; at most six days; 0 keeps none",
        float,
        default=3600.0,
    )


@dataclass(frozen=True, kw_only=True)
class Rpc:
    """An RPC server."""

    bind: str = setting("PRANALA_RPC_BIND", "host:port to listen on", default="127.0.0.1:50051")
    token: str = setting("PRANALA_RPC_TOKEN", "the secret that callers show")
    services: tuple[str, ...] = setting(
        "PRANALA_RPC_SERVICES",
        "services to host, comma-separated",
        names,
        default=("links", "notifications", "audit", "accounts", "monitor"),
    )


@dataclass(frozen=True, kw_only=True)
class Web:
    """The front API."""

    intake_database_url: str = setting("PRANALA_INTAKE_DATABASE_URL", "postgresql+psycopg://… of the intake database")
    rpc_token: str = setting("PRANALA_RPC_TOKEN", "the secret shown to RPC servers")
    secret_key: str = setting("PRANALA_SECRET_KEY", "signs cursors")
    links_rpc: str = setting("PRANALA_LINKS_RPC", "host:port of the links RPC server", default="127.0.0.1:50051")
    notifications_rpc: str = setting(
        "PRANALA_NOTIFICATIONS_RPC", "host:port of the notifications RPC server", default="127.0.0.1:50051"
    )
    audit_rpc: str = setting("PRANALA_AUDIT_RPC", "host:port of the audit RPC server", default="127.0.0.1:50051")
    accounts_rpc: str = setting(
        "PRANALA_ACCOUNTS_RPC", "host:port of the accounts RPC server", default="127.0.0.1:50051"
    )
    monitor_rpc: str = setting("PRANALA_MONITOR_RPC", "host:port of the monitor RPC server", default="127.0.0.1:50051")
    rpc_timeout_s: float = setting("PRANALA_RPC_TIMEOUT_S", "seconds for one query to a service", float, default=5.0)
    trusted_proxies: int = setting(
        "PRANALA_TRUSTED_PROXIES", "proxies in front whose X-Forwarded-For is believed", int, default=0
    )
    max_body_mb: int = setting("PRANALA_MAX_BODY_MB", "the largest request body, in MiB", int, default=256)
    batch_most: int = setting("PRANALA_BATCH_MOST", "the most lines of one batch", int, default=1_000_000)
    port: int = setting("PRANALA_PORT", "the API's port", int, default=8080)
    bind: str = setting("PRANALA_BIND", "the API's address", default="127.0.0.1")
    web_workers: int = setting("PRANALA_WEB_WORKERS", "processes of the front API", int, default=2)


ALL = (Logging, Metrics, Broker, Worker, Database, Web, Intake, Links, LinksKey, Notifications, Beat, Relaying, Rpc)
