"""What is over is forgotten after its time, a few rows at each tick, and nothing that is not."""

import uuid
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from config.settings import Intake, Links, Notifications
from tasks import retention, wire
from tasks.database import Sessions
from tasks.intake.handlers import sweep
from tasks.intake.messages import SweepSubmissions
from tasks.intake.models import SUBMISSION
from tasks.links.handlers import lease_due
from tasks.links.messages import LeaseDueLinks
from tasks.links.models import JOBS
from tasks.notifications.handlers import retry_deliveries
from tasks.notifications.messages import RetryDeliveries
from tasks.notifications.models import DELIVERIES
from tasks.rows import insert_rows
from tests.conftest import MakeDatabase

NOW = datetime.now(UTC)
KEY = bytes(32)


def tick_intake(sessions: Sessions, days: int) -> None:
    sweep(SweepSubmissions(), sessions=sessions, settings=Intake(jobs_days=days))


def tick_links(sessions: Sessions, days: int) -> None:
    lease_due(LeaseDueLinks(), sessions=sessions, settings=Links(jobs_days=days))


def tick_notifications(sessions: Sessions, days: int) -> None:
    retry_deliveries(RetryDeliveries(), sessions=sessions, settings=Notifications(key=KEY, deliveries_days=days))


def submission(at: datetime, over: bool) -> dict[str, Any]:
    words = {"kind": "links", "total": 1, "actor": "", "traceparent": ""}
    return {**words, "created_at": at, "finished_at": at if over else None}


def job(at: datetime, over: bool) -> dict[str, Any]:
    counts = {"total": 1, "done": int(over), "verdicts": {"ok": 1} if over else {}}
    return {**counts, "started_at": at, "finished_at": at if over else None}


def delivery(at: datetime, over: bool) -> dict[str, Any]:
    words = dict.fromkeys(("channel_kind", "subject", "title", "body", "payload", "traceparent"), "")
    state = (
        {"state": "failed", "error": "gone", "finished_at": at}
        if over
        else {"state": "pending", "error": "", "finished_at": None}
    )
    return {**words, **state, "event_id": uuid.uuid4(), "leased_until": NOW + timedelta(days=1), "created_at": at}


KINDS = [
    ("intake", SUBMISSION, submission, tick_intake),
    ("links", JOBS, job, tick_links),
    ("notifications", DELIVERIES, delivery, tick_notifications),
]


@pytest.mark.parametrize(("service", "table", "row", "tick"), KINDS, ids=[kind[0] for kind in KINDS])
def test_what_is_over_is_forgotten_after_its_time(
    service: str, table: Any, row: Callable[..., dict[str, Any]], tick: Callable[..., None], database: MakeDatabase
) -> None:
    sessions = database(service)
    old, recent = NOW - timedelta(days=11), NOW - timedelta(days=9)
    made = {
        (at, over): {"id": id_at(at), "workspace_id": uuid.uuid4(), **row(at, over)}
        for at in (old, recent)
        for over in (True, False)
    }
    with sessions.begin() as session:
        for each in made.values():
            insert_rows(session, table, [each])
    tick(sessions, 0)
    assert kept(sessions, table) == {each["id"] for each in made.values()}
    tick(sessions, 10)
    assert kept(sessions, table) == {each["id"] for each in made.values()} - {made[old, True]["id"]}


def test_a_tick_forgets_no_more_than_it_may(database: MakeDatabase) -> None:
    sessions = database("intake")
    old = NOW - timedelta(days=11)
    rows = [
        {"id": id_at(old), "workspace_id": uuid.uuid4(), **submission(old, True)} for _ in range(retention.AT_ONCE + 1)
    ]
    with sessions.begin() as session:
        insert_rows(session, SUBMISSION, rows)
    tick_intake(sessions, 10)
    assert len(kept(sessions, SUBMISSION)) == 1
    tick_intake(sessions, 10)
    assert kept(sessions, SUBMISSION) == set()


def test_a_job_that_never_ended_is_forgotten_a_month_later(database: MakeDatabase) -> None:
    sessions = database("links")
    begun = NOW - timedelta(days=41)
    with sessions.begin() as session:
        insert_rows(session, JOBS, [{"id": id_at(begun), "workspace_id": uuid.uuid4(), **job(begun, False)}])
    tick_links(sessions, 12)
    assert len(kept(sessions, JOBS)) == 1
    tick_links(sessions, 10)
    assert kept(sessions, JOBS) == set()


def id_at(at: datetime) -> uuid.UUID:
    return uuid.UUID(int=wire.first_id(at).int + uuid.uuid4().int % 2**64)


def kept(sessions: Sessions, table: Any) -> set[uuid.UUID]:
    with sessions() as session:
        return set(session.scalars(select(table.c.id)))
