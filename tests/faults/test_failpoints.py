"""Processes die between any two steps of the path, and what was accepted takes effect once."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from config.failpoints import POINTS
from tests.faults import stage
from tests.faults.stage import LATE_S, Stage
from tests.faults.stories import dies_at

# A round takes seconds on a machine that does nothing else.
pytestmark = [pytest.mark.servers, pytest.mark.long, pytest.mark.timeout(900)]

# In each round these points are all reached, each process's in turn, and whoever does dies.
ROUNDS = (
    (
        "front.accepting",
        "relay.claimed",
        "intake.finish.taken",
        "links.check.taken",
        "notifications.tell.written",
        "notifications.settle.committed",
        "audit.record.written",
    ),
    (
        "front.written",
        "relay.published",
        "intake.finish.written",
        "links.check.leased",
        "notifications.send.written",
        "notifications.tell.committed",
        "audit.record.committed",
    ),
    (
        "front.committed",
        "relay.confirmed",
        "intake.finish.committed",
        "links.check.fetched",
        "notifications.claim.written",
        "notifications.retry.written",
        "audit.hear.written",
    ),
    (
        "relay.settled",
        "intake.sweep.sent",
        "links.check.written",
        "links.lease.written",
        "notifications.claim.committed",
        "notifications.deliver.sent",
        "audit.hear.committed",
    ),
    (
        "relay.committed",
        "intake.sweep.written",
        "links.check.committed",
        "links.lease.committed",
        "notifications.send.committed",
        "notifications.settle.written",
        "notifications.retry.committed",
    ),
    ("intake.sweep.committed",),
)


@pytest.fixture(scope="module")
def standing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    with stage.standing(tmp_path_factory.mktemp("stage")) as stands:
        yield stands


@pytest.mark.parametrize("points", ROUNDS, ids=" ".join)
def test_what_was_accepted_takes_effect_once_though_processes_die_at(standing: Stage, points: tuple[str, ...]) -> None:
    assert dies_at(*points)(standing, LATE_S).faults == []


def test_every_point_has_its_round() -> None:
    assert sorted(point for points in ROUNDS for point in points) == sorted(POINTS)
