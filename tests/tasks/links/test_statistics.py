"""Checks counted once their hour is over, and read as uptime and latency from whatever is counted by then."""

import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select, text, update

from config.settings import Links
from tasks.database import Sessions
from tasks.links import changes, history, maintenance, rollup, statistics
from tasks.links.models import Incident, Link, LinkDay, LinkHour, Maintained, Pause, Window, WorkspaceHour
from tasks.wire import first_id
from tests.conftest import MakeDatabase
from tests.tasks.links.test_changes import ME, VAULT
from tests.tasks.links.test_handlers import URL, WORKSPACE, Answers, check, part
from tests.tasks.links.test_history import LINK

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
NOW = datetime.now(UTC).replace(hour=12, minute=30, second=0, microsecond=0) - DAY
NOON = NOW.replace(minute=0)


@pytest.fixture
def sessions(database: MakeDatabase) -> Sessions:
    """A link that was added ten days ago."""
    made = database("links")
    check(made, Answers(at=NOW - 10 * DAY), part(URL, at=NOW - 10 * DAY))
    with made.begin() as session:
        session.execute(text("DELETE FROM checks"))
    return made


def put(sessions: Sessions, at: datetime, verdict: str = "ok", total_ms: float | None = 100.0, **other: Any) -> None:
    """A check as it was written at that time."""
    row = {
        "id": uuid.UUID(int=first_id(at).int + (7 << 76) + uuid.uuid4().int % (1 << 60)),
        "workspace": WORKSPACE,
        "link": LINK,
        "at": at,
        "verdict": verdict,
        "status": 200 if total_ms else None,
        "total": total_ms,
    } | other
    with sessions.begin() as session:
        session.execute(
            text(
                "INSERT INTO checks (id, workspace_id, link_id, verdict, reason, permanence, status_code, total_ms,"
                " attempts, bytes_read, worker, scheduled_at, started_at, checked_at)"
                " VALUES (:id, :workspace, :link, :verdict, 'ok', CASE :verdict WHEN 'broken' THEN 'hard' END, :status,"
                " :total, 1, 0, 'links', :at, :at, :at)"
            ),
            row,
        )


def fail(sessions: Sessions, start: datetime, end: datetime | None) -> None:
    with sessions.begin() as session:
        session.add(
            Incident(
                id=uuid.uuid4(), workspace_id=WORKSPACE, link_id=LINK, reason="http_404", detail="",
                started_at=start, opened_at=start, resolved_at=end,
            )
        )  # fmt: skip


def rolled(sessions: Sessions, table: type[LinkHour | LinkDay]) -> list[tuple[datetime, int, int, int, list[int]]]:
    with sessions() as session:
        rows = session.scalars(select(table).order_by(table.at))
        return [(row.at, row.ok, row.broken, row.skipped, row.counts) for row in rows]


def uptime(sessions: Sessions, window: timedelta = DAY, now: datetime = NOW) -> statistics.UptimeView:
    with sessions() as session:
        found = statistics.get_uptime(session, WORKSPACE, LINK, window, now)
    assert found
    return found


def latency(sessions: Sessions, window: timedelta = DAY, now: datetime = NOW) -> statistics.LatencyView:
    with sessions() as session:
        found = statistics.get_latency(session, WORKSPACE, LINK, window, now)
    assert found
    return found


def summary(sessions: Sessions, tag: str = "", now: datetime = NOW) -> statistics.SummaryView:
    with sessions() as session:
        return statistics.get_summary(session, WORKSPACE, tag, DAY, now)


def run_until(sessions: Sessions, now: datetime) -> None:
    """Ticks until all is counted."""
    for _ in range(8):
        rollup.run(sessions, now)


def test_an_hour_is_counted_once_when_nothing_can_come_any_more(sessions: Sessions) -> None:
    put(sessions, NOON - HOUR, total_ms=100)
    put(sessions, NOON - HOUR + timedelta(minutes=59), total_ms=100)
    put(sessions, NOON - HOUR, "broken", total_ms=None)
    put(sessions, NOON, "skipped", total_ms=None)
    rollup.run(sessions, NOON + timedelta(minutes=9))
    assert rolled(sessions, LinkHour) == []
    for minutes in (10, 15, 70, 75):
        rollup.run(sessions, NOON + timedelta(minutes=minutes))
    assert rolled(sessions, LinkHour) == [(NOON - HOUR, 2, 1, 0, [2]), (NOON, 0, 0, 1, [])]


