"""Runs benchmarks one after the other: `python -m benchmarks [NAME …] [--write]`, all of them without a name."""

from __future__ import annotations

import argparse

from benchmarks import backup, growth, interactive, links, relay, rollup, schedule, troubled

ALL = {
    each.BENCHMARK.name: each.BENCHMARK
    for each in (links, troubled, growth, schedule, rollup, interactive, relay, backup)
}


def main() -> None:
    """Each with its defaults; `python -m benchmarks.NAME --help` says what else can be asked of one."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=main.__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(ALL))
    parser.add_argument("--write", action="store_true", help="write the results to docs/reference/benchmarks.md")
    options = parser.parse_args()
    if unknown := set(options.names) - set(ALL):
        parser.error(f"there is no benchmark {', '.join(sorted(unknown))}; there are {', '.join(ALL)}")
    for name in options.names or ALL:
        ALL[name].main(["--write"] if options.write else [])


main()
