"""HTTP/2: what is asked over a connection that others share, and what goes wrong with it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from ipaddress import ip_network
from pathlib import Path

from tasks.links.fetch import Engine, EngineSettings, Result, Target
from tasks.links.options import CheckOptions
from tests.servers.http2 import http2_server

NEW, OLD = (CheckOptions(required_headers={"X-Protocol": version}) for version in ("^HTTP/2.0$", "^HTTP/1.1$"))


@contextmanager
def engine(folder: Path, http2: bool = True) -> Iterator[Engine]:
    running = Engine(
        EngineSettings(
            allow_networks=(ip_network("127.0.0.0/8"),),
            host_interval_ms=0,
            retry_delay_s=0.05,
            ca_file=str(folder / "ca.pem"),
            http2=http2,
        ),
        lambda host: ["127.0.0.1"],
    )
    try:
        yield running
    finally:
        running.close()


def reasons(results: Sequence[Result]) -> Counter[tuple[str, int]]:
    return Counter((str(result.reason), result.attempts) for result in results)


def test_a_server_that_offers_it_is_spoken_to_by_http_2_unless_it_is_switched_off(tmp_path: Path) -> None:
    with http2_server(tmp_path) as base:
        for http2, version in ((True, NEW), (False, OLD)):
            with engine(tmp_path, http2) as running:
                targets = [Target(f"{base}/{n}", options=version) for n in range(50)]
                assert reasons(running.check(targets)) == {("ok", 1): 50}


def test_links_come_to_no_harm_when_connections_end(tmp_path: Path) -> None:
    with http2_server(tmp_path, requests=3) as base, engine(tmp_path) as running:
        targets = [Target(f"{base}/{n}", full=n % 2 == 0) for n in range(100)]
        assert reasons(running.check(targets)) == {("ok", 1): 100}


def test_what_a_server_drops_is_broken_and_nothing_beside_it(tmp_path: Path) -> None:
    with http2_server(tmp_path) as base, engine(tmp_path) as running:
        paths = [("dropped", "gone", "page", "fine")[n % 4] for n in range(80)]
        found = reasons(running.check([Target(f"{base}/{path}/{n}", full=True) for n, path in enumerate(paths)]))
    assert found == {("connection_closed", 2): 20, ("http_404", 1): 20, ("ok", 1): 40}


def test_what_fails_over_http_2_alone_is_asked_for_the_old_way_before_it_is_called_broken(tmp_path: Path) -> None:
    with http2_server(tmp_path) as base, engine(tmp_path) as running:
        assert reasons(running.check([Target(f"{base}/old-only/{n}", options=OLD) for n in range(20)])) == {
            ("ok", 1): 20
        }
