import uuid
from datetime import UTC, datetime, timedelta

import pytest

from tasks.links.record import next_slot

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)


@pytest.mark.parametrize("interval_s", [1, 60, 3600, 86_400, 30 * 86_400])
def test_the_next_check_is_never_sooner_than_half_an_interval_and_never_later_than_one_and_a_half(
    interval_s: int,
) -> None:
    for _ in range(50):
        wait = next_slot(uuid.uuid4(), interval_s, NOON) - NOON
        assert timedelta(seconds=interval_s / 2 - 1) <= wait <= timedelta(seconds=interval_s * 1.5 + 1)


def test_links_that_came_together_are_checked_at_different_times() -> None:
    slots = {next_slot(uuid.uuid4(), 86_400, NOON) for _ in range(100)}
    assert len(slots) > 90


def test_a_link_keeps_its_own_time_of_day() -> None:
    link = uuid.uuid4()
    first = next_slot(link, 86_400, NOON)
    assert next_slot(link, 86_400, first) == first + timedelta(days=1)
