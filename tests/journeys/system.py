"""The whole product as `pranala up` runs it, with short waits, and what a user and a fault do to it."""

from __future__ import annotations

import os
import socket
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any, TypeVar

import psycopg
import requests
from psycopg import sql

from cli.local.backing import Backing, start_backing
from cli.local.processes import ROOT, Process, make_environment, make_program
from cli.local.product import Product, read_or_make_key

T = TypeVar("T")


@dataclass(frozen=True)
class System:
    """A running product, an admin's key to it, and its backing servers."""

    product: Product
    backing: Backing
    key: str

    def call(self, method: str, path: str, **options: Any) -> requests.Response:
        """One request with the key; `path` starts after /api/v1."""
        headers = {"Authorization": f"Bearer {self.key}", **options.pop("headers", {})}
        return requests.request(method, f"{self.product.url}/api/v1{path}", headers=headers, timeout=30, **options)

    def get(self, path: str, **query: Any) -> Any:
        """The JSON of a resource that must be there."""
        response = self.call("GET", path, params=query)
        assert response.status_code == 200, response.text
        return response.json()

    def post(self, path: str, body: Any, **options: Any) -> Any:
        """The JSON of accepted work."""
        response = self.call("POST", path, json=body, **options)
        assert response.status_code in (201, 202), response.text
        return response.json()

    def submit(self, urls: list[str]) -> str:
        """A batch as plain text; returns the job's id."""
        response = self.call("POST", "/batches", data="\n".join(urls).encode(), headers={"Content-Type": "text/plain"})
        assert response.status_code == 202, response.text
        assert response.json()["accepted"] == len(set(urls)), response.text
        return str(response.json()["job_id"])

    def finished(self, job_id: str, within_s: float = 60) -> Any:
        """The job, once it is finished."""
        return wait_for(lambda: self._finished(job_id), within_s, f"job {job_id} to finish")

    def all(self, path: str, **query: Any) -> list[Any]:
        """Every item of a list, page after page."""
        found: list[Any] = []
        cursor: str | None = None
        while True:
            page = self.get(path, limit=200, **query, **({"cursor": cursor} if cursor else {}))
            found += page["items"]
            cursor = page["next_cursor"]
            if not cursor:
                return found

    def delete_channels(self) -> None:
        """Leave the workspace without a channel, for the next story."""
        for channel in self.all("/channels"):
            assert self.call("DELETE", f"/channels/{channel['id']}").status_code == 204

    @contextmanager
    def database_closed(self, service: str) -> Iterator[None]:
        """Refuse every connection to one service's database, and end those that are open."""
        name = f"pranala_{service}"
        self._administer(sql.SQL("ALTER DATABASE {} ALLOW_CONNECTIONS false").format(sql.Identifier(name)))
        self._administer(
            sql.SQL("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = {}").format(name)
        )
        try:
            yield
        finally:
            self._administer(sql.SQL("ALTER DATABASE {} ALLOW_CONNECTIONS true").format(sql.Identifier(name)))

    def _finished(self, job_id: str) -> Any:
        response = self.call("GET", f"/jobs/{job_id}")
        if response.status_code != 200 or response.json()["state"] != "finished":
            return None
        return response.json()

    def _administer(self, statement: sql.Composed) -> None:
        assert self.backing.postgres_url
        with psycopg.connect(self.backing.postgres_url.replace("+psycopg", ""), autocommit=True) as connection:
            connection.execute(statement)


def wait_for(ask: Callable[[], T | None], within_s: float, what: str) -> T:
    """The first answer that is something; fails after `within_s` with words for what was waited for."""
    deadline = time.monotonic() + within_s
    while time.monotonic() < deadline:
        if answer := ask():
            return answer
        time.sleep(0.1)
    raise AssertionError(f"waited {within_s:.0f} s for {what}")


def fresh(path: str = "") -> str:
    """A path that no other story uses, so that its link is new."""
    return f"{path}?story={uuid.uuid4().hex[:12]}"


@contextmanager
def running(
    folder: Path,
    settings: Mapping[str, str],
    *more: Process,
    given: Mapping[str, str] = MappingProxyType({}),
    root: Path = ROOT,
    enlarge: Callable[[Backing], None] = lambda _: None,
) -> Iterator[System]:
    """The product on servers and a port of its own, with these settings and more processes than usual.

    `given` says which servers there are, as for `pranala up`; `root` holds the code that is run; `enlarge` may add to
    the servers before the product starts.
    """
    with start_backing(folder, durable=False, env=given) as backing:
        enlarge(backing)
        with serving(backing, settings, *more, root=root) as system:
            yield system


@contextmanager
def serving(backing: Backing, settings: Mapping[str, str], *more: Process, root: Path = ROOT) -> Iterator[System]:
    """The product on these servers, ready."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    settings = {**kept, "PRANALA_PORT": str(free_port()), **settings}
    environment = make_environment(backing, settings)
    product = Product(backing, settings, [make_program(one, backing, environment, root) for one in more], root)
    product.migrate()
    key, _ = read_or_make_key(product)
    product.launch()
    try:
        product.wait_ready()
        yield System(product, backing, key)
    finally:
        product.stop()


def free_port() -> int:
    """A port that is free now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
