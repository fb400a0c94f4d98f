"""Pranala itself, whole and private, to be measured: from the submission to the last result committed."""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import kombu
import psutil
import psycopg
import redis
import requests

from benchmarks import site
from cli.local.backing import Backing, start_backing
from cli.local.product import Product, read_or_make_key

# What the peers do not do either: spare hosts, or check again what failed while the next run goes on.
SETTINGS = {
    "PRANALA_ALLOW_NETWORKS": "127.0.0.0/8",
    "PRANALA_HOST_CONCURRENCY": "0",
    "PRANALA_HOST_INTERVAL_MS": "0",
    "PRANALA_CONFIRM_OFFSETS_S": "86400",
}
# The last result is seen so late at most, in seconds and as a share of the whole: asking takes from what is measured.
POLL_S = 0.05
POLL_SHARE = 0.02


@dataclass(frozen=True)
class Pranala:
    """A running system: `root` is the process above all others of it, `versions` are those of its servers."""

    url: str
    session: requests.Session
    root: psutil.Process
    versions: str

    def submit(self, wanted: Sequence[str]) -> str:
        """Send a batch; returns its job's address once it is accepted."""
        body = "\n".join(wanted).encode()
        answer = self.session.post(
            f"{self.url}/api/v1/batches", data=body, headers={"Content-Type": "text/plain"}, timeout=600
        )
        answer.raise_for_status()
        return f"{self.url}/api/v1/jobs/{answer.json()['job_id']}"

    def job(self, address: str) -> dict[str, Any]:
        """How far it is."""
        answer = self.session.get(address, timeout=30)
        answer.raise_for_status()
        found: dict[str, Any] = answer.json()
        return found

    def finished(self, address: str) -> dict[str, Any]:
        """Wait for its last result; returns the job."""
        began = time.monotonic()
        while (job := self.job(address))["state"] != "finished":
            time.sleep(max(POLL_S, POLL_SHARE * (time.monotonic() - began)))
        return job

    def check(self, wanted: Sequence[str]) -> dict[str, Any]:
        """Submit and wait."""
        return self.finished(self.submit(wanted))


def add_set(parser: argparse.ArgumentParser) -> None:
    """An option to try other settings."""
    parser.add_argument(
        "--set", action="append", default=[], metavar="NAME=VALUE", help="a setting of Pranala; may be given again"
    )


@contextmanager
def servers() -> Iterator[Backing]:
    """Private PostgreSQL, RabbitMQ and Valkey in a new folder, whose commits wait for the disk."""
    with (
        tempfile.TemporaryDirectory(prefix="bench-") as folder,
        start_backing(Path(folder, "data"), durable=True) as backing,
    ):
        yield backing


@contextmanager
def running(tried: Sequence[str] = (), settings: Mapping[str, str] | None = None) -> Iterator[Pranala]:
    """All of it, ready, with nothing in its databases.

    `settings` go over those of all benchmarks, and what is `tried`, each as NAME=VALUE, over both.
    """
    environ = {"PATH": os.environ["PATH"], "PRANALA_PORT": str(site.free_port()), **SETTINGS, **(settings or {})}
    environ |= dict(each.split("=", 1) for each in tried)
    with servers() as backing, requests.Session() as session:
        product = Product(backing, environ)
        product.migrate()
        key, _ = read_or_make_key(product)
        session.headers["Authorization"] = f"Bearer {key}"
        product.launch()
        product.wait_ready()
        pid = int((backing.local.data.run / "supervisord.pid").read_text())
        yield Pranala(product.url, session, psutil.Process(pid), versions(backing))
        product.stop()


def versions(backing: Backing) -> str:
    """Of its servers, as they say themselves."""
    assert backing.postgres_url
    with psycopg.connect(backing.postgres_url.replace("+psycopg", "")) as connection:
        number = connection.info.server_version
    with kombu.Connection(backing.broker_url) as broker, redis.Redis.from_url(backing.redis_url) as valkey:
        product = broker.connection.server_properties
        kept = valkey.info("server")
    return (
        f"PostgreSQL {number // 10_000}.{number % 10_000}, {product['product']} {product['version']}, "
        f"Valkey {kept.get('valkey_version', kept['redis_version'])}"
    )
