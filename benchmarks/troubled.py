"""Links a second where some hosts are slow, some dead, and some links gone: `python -m benchmarks.troubled`.

A checker whose places are held by hosts that never answer is found out here.
"""

from __future__ import annotations

import argparse
import random
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager

from benchmarks import peers, race, site
from benchmarks.peers import Found
from benchmarks.report import Benchmark

SLOW_SHARE = 0.3
FASTEST_S, SLOWEST_S = 0.05, 0.3
# Of the links to hosts that answer.
GONE_SHARE, RESET_SHARE = 0.03, 0.01
SEED = 20_000
KINDS = {
    "page": "pages answered at once",
    "after": f"pages answered after {FASTEST_S * 1000:.0f} to {SLOWEST_S * 1000:.0f} ms",
    "gone": "404",
    "reset": "connections reset",
    "never": "time-outs",
}


def options(parser: argparse.ArgumentParser) -> None:
    """What can be asked of it."""
    race.options(parser)
    parser.add_argument("--dead", type=int, default=2, help="of the hosts: half never answer, half cannot be reached")
    parser.add_argument("--timeout", type=int, default=5, help="seconds for one link, connection and answer together")


def measure(asked: argparse.Namespace) -> str:
    """What the list holds, and a table of the tools."""
    first_dead = asked.hosts - asked.dead
    with site.serve() as port, dead_hosts(range(first_dead, asked.hosts)) as dead:
        wanted = troubled([f"{site.host(number)}:{port}" for number in range(first_dead)], dead, asked.links)
        kinds = Counter(kind_of(url) for url in wanted)
        fine = kinds["page"] + kinds["after"]
        expected = Found(fine, len(wanted) - fine)
        note = "HEAD, GET where HEAD does not settle it; limits by host lifted, no retries, the same time-out"
        entries = [race.of_pranala(wanted, expected, asked, note, like_the_peers(asked.timeout))]
        for method in ("get", "head"):
            peer = peers.lychee(method, timeout_s=asked.timeout)
            entries.append(race.of_peer(peer, wanted, expected, asked.rounds))
    listed = ", ".join(f"{kinds[kind]:,} {words}" for kind, words in KINDS.items())
    return f"{len(wanted):,} links in random order: {listed}.\n\n{race.compared(entries)}"


def like_the_peers(timeout_s: int) -> dict[str, str]:
    """One try, and the same patience for all of it."""
    return {
        "PRANALA_CONNECT_TIMEOUT_S": str(timeout_s),
        "PRANALA_TOTAL_TIMEOUT_S": str(timeout_s),
        "PRANALA_RETRIES": "0",
    }


def troubled(live: Sequence[str], dead: Sequence[str], links: int) -> list[str]:
    """So many different links, spread evenly over the hosts, of which some answer slowly; the same at every call."""
    chance = random.Random(SEED)  # noqa: S311  # nobody must not guess it
    slow = round(len(live) * SLOW_SHARE)
    delays = [FASTEST_S + (SLOWEST_S - FASTEST_S) * number / max(1, slow - 1) for number in range(slow)]
    paths = [f"after/{delay:.3f}" for delay in delays] + ["page"] * (len(live) - slow) + ["never"] * len(dead)
    hosts = [*live, *dead]
    urls = []
    for number in range(links):
        place = number % len(hosts)
        path = paths[place] if place >= len(live) else _turned(paths[place], chance.random())
        urls.append(f"http://{hosts[place]}/{path}/{number}")
    chance.shuffle(urls)
    return urls


def kind_of(url: str) -> str:
    """Which of `KINDS` it is."""
    return url.split("/")[3]


@contextmanager
def dead_hosts(numbers: Sequence[int]) -> Iterator[list[str]]:
    """Each as address and port: by turns one that never answers, and one that cannot be reached."""
    with ExitStack() as stack:
        kinds = (site.silent, site.black_hole)
        addresses = [site.host(number) for number in numbers]
        ports = [stack.enter_context(kinds[place % 2](address)) for place, address in enumerate(addresses)]
        yield [f"{address}:{port}" for address, port in zip(addresses, ports, strict=True)]


def _turned(path: str, chance: float) -> str:
    if chance < GONE_SHARE:
        return "gone"
    return "reset" if chance < GONE_SHARE + RESET_SHARE else path


BENCHMARK = Benchmark("troubled", "Slow and dead hosts", options, measure)

if __name__ == "__main__":
    BENCHMARK.main()
