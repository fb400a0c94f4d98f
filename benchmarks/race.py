"""The same list checked by several tools in turn, in one run, and what each needed for it."""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks import pranala
from benchmarks.peers import Absent, Found, Peer
from benchmarks.processes import Cost, watched
from benchmarks.report import progress, table


def options(parser: argparse.ArgumentParser) -> None:
    """What can be asked of every race."""
    parser.add_argument("--links", type=int, default=20_000, help="links of the list")
    parser.add_argument("--hosts", type=int, default=200, help="hosts they are spread over")
    parser.add_argument("--rounds", type=int, default=3, help="runs of each tool, of which the best counts")
    pranala.add_set(parser)


@dataclass(frozen=True)
class Run:
    """One tool over one list."""

    links: int
    cost: Cost

    @property
    def rate(self) -> float:
        """Links a second."""
        return self.links / self.cost.seconds


@dataclass(frozen=True)
class Entry:
    """A tool's best run; none where it is not here. `note` says what a reader must know to compare it."""

    tool: str
    note: str
    best: Run | None


def of_pranala(
    wanted: Sequence[str], expected: Found, asked: argparse.Namespace, note: str, settings: Mapping[str, str]
) -> Entry:
    """The whole path: POST, RabbitMQ, workers, every result committed."""
    runs = []
    with pranala.running(asked.set, settings) as system:
        note = f"{note}; {system.versions}"
        for _ in range(asked.rounds):
            with watched(system.root) as cost:
                job = system.check(wanted)
            ok = job["verdicts"].get("ok", 0)
            _agree("pranala", Found(ok, sum(job["verdicts"].values()) - ok), expected)
            runs.append(_told("pranala", Run(len(wanted), cost)))
    best = _best(runs)
    return Entry("**Pranala**, POST to the last commit", f"{note}; {_shares(best.cost)}", best)


def of_peer(peer: Peer | Absent, wanted: Sequence[str], expected: Found, rounds: int) -> Entry:
    """One process that reads the list and prints a report."""
    if isinstance(peer, Absent):
        progress(f"{peer.name} is not here; it comes with: {peer.remedy}")
        return Entry(peer.name, f"absent; it comes with `{peer.remedy}`", None)
    runs = []
    for _ in range(rounds):
        with tempfile.TemporaryDirectory(prefix="bench-") as folder:
            found, ended = peer.check(wanted, Path(folder))
        _agree(peer.name, found, expected)
        runs.append(_told(peer.name, Run(len(wanted), ended.cost)))
    return Entry(f"{peer.name} {peer.version}, {peer.method}", f"`{peer.limits}`", _best(runs))


def compared(entries: Sequence[Entry]) -> str:
    """A table of all; the ratio is Pranala's rate to each tool's."""
    ours = next(entry.best.rate for entry in entries if entry.best)
    heads = ("tool", "links", "links/s", "Pranala is", "seconds", "CPU s", "largest process MB", "all processes MB")
    rows = [_row(entry, ours) for entry in entries]
    notes = [f"* {entry.tool}: {entry.note}" for entry in entries]
    return "\n".join([table(heads, rows), "", *notes])


def _row(entry: Entry, ours: float) -> list[str]:
    if entry.best is None:
        return [entry.tool, *["absent"] * 7]
    cost = entry.best.cost
    return [
        entry.tool,
        f"{entry.best.links:,}",
        f"{entry.best.rate:,.0f}",
        f"{ours / entry.best.rate:.2f} ×",  # noqa: RUF001  # the sign of multiplication
        f"{cost.seconds:.2f}",
        f"{cost.cpu_s:.1f}",
        f"{cost.largest_mb:.0f}",
        f"{cost.together_mb:.0f}",
    ]


def _shares(cost: Cost) -> str:
    """Where the processors' time went."""
    most = sorted(cost.cpu_by_name.items(), key=lambda item: item[1], reverse=True)
    return "CPU s: " + ", ".join(f"{name} {seconds:.1f}" for name, seconds in most if seconds >= 0.05)


def _agree(tool: str, found: Found, expected: Found) -> None:
    """A fast answer that is wrong counts for nothing."""
    if found != expected:
        raise SystemExit(f"{tool} found {found}, but there are {expected}")


def _told(tool: str, run: Run) -> Run:
    progress(f"{tool}: {run.rate:,.0f} links/s")
    return run


def _best(runs: Sequence[Run]) -> Run:
    return max(runs, key=lambda run: run.rate)
