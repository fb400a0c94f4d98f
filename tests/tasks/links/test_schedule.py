"""The schedule on a real database: what is due, whose turn it is, and what a part of it finds when it starts."""

import uuid
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest
from sqlalchemy import func, select, update

from config.settings import Links
from tasks.database import Sessions
from tasks.links import record, schedule
from tasks.links.checking import check_links
from tasks.links.handlers import lease_due
from tasks.links.messages import CheckLinks, LeaseDueLinks, LinkSpec, link_id
from tasks.links.models import LINKS, Check, Lease, Link, Outbox, Window
from tasks.links.verdict import Reason
from tasks.rows import insert_rows
from tests.conftest import MakeDatabase
from tests.tasks.links.test_handlers import Answers

LARGE, SMALL = uuid.UUID(int=1 << 120), uuid.UUID(int=2 << 120)
SETTINGS = Links(part_size=10, tick_limit=100, backlog_limit=1000)


@pytest.fixture
def sessions(database: MakeDatabase) -> Sessions:
    return database("links")


def add(sessions: Sessions, workspace: uuid.UUID, count: int, **changes: Any) -> None:
    """Links that were due a minute ago; nobody has checked them yet."""
    at = datetime.now(UTC) - timedelta(minutes=1)
    urls = [f"https://{workspace.int >> 120}.example/{number}" for number in range(count)]
    rows = [record.new_link(workspace, link_id(workspace, url), LinkSpec(url), at, 3600) | changes for url in urls]
    with sessions.begin() as session:
        insert_rows(session, LINKS, rows)


def tick(sessions: Sessions, settings: Links = SETTINGS) -> list[CheckLinks]:
    """The parts that this tick sends."""
    with sessions() as session:
        before = set(session.scalars(select(Outbox.id)))
    lease_due(LeaseDueLinks(), sessions=sessions, settings=settings)
    with sessions() as session:
        sent = session.scalars(select(Outbox).order_by(Outbox.id)).all()
    return [msgspec.json.decode(each.body, type=CheckLinks) for each in sent if each.id not in before]


def links_of(parts: list[CheckLinks]) -> Counter[uuid.UUID]:
    counted: Counter[uuid.UUID] = Counter()
    for part in parts:
        counted[part.workspace_id] += len(part.links)
    return counted


def checked(sessions: Sessions) -> list[str]:
    with sessions() as session:
        return list(session.scalars(select(Check.reason)))


def test_a_workspace_with_many_due_links_leaves_room_for_one_with_few(sessions: Sessions) -> None:
    add(sessions, LARGE, 300, next_check_at=datetime.now(UTC) - timedelta(days=1))
    add(sessions, SMALL, 10)
    parts = tick(sessions)
    assert links_of(parts) == {LARGE: 90, SMALL: 10}
    # The small one's part is among the first, not behind all of the large one's.
    assert SMALL in [part.workspace_id for part in parts[:2]]


def test_where_there_are_more_workspaces_than_room_the_longest_waiting_go_first(sessions: Sessions) -> None:
    for number in range(1, 6):
        add(sessions, uuid.UUID(int=number << 120), 2, next_check_at=datetime.now(UTC) - timedelta(hours=number))
    parts = tick(sessions, Links(tick_limit=3, part_size=10))
    assert sorted(part.workspace_id.int >> 120 for part in parts) == [3, 4, 5]


def test_a_tick_stops_where_too_many_links_wait_already_and_goes_on_when_they_are_done(sessions: Sessions) -> None:
    add(sessions, LARGE, 50)
    settings = Links(part_size=10, tick_limit=100, backlog_limit=20)
    first = tick(sessions, settings)
    assert links_of(first) == {LARGE: 20}
    assert tick(sessions, settings) == []
    check_links(first[0], sessions=sessions, checker=Answers(at=datetime.now(UTC)), settings=settings)
    assert links_of(tick(sessions, settings)) == {LARGE: 10}


