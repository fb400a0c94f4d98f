import random
from collections import Counter

import pytest

from tasks.links.sketch import Percentiles, bucket_of, percentiles


@pytest.mark.parametrize("latency_ms", [0.05, 1.0, 12.5, 999.0, 60_000.0])
def test_a_single_latency_comes_back_within_its_error(latency_ms: float) -> None:
    found = percentiles(Counter([bucket_of(latency_ms)]))
    assert found
    assert (found.p50_ms, found.p99_ms) == (pytest.approx(latency_ms, rel=0.025),) * 2


def test_percentiles_of_parts_added_up_are_those_of_the_whole() -> None:
    latencies = [random.Random(7).lognormvariate(4, 1) for _ in range(5000)]
    parts = [Counter(map(bucket_of, latencies[start::7])) for start in range(7)]
    found = percentiles(sum(parts, Counter()))
    in_order = sorted(latencies)
    exact = Percentiles(*(in_order[int(len(in_order) * share) - 1] for share in (0.5, 0.95, 0.99)))
    assert found
    assert (found.p50_ms, found.p95_ms, found.p99_ms) == (
        pytest.approx(exact.p50_ms, rel=0.03),
        pytest.approx(exact.p95_ms, rel=0.03),
        pytest.approx(exact.p99_ms, rel=0.03),
    )


def test_of_nothing_there_are_no_percentiles_and_no_time_at_all_is_the_shortest() -> None:
    assert percentiles(Counter()) is None
    assert bucket_of(0.0) == bucket_of(0.001)