def test_counting_again_says_the_same_and_takes_in_what_came_late(sessions: Sessions) -> None:
    put(sessions, NOON - 2 * HOUR)
    run_until(sessions, NOON + HOUR)
    before = rolled(sessions, LinkHour)
    with sessions.begin() as session:
        session.execute(text("UPDATE rolled_up SET until = :at"), {"at": NOON - 2 * HOUR})
    run_until(sessions, NOON + HOUR)
    assert rolled(sessions, LinkHour) == before
    # Written by a worker whose clock was two hours slow.
    put(sessions, NOON - HOUR)
    run_until(sessions, NOON + DAY)
    assert rolled(sessions, LinkHour) == before
    assert [(row[1], row[4]) for row in rolled(sessions, LinkDay)] == [(2, [2])]


def test_checks_of_a_job_alone_are_not_counted(sessions: Sessions) -> None:
    put(sessions, NOON - HOUR, link=uuid.uuid4())
    run_until(sessions, NOW)
    assert rolled(sessions, LinkHour) == []


def test_a_link_reads_the_same_whether_its_checks_are_counted_or_not(sessions: Sessions) -> None:
    for hours in range(0, 60, 7):
        put(sessions, NOON - hours * HOUR, total_ms=50 + hours)
    put(sessions, NOON - HOUR, "broken", total_ms=None)
    for window in (DAY, 7 * DAY, 30 * DAY):
        before = (uptime(sessions, window), latency(sessions, window))
        for now in (NOW - 40 * HOUR, NOW):
            run_until(sessions, now)
            assert (uptime(sessions, window), latency(sessions, window)) == before
        with sessions.begin() as session:
            session.execute(text("TRUNCATE rolled_up, link_hours, link_days"))
    assert uptime(sessions).checks == {"ok": 4, "degraded": 0, "broken": 1, "inconclusive": 0, "skipped": 0}


def test_latency_is_a_point_an_hour_or_a_day_and_nothing_where_nobody_answered(sessions: Sessions) -> None:
    for total_ms in (100.0, 200.0, None):
        put(sessions, NOON - 2 * HOUR, total_ms=total_ms)
    put(sessions, NOON - HOUR, "broken", total_ms=None)
    hours = latency(sessions)
    assert (hours.step_s, hours.checks, len(hours.points)) == (3600, 2, 1)
    assert hours.points[0].at == NOON - 2 * HOUR
    assert (hours.p50_ms, hours.p99_ms) == (pytest.approx(100, rel=0.025), pytest.approx(200, rel=0.025))
    assert latency(sessions, 30 * DAY).step_s == 86_400


def test_uptime_is_the_time_outside_of_incidents(sessions: Sessions) -> None:
    fail(sessions, NOW - 30 * HOUR, NOW - 21 * HOUR)
    fail(sessions, NOW - 3 * HOUR, None)
    day = uptime(sessions)
    assert (day.down_s, day.watched_s, day.incidents, day.uptime) == (6 * 3600, 86_400, 2, 0.75)
    # Of a month it was there for ten days.
    assert uptime(sessions, 30 * DAY).watched_s == 10 * 86_400


def test_what_was_paused_is_not_down_and_not_up(sessions: Sessions) -> None:
    fail(sessions, NOW - 6 * HOUR, None)
    with sessions.begin() as session:
        session.add(Pause(id=uuid.uuid4(), link_id=LINK, started_at=NOW - 4 * HOUR, ended_at=NOW - HOUR))
    day = uptime(sessions)
    assert (day.down_s, day.excused_s, day.watched_s) == (3 * 3600, 3 * 3600, 21 * 3600)
    assert day.uptime == pytest.approx(1 - 3 / 21, abs=1e-6)


def test_pausing_and_resuming_are_noted(sessions: Sessions) -> None:
    for paused in (True, True, False, False, True):
        with sessions.begin() as session:
            changes.edit(session, WORKSPACE, LINK, [], {"paused": paused}, ME, VAULT)
    with sessions() as session:
        pauses = session.scalars(select(Pause).order_by(Pause.started_at)).all()
    assert [each.ended_at is None for each in pauses] == [False, True]


def window(sessions: Sessions, start: datetime, hours: int, rrule: str = "", **scope: str) -> uuid.UUID:
    identity = uuid.uuid4()
    with sessions.begin() as session:
        session.add(
            Window(
                id=identity, workspace_id=WORKSPACE, name="night", starts_at=start, duration_s=hours * 3600,
                rrule=rrule, timezone="UTC", **scope,
            )
        )  # fmt: skip
    return identity


