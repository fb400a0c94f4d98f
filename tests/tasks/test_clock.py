"""One clock for a service's processes: the database's."""

import time
from datetime import UTC, datetime, timedelta

from sqlalchemy import text

from tasks import clock
from tasks.clock import Clock
from tests.conftest import MakeDatabase


def test_before_anybody_was_asked_it_is_the_machines_time_and_old() -> None:
    found = Clock()
    assert abs(found.now() - datetime.now(UTC)) < timedelta(seconds=5)
    assert found.is_old


def test_it_goes_by_what_it_was_told_and_goes_on() -> None:
    found = Clock()
    found.set(datetime(2001, 2, 3, 4, 5, tzinfo=UTC))
    first = found.now()
    time.sleep(0.05)
    assert datetime(2001, 2, 3, 4, 5, tzinfo=UTC) <= first < found.now() < datetime(2001, 2, 3, 4, 6, tzinfo=UTC)
    assert not found.is_old


def test_a_process_that_has_asked_its_database_tells_its_time(database: MakeDatabase) -> None:
    sessions = database("accounts")
    with sessions() as session:
        told = session.execute(text("SELECT clock_timestamp()")).scalar_one()
    assert abs(clock.now() - told) < timedelta(seconds=5)
