"""Does a link of a larger batch cost more time, or the batch more memory? `python -m benchmarks.growth`.

Each size has servers and processes of its own, so that nothing of a smaller one helps or burdens a larger one.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence
from dataclasses import dataclass

from benchmarks import pranala, site
from benchmarks.processes import Cost, Peak, watched
from benchmarks.report import Benchmark, progress, table

# What is loaded and prepared with the first links belongs to no size.
WARMED_WITH = 2_000


@dataclass(frozen=True)
class Batch:
    """One batch, which was accepted after so many seconds, on servers of such `versions`."""

    versions: str
    links: int
    accepted_s: float
    cost: Cost

    @property
    def us_a_link(self) -> float:
        """Microseconds a link."""
        return self.cost.seconds / self.links * 1e6

    def peak(self, name: str) -> Peak:
        """Memory of the processes of that name."""
        return self.cost.peaks.get(name, Peak())


def options(parser: argparse.ArgumentParser) -> None:
    """What can be asked of it."""
    parser.add_argument("--sizes", default="10000,100000,1000000", help="links of each batch, by commas")
    parser.add_argument("--hosts", type=int, default=200, help="hosts they are spread over")
    pranala.add_set(parser)


def measure(asked: argparse.Namespace) -> str:
    """Two tables: time, and memory by process."""
    with site.serve() as port:
        batches = [_batch(port, int(links), asked) for links in asked.sizes.split(",")]
    return f"{_times(batches)}\n\n{_memory(batches)}\n\n{batches[0].versions}."


def _batch(port: int, links: int, asked: argparse.Namespace) -> Batch:
    wanted = site.urls(port, links, asked.hosts)
    with pranala.running(asked.set) as system:
        system.check([f"{url}?warm" for url in wanted[:WARMED_WITH]])
        with watched(system.root) as cost:
            began = time.monotonic()
            address = system.submit(wanted)
            accepted_s = time.monotonic() - began
            job = system.finished(address)
    if job["verdicts"].get("ok") != links:
        raise SystemExit(f"of {links:,} links came {job['verdicts']}")
    progress(f"{links:,} links: {cost.seconds:.1f} s")
    return Batch(system.versions, links, accepted_s, cost)


def _times(batches: Sequence[Batch]) -> str:
    least = batches[0].us_a_link
    heads = (
        "links in one batch",
        "accepted after s",
        "all committed after s",
        "links/s",
        "µs a link",
        "times the first",
    )
    rows = [
        (
            f"{batch.links:,}",
            f"{batch.accepted_s:.2f}",
            f"{batch.cost.seconds:.1f}",
            f"{batch.links / batch.cost.seconds:,.0f}",
            f"{batch.us_a_link:.0f}",
            f"{batch.us_a_link / least:.2f}",
        )
        for batch in batches
    ]
    return table(heads, rows)


def _memory(batches: Sequence[Batch]) -> str:
    """Resident memory of the largest process of each name, and of all with what they share counted once."""
    names = sorted({name for batch in batches for name in batch.cost.peaks}, key=str.casefold)
    heads = ["peak memory in MB: the largest process / all of the name", *(f"{batch.links:,}" for batch in batches)]
    rows = []
    for name in names:
        count = max(batch.peak(name).count for batch in batches)
        figures = [f"{batch.peak(name).largest_mb:.0f} / {batch.peak(name).together_mb:.0f}" for batch in batches]
        rows.append([f"{name} ({count})" if count > 1 else name, *figures])
    rows.append(["all processes at one moment", *(f"{batch.cost.together_mb:.0f}" for batch in batches)])
    return table(heads, rows)


BENCHMARK = Benchmark("growth", "Growth of one batch", options, measure)

if __name__ == "__main__":
    BENCHMARK.main()