def test_maintenance_is_not_down_whatever_becomes_of_its_window(sessions: Sessions) -> None:
    fail(sessions, NOW - 6 * HOUR, None)
    maintenance.note(sessions, NOW - 8 * HOUR)
    gone = window(sessions, NOW - 5 * HOUR, 2, host="a.example")
    window(sessions, NOW - 4 * HOUR, 2, rrule="FREQ=DAILY")
    window(sessions, NOW - 5 * HOUR, 5, tag="another")
    maintenance.note(sessions, NOW - 4.5 * HOUR)
    with sessions.begin() as session:
        session.execute(text("DELETE FROM windows WHERE id = :id"), {"id": gone})
    maintenance.note(sessions, NOW - 4 * HOUR)
    # The beat was away for a while: what opened meanwhile is noted all the same.
    maintenance.note(sessions, NOW)
    day = uptime(sessions)
    # From five to four hours ago by the one that was deleted then, and two hours by the other.
    assert (day.excused_s, day.down_s) == (3 * 3600, 3 * 3600)


def test_a_window_that_is_open_is_noted_once_and_as_long_as_it_is(sessions: Sessions) -> None:
    identity = window(sessions, NOW, 2)
    for minutes in (0, 1, 2):
        maintenance.note(sessions, NOW + timedelta(minutes=minutes))
    with sessions.begin() as session:
        session.execute(update(Window).where(Window.id == identity).values(duration_s=4 * 3600))
    maintenance.note(sessions, NOW + timedelta(minutes=3))
    with sessions() as session:
        [noted] = session.scalars(select(Maintained)).all()
    assert (noted.started_at, noted.ended_at) == (NOW, NOW + 4 * HOUR)


def test_a_workspace_and_its_tags_are_summed_up_hour_by_hour(sessions: Sessions) -> None:
    with sessions.begin() as session:
        session.execute(update(Link).values(tags=["docs", "eu"]))
    put(sessions, NOON - 2 * HOUR, total_ms=100)
    put(sessions, NOON - HOUR, "broken", total_ms=None)
    fail(sessions, NOON - HOUR, None)
    run_until(sessions, NOW)
    for tag in ("", "docs", "eu"):
        whole = summary(sessions, tag)
        assert (whole.links, whole.uptime, whole.down_s, whole.watched_s) == (1, 0.5, 3600, 7200)
        assert (whole.checks["ok"], whole.checks["broken"]) == (1, 1)
        assert whole.p95_ms == pytest.approx(100, rel=0.025)
        assert (whole.since, whole.until) == (NOON - 2 * HOUR, NOON)
    assert (summary(sessions, "another").links, summary(sessions, "another").uptime) == (0, None)


def test_another_workspaces_link_has_no_statistics(sessions: Sessions) -> None:
    with sessions() as session:
        assert statistics.get_uptime(session, uuid.uuid4(), LINK, DAY, NOW) is None
        assert statistics.get_latency(session, uuid.uuid4(), LINK, DAY, NOW) is None


def test_counts_are_kept_longer_than_checks_and_go_with_a_removed_link(sessions: Sessions) -> None:
    put(sessions, NOON - HOUR)
    run_until(sessions, NOON + DAY)
    history.keep(sessions, NOW, Links())
    history.keep(sessions, NOW + 130 * DAY, Links())
    with sessions() as session:
        assert session.scalar(text("SELECT count(*) FROM checks")) == 0
    assert rolled(sessions, LinkHour) == []
    assert len(rolled(sessions, LinkDay)) == 1
    with sessions.begin() as session:
        changes.remove(session, WORKSPACE, LINK, [], ME)
        while history.forget(session):
            pass
    assert rolled(sessions, LinkDay) == []


def test_two_ticks_at_once_count_an_hour_once(sessions: Sessions) -> None:
    put(sessions, NOON - HOUR)
    rollup.run(sessions, NOON)
    with sessions.begin() as session:
        session.execute(text("SELECT 1 FROM rolled_up FOR UPDATE"))
        rollup.run(sessions, NOW)
        assert rolled(sessions, LinkHour) == []
    rollup.run(sessions, NOW)
    assert len(rolled(sessions, LinkHour)) == 1
    with sessions() as session:
        assert session.scalar(select(WorkspaceHour.ok)) == 1
