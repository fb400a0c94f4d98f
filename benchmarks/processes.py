"""What programs cost: seconds of the clock and of the processors, and memory at its peak, process by process."""

from __future__ import annotations

import os
import subprocess
import threading
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

import psutil

# Reading what a process shares with others walks its memory: often enough for a peak, seldom enough not to weigh.
SAMPLED_EVERY_S = 1.0
# Whose processes have no name of ours; Erlang has helpers.
SERVERS = {
    "postgres": "PostgreSQL",
    "valkey-server": "Valkey",
    "redis-server": "Valkey",
    "python": "supervisord",
    **dict.fromkeys(("beam.smp", "epmd", "erl_child_setup", "inet_gethost", "sh"), "RabbitMQ"),
}
MIB = 2**20


@dataclass
class Peak:
    """Of all processes of one name: how many, MiB of the largest, and of all of them, shared pages counted once."""

    count: int = 0
    largest_mb: float = 0.0
    together_mb: float = 0.0


@dataclass
class Cost:
    """What a piece of work took; filled when its watch ends. Processor time and peaks are by name of process."""

    seconds: float = 0.0
    together_mb: float = 0.0
    cpu_by_name: dict[str, float] = field(default_factory=dict)
    peaks: dict[str, Peak] = field(default_factory=dict)

    @property
    def cpu_s(self) -> float:
        """Seconds of the processors, user and system."""
        return sum(self.cpu_by_name.values())

    @property
    def largest_mb(self) -> float:
        """MiB of the largest process."""
        return max((peak.largest_mb for peak in self.peaks.values()), default=0.0)


@dataclass(frozen=True)
class Ended:
    """A program that ran to its end."""

    status: int
    stdout: str
    stderr: str
    cost: Cost


def run(command: Sequence[str], folder: Path, stdin: Path | None = None) -> Ended:
    """Run a program to its end; its output goes through files, since some cut short what they write to a pipe."""
    files = folder / "stdout", folder / "stderr"
    began = time.monotonic()
    with _opened(stdin) as given, files[0].open("wb") as stdout, files[1].open("wb") as stderr:
        process = subprocess.Popen(command, stdin=given, stdout=stdout, stderr=stderr)
        _, waited, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(waited)
    peak = Peak(1, usage.ru_maxrss / 1024, usage.ru_maxrss / 1024)
    name = command[0]
    cpu_s = {name: usage.ru_utime + usage.ru_stime}
    cost = Cost(time.monotonic() - began, peak.together_mb, cpu_s, {name: peak})
    out, errors = (file.read_text(errors="replace") for file in files)
    return Ended(process.returncode, out, errors, cost)


@contextmanager
def watched(root: psutil.Process) -> Iterator[Cost]:
    """What everything below `root` costs while the context lasts."""
    watch = _Watch(root)
    before, began = watch.cpu_s(), time.monotonic()
    watch.start()
    try:
        yield watch.cost
        watch.cost.seconds = time.monotonic() - began
        watch.cost.cpu_by_name = {name: used - before.get(name, 0.0) for name, used in watch.cpu_s().items()}
    finally:
        watch.end()


class _Watch(threading.Thread):
    def __init__(self, root: psutil.Process) -> None:
        super().__init__(name="watch", daemon=True)
        self.cost = Cost()
        self._root = root
        self._names: dict[int, str] = {}
        self._ended = threading.Event()
        for process in self._all():
            _forget_peak(process.pid)

    def cpu_s(self) -> dict[str, float]:
        """What those that live have used, and those of their children that do not, by name."""
        used: defaultdict[str, float] = defaultdict(float)
        for process in self._all():
            with suppress(psutil.Error):
                used[self._name_of(process)] += sum(process.cpu_times()[:4])
        return used

    def run(self) -> None:
        while not self._ended.wait(SAMPLED_EVERY_S):
            self._sample()

    def end(self) -> None:
        self._ended.set()
        self.join()
        self._sample()

    def _sample(self) -> None:
        now: dict[str, Peak] = {}
        for process in self._all():
            with suppress(psutil.Error, OSError):
                peak = now.setdefault(self._name_of(process), Peak())
                peak.together_mb += _kib(process.pid, "smaps_rollup", "Pss") / 1024
                peak.largest_mb = max(peak.largest_mb, _kib(process.pid, "status", "VmHWM") / 1024)
                peak.count += 1
        self.cost.together_mb = max(self.cost.together_mb, sum(peak.together_mb for peak in now.values()))
        for name, peak in now.items():
            highest = self.cost.peaks.setdefault(name, Peak())
            for figure, value in vars(peak).items():
                setattr(highest, figure, max(getattr(highest, figure), value))

    def _all(self) -> list[psutil.Process]:
        return [self._root, *self._root.children(recursive=True)]

    def _name_of(self, process: psutil.Process) -> str:
        if process.pid not in self._names:
            program = process.name()
            own = process.environ().get("PRANALA_SERVICE_NAME")
            self._names[process.pid] = own or SERVERS.get(program, program)
        return self._names[process.pid]


def _kib(pid: int, file: str, entry: str) -> int:
    """A figure of a file of /proc; a process that is going has none."""
    for line in Path(f"/proc/{pid}/{file}").read_text().splitlines():
        if line.startswith(f"{entry}:"):
            return int(line.split()[1])
    return 0


def _forget_peak(pid: int) -> None:
    with suppress(OSError):
        Path(f"/proc/{pid}/clear_refs").write_text("5")


@contextmanager
def _opened(stdin: Path | None) -> Iterator[IO[bytes] | int]:
    if stdin is None:
        yield subprocess.DEVNULL
    else:
        with stdin.open("rb") as given:
            yield given
