import uuid
from datetime import UTC, datetime, timedelta

import pytest

from tasks.links.freeze import FreezeRules, Holding, Seen, Storm, hold, storm
from tasks.links.verdict import Reason
from tests.conftest import MakeDatabase
from tests.tasks.links.results import result

NOON = datetime(2030, 1, 1, 12, tzinfo=UTC)
RULES = FreezeRules(share=0.5, hosts=3, longest_s=600)


def seen(state: str, reason: Reason, count: int, hosts: int = 100) -> list[Seen]:
    return [Seen(state, f"{number % hosts}.example", result(reason, NOON)) for number in range(count)]


@pytest.mark.parametrize(
    ("part", "expected"),
    [
        ([], None),
        (seen("up", Reason.TIMEOUT_CONNECT, 10), Storm(10, 10, 10)),
        (seen("up", Reason.TIMEOUT_CONNECT, 6) + seen("up", Reason.OK, 5), Storm(6, 11, 6)),
        # Not more than half.
        (seen("up", Reason.TIMEOUT_CONNECT, 5) + seen("up", Reason.OK, 5), None),
        # One host that is down is one host that is down.
        (seen("up", Reason.TIMEOUT_CONNECT, 10, hosts=2), None),
        # A page that is gone is not the network's fault.
        (seen("up", Reason.HTTP_404, 10), None),
        # A list of dead links is no storm.
        (seen("broken", Reason.TIMEOUT_CONNECT, 10), None),
        (seen("pending", Reason.TIMEOUT_CONNECT, 10), None),
        (seen("broken", Reason.TIMEOUT_CONNECT, 90) + seen("degraded", Reason.CONNECTION_RESET, 4), Storm(4, 4, 4)),
        (seen("up", Reason.MAINTENANCE, 90) + seen("up", Reason.HTTP_5XX, 4), Storm(4, 4, 4)),
    ],
)
def test_many_links_of_many_hosts_that_fail_together_are_a_storm(part: list[Seen], expected: Storm | None) -> None:
    assert storm(part, RULES) == expected


def test_a_storm_is_announced_once_and_disbelieved_for_a_while(database: MakeDatabase) -> None:
    sessions, workspace = database("links"), uuid.uuid4()

    def at(seconds: float) -> Holding:
        with sessions.begin() as session:
            return hold(session, workspace, NOON + timedelta(seconds=seconds), RULES)

    assert at(0) == Holding(active=True, began=True)
    assert at(300) == Holding(active=True)
    assert at(599) == Holding(active=True)
    # What lasts is the world's fault, not ours …
    assert at(700) == Holding(active=False)
    assert at(1200) == Holding(active=False)
    # … until it was over for a while.
    assert at(1900) == Holding(active=True, began=True)
