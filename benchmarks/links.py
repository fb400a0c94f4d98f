"""Links a second, from the submission to the last result committed, beside lychee on the same list in the same run."""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import psutil
import requests

from benchmarks import site
from cli.local.backing import start_backing
from cli.local.product import Product, read_or_make_key


@dataclass(frozen=True)
class Run:
    """One tool over one list: `seconds` of the clock, `cpu_s` of all its processes, `memory_mb` at the peak."""

    tool: str
    links: int
    seconds: float
    cpu_s: float
    memory_mb: float

    @property
    def rate(self) -> float:
        """Links a second."""
        return self.links / self.seconds


def main(arguments: list[str] | None = None) -> None:
    """Run all tools and print a Markdown table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--links", type=int, default=20_000)
    parser.add_argument("--hosts", type=int, default=200)
    parser.add_argument("--rounds", type=int, default=3, help="runs of each tool, of which the best counts")
    options = parser.parse_args(arguments)
    with site.serve() as port, tempfile.TemporaryDirectory(prefix="bench-") as folder:
        wanted = [site.urls(port, options.links, options.hosts)]
        runs = _pranala(Path(folder, "pranala"), wanted[0], options.rounds)
        runs += _lychee(Path(folder), wanted[0], options.rounds)
    print(table(runs))


def table(runs: list[Run]) -> str:
    """Each tool's best run, as a ratio to lychee's."""
    best = [max((run for run in runs if run.tool == tool), key=lambda run: run.rate) for tool in _tools(runs)]
    peer = next((run.rate for run in best if run.tool == "lychee"), None)
    lines = ["| tool | links/s | x lychee | seconds | CPU s | peak MB |", "|---|---|---|---|---|---|"]
    for run in best:
        ratio = f"{run.rate / peer:.2f}" if peer else "-"
        lines.append(
            f"| {run.tool} | {run.rate:,.0f} | {ratio} | {run.seconds:.2f} | {run.cpu_s:.1f} | {run.memory_mb:.0f} |"
        )
    return "\n".join(lines)


def _tools(runs: list[Run]) -> list[str]:
    return list(dict.fromkeys(run.tool for run in runs))


def _pranala(folder: Path, wanted: list[str], rounds: int) -> list[Run]:
    """The whole path, with commits that wait for the disk."""
    settings = {
        "PATH": os.environ["PATH"],
        "PRANALA_PORT": str(site.free_port()),
        "PRANALA_ALLOW_NETWORKS": "127.0.0.0/8",
        "PRANALA_HOST_CONCURRENCY": "0",
        "PRANALA_HOST_INTERVAL_MS": "0",
    }
    with start_backing(folder, durable=True) as backing:
        product = Product(backing, settings)
        product.migrate()
        key, _ = read_or_make_key(product)
        product.launch()
        product.wait_ready()
        root = psutil.Process()
        runs = [_timed("pranala", len(wanted), root, lambda: _submit(product.url, key, wanted)) for _ in range(rounds)]
        product.stop()
    return runs


def _submit(url: str, key: str, wanted: list[str]) -> None:
    session = requests.Session()
    session.headers["Authorization"] = f"Bearer {key}"
    body = "\n".join(wanted).encode()
    answer = session.post(f"{url}/api/v1/batches", data=body, headers={"Content-Type": "text/plain"}, timeout=120)
    answer.raise_for_status()
    while True:
        job = session.get(f"{url}/api/v1/jobs/{answer.json()['job_id']}", timeout=30).json()
        if job["state"] == "finished":
            assert job["verdicts"].get("ok") == len(wanted), json.dumps(job)
            return
        time.sleep(0.1)


def _lychee(folder: Path, wanted: list[str], rounds: int) -> list[Run]:
    """Its limits by host lifted; HEAD first would be `--method`, the default reads whole answers as we do not."""
    beside = Path(sys.executable).with_name("lychee")
    lychee = str(beside) if beside.exists() else shutil.which("lychee")
    if not lychee:
        return []
    listed = folder / "urls.txt"
    listed.write_text("\n".join(wanted))
    limits = ["--max-concurrency", "500", "--host-concurrency", "500", "--host-request-interval", "0ms"]
    command = [lychee, "--no-progress", "--max-retries", "0", *limits, "--format", "json", str(listed)]

    def check() -> None:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert json.loads(done.stdout)["successful"] == len(wanted), done.stdout[-500:] + done.stderr[-500:]

    return [_timed("lychee", len(wanted), psutil.Process(), check) for _ in range(rounds)]


def _timed(tool: str, links: int, root: psutil.Process, work: Callable[[], None]) -> Run:
    before, children = _cpu(root), os.times()
    began = time.monotonic()
    work()
    seconds = time.monotonic() - began
    gone = os.times()
    cpu_s = _cpu(root) - before + gone.children_user - children.children_user
    memory = max((_memory(each) for each in root.children(recursive=True)), default=0.0)
    print(f"{tool}: {links / seconds:,.0f} links/s", file=sys.stderr)
    return Run(tool, links, seconds, cpu_s, memory)


def _cpu(root: psutil.Process) -> float:
    total = 0.0
    for each in root.children(recursive=True):
        times = each.cpu_times()
        total += times.user + times.system
    return total


def _memory(process: psutil.Process) -> float:
    return float(process.memory_info().rss) / 2**20
