"""History in weeks: made ahead, dropped as a whole, moved by the migration and back, never in a check's way."""

import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from alembic import command
from sqlalchemy import text

from config.settings import Links
from tasks.database import Sessions
from tasks.links import history, queries
from tasks.links.messages import CheckLinks, LinkSpec, link_id
from tasks.links.partitions import WEEK
from tasks.links.verdict import Reason
from tasks.wire import first_id
from tests.conftest import MakeDatabase
from tests.tasks.links.test_handlers import URL, WORKSPACE, Answers, check, part
from workers.migrate import history as migrations

NOW = datetime.now(UTC)
LINK = link_id(WORKSPACE, URL)


@pytest.fixture
def sessions(database: MakeDatabase) -> Sessions:
    return database("links")


def weeks(sessions: Sessions) -> dict[str, int]:
    """The partitions by name, with the rows in each."""
    names = text("SELECT relname FROM pg_inherits JOIN pg_class ON oid = inhrelid WHERE inhparent = 'checks'::regclass")
    with sessions() as session:
        found = sorted(session.execute(names).scalars())
        return {name: session.execute(text(f"SELECT count(*) FROM {name}")).scalar_one() for name in found}


def put(sessions: Sessions, at: datetime, number: int = 0) -> None:
    """A check as it would have been written at that time."""
    identity = uuid.UUID(int=first_id(at).int + (7 << 76) + number)
    with sessions.begin() as session:
        session.execute(
            text(
                "INSERT INTO checks (id, workspace_id, link_id, url, verdict, reason, attempts, bytes_read, worker,"
                " scheduled_at, started_at, checked_at)"
                " VALUES (:id, :workspace, :link, :url, 'ok', 'ok', 1, 0, 'links', :at, :at, :at)"
            ),
            {"id": identity, "workspace": WORKSPACE, "link": LINK, "url": URL, "at": at},
        )


def read(sessions: Sessions, limit: int = 100, after: str = "") -> tuple[list[queries.CheckView], str]:
    with sessions() as session:
        return queries.list_checks(session, WORKSPACE, LINK, limit, after)


def test_weeks_are_made_ahead_and_a_check_falls_into_its_own(sessions: Sessions) -> None:
    history.keep(sessions, NOW, Links(history_days=90))
    history.keep(sessions, NOW, Links(history_days=90))
    made = weeks(sessions)
    assert len(made) in (5, 6)
    for days in range(0, 29, 7):
        put(sessions, NOW + timedelta(days=days))
    assert weeks(sessions)["checks_default"] == 0
    assert len(read(sessions)[0]) == 5


def test_what_is_older_than_it_is_kept_goes_week_by_week(sessions: Sessions) -> None:
    for week in range(20):
        at = NOW + week * WEEK
        history.keep(sessions, at, Links(history_days=30))
        put(sessions, at)
    kept = [each.scheduled_at for each in read(sessions)[0]]
    end = NOW + 19 * WEEK
    assert kept == [NOW + week * WEEK for week in range(19, 19 - len(kept), -1)]
    assert end - kept[-1] >= timedelta(days=28)
    assert end - kept[-1] < timedelta(days=30) + 2 * WEEK


def test_history_may_be_kept_for_ever(sessions: Sessions) -> None:
    put(sessions, NOW)
    history.keep(sessions, NOW + 200 * WEEK, Links(history_days=0))
    assert len(read(sessions)[0]) == 1


def test_after_a_long_silence_of_the_beat_nothing_was_refused_and_all_of_it_finds_its_week(sessions: Sessions) -> None:
    history.keep(sessions, NOW, Links(history_days=90))
    late = NOW + 10 * WEEK
    for number in range(3):
        put(sessions, late, number)
    put(sessions, late - 2 * WEEK)
    assert weeks(sessions)["checks_default"] == 4
    history.keep(sessions, late, Links(history_days=90))
    assert weeks(sessions)["checks_default"] == 0
    assert len(read(sessions)[0]) == 4


def test_years_of_silence_do_not_make_years_of_empty_weeks(sessions: Sessions) -> None:
    put(sessions, NOW + 150 * WEEK)
    history.keep(sessions, NOW + 150 * WEEK, Links(history_days=30))
    assert len(weeks(sessions)) < 15
    assert len(read(sessions)[0]) == 1


def test_while_somebody_holds_the_table_the_tick_gives_up_and_the_next_one_does_it(sessions: Sessions) -> None:
    with sessions.begin() as session:
        session.execute(text("LOCK TABLE checks_default IN ROW EXCLUSIVE MODE"))
        history.keep(sessions, NOW, Links(history_days=90))
        assert len(weeks(sessions)) == 2
    history.keep(sessions, NOW, Links(history_days=90))
    assert len(weeks(sessions)) > 2


def test_a_page_of_history_goes_on_over_the_border_of_weeks(sessions: Sessions) -> None:
    for week in range(6):
        history.keep(sessions, NOW + week * WEEK, Links(history_days=90))
        for number in range(2):
            put(sessions, NOW + week * WEEK, number)
    found: list[queries.CheckView] = []
    after = ""
    while True:
        page, after = read(sessions, 5, after)
        found += page
        if not after:
            break
    assert [each.id for each in found] == sorted({each.id for each in found}, reverse=True)
    assert len(found) == 12


def test_checks_of_a_removed_link_are_gone_with_it_and_those_of_a_job_alone_are_not(sessions: Sessions) -> None:
    kept, passing = uuid.uuid4(), uuid.uuid4()
    check(sessions, Answers(), part(URL, job=kept, total=1))
    check(sessions, Answers(), CheckLinks(uuid.uuid4(), WORKSPACE, NOW, (LinkSpec(URL),), passing, 1, keep=False))
    with sessions.begin() as session:
        session.execute(text("DELETE FROM links"))
    with sessions() as session:
        found = {job: queries.list_results(session, WORKSPACE, job, 10, "", "")[0] for job in (kept, passing)}
    assert found[kept] == []
    assert [each.url for each in found[passing]] == [URL]


def test_the_migration_moves_no_row_and_loses_none_there_and_back(sessions: Sessions) -> None:
    url = sessions.kw["bind"].url.render_as_string(hide_password=False)
    check(sessions, Answers(), part(URL, job=uuid.uuid4(), total=1))
    check(sessions, Answers(Reason.HTTP_404), part("https://b.example/"))
    before = every(sessions)
    command.downgrade(migrations("links", url), "0002")
    with sessions() as session:
        old = session.execute(text("SELECT url, final_url, hops, timings_ms, methods, detail FROM checks")).all()
    assert ("https://a.example/", "https://a.example/", {"total": 12.5}, ["HEAD", "GET"], "") in [
        (row.url, row.final_url, row.timings_ms, row.methods, row.detail) for row in old
    ]
    assert all(row.hops == [{"url": row.url, "status": 200, "ip": "192.0.2.1"}] for row in old)
    command.upgrade(migrations("links", url), "head")
    assert weeks(sessions) == {"checks_default": 0, "checks_first": 2}
    assert every(sessions) == before
    check(sessions, Answers(at=NOW), part(URL, at=NOW))
    assert len(read(sessions)[0]) == 2


def every(sessions: Sessions) -> list[Any]:
    with sessions() as session:
        found = [
            queries.list_checks(session, WORKSPACE, link_id(WORKSPACE, url), 10, "")
            for url in (URL, "https://b.example/")
        ]
    return [view for page, _ in found for view in page]
