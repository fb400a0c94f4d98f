"""Links a second, to the last result committed, beside the peers on the same list: `python -m benchmarks.links`."""

from __future__ import annotations

import argparse

from benchmarks import peers, race, site
from benchmarks.peers import Found
from benchmarks.report import Benchmark


def options(parser: argparse.ArgumentParser) -> None:
    """What can be asked of it."""
    race.options(parser)
    parser.add_argument("--slow-links", type=int, default=2_000, help="the share of the list for the slow peers")


def measure(asked: argparse.Namespace) -> str:
    """A table of all tools."""
    with site.serve() as port:
        wanted = site.urls(port, asked.links, asked.hosts)
        share = wanted[: asked.slow_links]
        fine, fine_share = Found(len(wanted), 0), Found(len(share), 0)
        note = "HEAD, GET where HEAD does not settle it; its defaults, limits by host lifted"
        entries = [race.of_pranala(wanted, fine, asked, note, {})]
        for method in ("get", "head"):
            entries.append(race.of_peer(peers.lychee(method), wanted, fine, asked.rounds))
        for peer in (peers.linkchecker(), peers.linkinator()):
            entries.append(race.of_peer(peer, share, fine_share, asked.rounds))
        return race.compared(entries)


BENCHMARK = Benchmark("links", "Links a second", options, measure)

if __name__ == "__main__":
    BENCHMARK.main()
