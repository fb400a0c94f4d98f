"""The page of results, docs/reference/benchmarks.md: each benchmark writes its own section of it."""

from __future__ import annotations

import argparse
import os
import platform
import re
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

PAGE = Path(__file__).parents[1] / "docs" / "reference" / "benchmarks.md"
HEAD = """\
# Benchmarks

<!-- Written by `python -m benchmarks --write`; do not edit. -->

What we claim about speed, measured by programs that anyone can run; [Measure the speed](../how-to/measure-the-speed.md)
says how each number comes about. All processes, the servers under test among them, share one machine, and everything is
on loopback. Commits wait for the disk.
"""
# The order of the page.
TITLES = (
    "Links a second",
    "Slow and dead hosts",
    "Growth of one batch",
    "The schedule",
    "Checks counted",
    "One link beside an import",
    "The relay",
    "Backup and restore",
)
HEADING = re.compile(r"^## (.+)\n", re.MULTILINE)


@dataclass(frozen=True)
class Benchmark:
    """A program that measures something: `python -m benchmarks.<name>`.

    `measure` returns its section as Markdown; `options` adds what can be asked of it.
    """

    name: str
    title: str
    options: Callable[[argparse.ArgumentParser], None]
    measure: Callable[[argparse.Namespace], str]

    def main(self, arguments: Sequence[str] | None = None) -> None:
        """Measure, print the section, and write it to the page where `--write` says so."""
        parser = argparse.ArgumentParser(
            prog=f"python -m benchmarks.{self.name}", formatter_class=argparse.ArgumentDefaultsHelpFormatter
        )
        self.options(parser)
        parser.add_argument("--write", action="store_true", help=f"replace the section of {PAGE.name}")
        options = parser.parse_args(arguments)
        command = f"`python -m benchmarks.{self.name} {_given(options)}`"
        machine = where()
        section = f"{self.measure(options)}\n\n{command}, {machine}.\n"
        print(section)
        if options.write:
            text = PAGE.read_text(encoding="utf-8") if PAGE.exists() else HEAD
            PAGE.write_text(with_section(text, self.title, section), encoding="utf-8")


def _given(options: argparse.Namespace) -> str:
    """The options as they would be written, defaults too: these may change."""
    words = []
    for name, value in vars(options).items():
        for each in value if isinstance(value, list) else [value]:
            words += [f"--{name.replace('_', '-')} {each}"] * (name != "write")
    return " ".join(words)


def with_section(page: str, title: str, section: str) -> str:
    """The page with this section instead of the one of that title, in the order of `TITLES`."""
    _, *rest = HEADING.split(page)
    sections = dict(zip(rest[::2], rest[1::2], strict=True)) | {title: f"\n{section}"}
    parts = [f"## {each}\n\n{sections[each].strip()}\n" for each in TITLES if each in sections]
    return "\n".join([HEAD, *parts])


def table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table; all columns but the first are numbers."""
    lines = [heads, ["---", *["---:"] * (len(heads) - 1)], *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def progress(words: str) -> None:
    """Tell whoever waits for it."""
    print(words, file=sys.stderr, flush=True)


def where() -> str:
    """When, on what machine, and how much that had to do before."""
    return (
        f"{datetime.now(UTC):%Y-%m-%d}: {os.cpu_count()} cores ({_processor()}), {_memory_gib()} GiB, "
        f"{platform.system()} {platform.release().split('-')[0]}, Python {platform.python_version()}, "
        f"load before {os.getloadavg()[0]:.1f}"
    )


def _processor() -> str:
    found = re.search(r"^model name\s*: (.+)$", Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    return found[1] if found else platform.machine()


def _memory_gib() -> int:
    return round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30)