def test_after_an_hour_without_ticks_the_schedule_catches_up_at_its_own_pace_and_checks_nothing_twice(
    sessions: Sessions,
) -> None:
    add(sessions, LARGE, 60, next_check_at=datetime.now(UTC) - timedelta(hours=1))
    settings = Links(part_size=10, tick_limit=20, backlog_limit=30)
    sent = [tick(sessions, settings) for _ in range(3)]
    assert [sum(len(part.links) for part in parts) for parts in sent] == [20, 10, 0]
    while parts := [part for each in sent for part in each]:
        with sessions.begin() as session:
            for part in parts:
                schedule.release(session, [part.part_id])
        asked = [spec.url for part in parts for spec in part.links]
        assert len(asked) == len(set(asked)) <= 30
        sent = [tick(sessions, settings), tick(sessions, settings)]
    with sessions() as session:
        leased = select(func.count()).select_from(Link).where(Link.next_check_at > func.now())
        assert session.scalar(leased) == 60


def test_what_a_lost_part_held_is_due_again_when_its_lease_ends(sessions: Sessions) -> None:
    add(sessions, LARGE, 5)
    assert links_of(tick(sessions)) == {LARGE: 5}
    with sessions.begin() as session:
        session.execute(update(Lease).values(ends_at=datetime.now(UTC) - timedelta(seconds=1)))
        session.execute(update(Link).values(next_check_at=datetime.now(UTC)))
    assert links_of(tick(sessions)) == {LARGE: 5}


def test_a_paused_link_is_not_scheduled(sessions: Sessions) -> None:
    add(sessions, LARGE, 5, paused=True)
    assert tick(sessions) == []


def test_a_part_leaves_out_what_was_paused_removed_or_checked_since_it_was_sent(sessions: Sessions) -> None:
    add(sessions, LARGE, 4)
    [part] = tick(sessions)
    paused, removed, done, left = part.links
    with sessions.begin() as session:
        session.execute(update(Link).where(Link.url == paused.url).values(paused=True))
        session.execute(LINKS.delete().where(LINKS.c.url == removed.url))
        session.execute(update(Link).where(Link.url == done.url).values(last_checked_at=datetime.now(UTC)))
    checker = Answers(at=datetime.now(UTC))
    check_links(part, sessions=sessions, checker=checker, settings=SETTINGS)
    assert [target.url for target in checker.asked] == [left.url]
    with sessions() as session:
        assert session.get(Link, link_id(LARGE, removed.url)) is None
        assert list(session.scalars(select(Lease))) == []


def test_a_part_that_starts_too_late_is_skipped_and_its_links_wait_for_their_next_turn(sessions: Sessions) -> None:
    add(sessions, LARGE, 1, interval_s=60)
    [part] = tick(sessions)
    late = CheckLinks(part.part_id, LARGE, part.scheduled_at - timedelta(hours=1), part.links, leased=True)
    checker = Answers()
    check_links(late, sessions=sessions, checker=checker, settings=Links(lease_s=900))
    assert (checker.asked, checked(sessions)) == ([], ["missed_window"])
    with sessions() as session:
        found = session.scalars(select(Link)).one()
    assert (found.state, found.next_check_at > datetime.now(UTC)) == ("pending", True)


def test_links_under_maintenance_are_skipped_and_nothing_moves(sessions: Sessions) -> None:
    add(sessions, LARGE, 1)
    add(sessions, SMALL, 1)
    with sessions.begin() as session:
        session.add(
            Window(
                id=uuid.uuid4(),
                workspace_id=LARGE,
                name="night",
                host="1.example",
                starts_at=datetime.now(UTC) - timedelta(minutes=5),
                duration_s=3600,
                rrule="",
                timezone="UTC",
            )
        )
    checker = Answers(Reason.HTTP_404, datetime.now(UTC))
    for part in tick(sessions):
        check_links(part, sessions=sessions, checker=checker, settings=SETTINGS)
    assert [target.url for target in checker.asked] == ["https://2.example/0"]
    assert sorted(checked(sessions)) == ["http_404", "maintenance"]
    with sessions() as session:
        states = {each.host: each.state for each in session.scalars(select(Link))}
    assert states == {"1.example": "pending", "2.example": "failing"}


def test_every_workspace_gets_a_part_before_any_gets_its_second() -> None:
    due = [schedule.Due(LARGE, LinkSpec(f"https://1.example/{number}")) for number in range(25)]
    due += [schedule.Due(SMALL, LinkSpec("https://2.example/"))]
    parts = schedule.parts(due, datetime.now(UTC), 10)
    assert [(part.workspace_id, len(part.links)) for part in parts] == [
        (LARGE, 10),
        (SMALL, 1),
        (LARGE, 10),
        (LARGE, 5),
    ]
