"""Pure: latencies in buckets whose borders grow by 5 %, so that those of many hours and links can be added up.

A percentile read from them is at most 2.5 % beside the real one. Bucket n holds what is above GAMMA^(n-1) milliseconds
and at most GAMMA^n; that of the shortest is that of SHORTEST_MS.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from math import ceil, log

GAMMA = 1.05
SHORTEST_MS = 0.01


@dataclass(frozen=True, slots=True)
class Percentiles:
    """In milliseconds."""

    p50_ms: float
    p95_ms: float
    p99_ms: float


def bucket_of(latency_ms: float) -> int:
    """Where a latency is counted; `BUCKET` in `rollup` says the same to the database."""
    return ceil(log(max(latency_ms, SHORTEST_MS)) / log(GAMMA))


def percentiles(counted: Counter[int]) -> Percentiles | None:
    """Those of latencies counted by bucket; None where there are none."""
    total = sum(counted.values())
    if not total:
        return None
    in_order = sorted(counted.items())
    return Percentiles(*(_at(in_order, share * total) for share in (0.50, 0.95, 0.99)))


def _at(in_order: Sequence[tuple[int, int]], rank: float) -> float:
    seen = accumulate(count for _, count in in_order)
    bucket = next(bucket for (bucket, _), until in zip(in_order, seen, strict=True) if until >= rank)
    # The middle of a bucket is as far from its lower border as from its upper one, in proportion.
    return round(GAMMA**bucket * 2 / (GAMMA + 1), 3)
