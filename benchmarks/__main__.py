"""Runs the benchmarks: `python -m benchmarks`."""

from benchmarks.links import main

main()
