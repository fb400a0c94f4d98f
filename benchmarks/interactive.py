"""How long a link takes to its stored verdict while an import runs: `python -m benchmarks.interactive`."""

from __future__ import annotations

import argparse
import statistics
import time

from benchmarks import pranala, site
from benchmarks.pranala import Pranala
from benchmarks.report import Benchmark, table


def options(parser: argparse.ArgumentParser) -> None:
    """What can be asked of it."""
    parser.add_argument("--links", type=int, default=100_000, help="links of the import")
    parser.add_argument("--tries", type=int, default=200, help="links submitted one after the other meanwhile")
    pranala.add_set(parser)


def measure(asked: argparse.Namespace) -> str:
    """How the import did, and the percentiles of the single links beside it."""
    with site.serve() as port, pranala.running(asked.set) as system:
        began = time.monotonic()
        address = system.submit(site.urls(port, asked.links, 200))
        waits, during = [], 0
        for number in range(asked.tries):
            waits.append(_once(system, f"http://127.9.9.9:{port}/page/one-{number}"))
            during += system.job(address)["state"] != "finished"
        system.finished(address)
        took = time.monotonic() - began
    rows = [
        (f"import of {asked.links:,} links", f"{took:.1f} s, {asked.links / took:,.0f} links/s"),
        (f"single links, of {asked.tries} this many during the import", f"{during}"),
        ("from its submission to its stored verdict, median", f"{statistics.median(waits):.3f} s"),
        ("95th percentile", f"{statistics.quantiles(waits, n=20)[-1]:.3f} s"),
        ("longest", f"{max(waits):.3f} s"),
    ]
    return f"{table(('what', 'measured'), rows)}\n\n{system.versions}."


def _once(system: Pranala, link: str) -> float:
    began = time.monotonic()
    made = system.session.post(f"{system.url}/api/v1/links", json={"url": link}, timeout=30)
    made.raise_for_status()
    while system.session.get(f"{system.url}/api/v1/links/{made.json()['id']}", timeout=30).json()["verdict"] is None:
        time.sleep(0.01)
    return time.monotonic() - began


BENCHMARK = Benchmark("interactive", "One link beside an import", options, measure)

if __name__ == "__main__":
    BENCHMARK.main()
