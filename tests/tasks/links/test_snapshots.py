"""Copies of links that will not come back: asked for once, slowly, and never in the way of anything."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from ipaddress import ip_network

import msgspec
import pytest
from sqlalchemy import select, text, update

from config.settings import Links
from tasks.database import Sessions
from tasks.links import archive, incidents, queries, snapshots
from tasks.links.fetch import Engine
from tasks.links.messages import LinkBroke
from tasks.links.models import Link, Outbox, Snapshot
from tasks.links.service import reader_settings
from tasks.links.suggestion import Kind, Suggestion, suggest
from tasks.links.verdict import Reason
from tests.conftest import MakeDatabase
from tests.servers.archive import Archive
from tests.servers.canary import canary
from tests.tasks.links.test_handlers import NOON, URL, WORKSPACE, run
from tests.tasks.links.test_history import LINK

COPIES = [("20200101000000", "200"), ("20261101000000", "200"), ("20261120000000", "404"), ("20261121000000", "301")]
SETTINGS = Links(allow_networks=(ip_network("127.0.0.0/8"),), host_interval_ms=0, retries=0)


@pytest.fixture
def sessions(database: MakeDatabase) -> Sessions:
    return database("links")


@pytest.fixture
def server() -> Iterator[Archive]:
    with Archive() as running:
        running.copies[URL] = COPIES
        yield running


@contextmanager
def archive_at(url: str, settings: Links = SETTINGS) -> Iterator[archive.Archive]:
    reader = Engine(reader_settings(settings))
    try:
        yield archive.Archive(url, reader)
    finally:
        reader.close()


def ask(sessions: Sessions, server: Archive, interval_s: float = 0) -> None:
    # One that remembers no host: a pause that was asked for must be kept by the table.
    with archive_at(server.url) as asked:
        snapshots.ask_one(sessions, asked, interval_s)


def archived(sessions: Sessions) -> str | None:
    with sessions() as session:
        return session.scalar(select(Link.archived_url).where(Link.id == LINK))


def make_due(sessions: Sessions) -> None:
    """As if all that must be waited for were over."""
    with sessions.begin() as session:
        session.execute(text("UPDATE rolled_up SET until = now() - interval '1 second' WHERE name = 'archive'"))
        session.execute(update(Snapshot).values(due_at=datetime.now(UTC) - timedelta(seconds=1)))


def break_it(sessions: Sessions, reason: Reason = Reason.HTTP_404, start: float = 0) -> None:
    for minutes in (0, 1, 3):
        run(sessions, start + minutes, reason)


def broke(sessions: Sessions) -> LinkBroke:
    with sessions() as session:
        body = session.scalar(select(Outbox.body).where(Outbox.name == "LinkBroke").order_by(Outbox.id.desc()))
    assert body
    return msgspec.json.decode(body, type=LinkBroke)


def test_the_nearest_good_copy_is_asked_for_once_and_suggested(sessions: Sessions, server: Archive) -> None:
    break_it(sessions)
    for _ in range(3):
        ask(sessions, server)
    copy = f"{server.url}/web/20261101000000/{URL}"
    with sessions() as session:
        link = queries.get_link(session, WORKSPACE, LINK)
        [incident], _ = incidents.list_incidents(session, WORKSPACE, 10, "", incidents.IncidentFilter())
    assert link
    assert link.suggestion == incident.suggestion == Suggestion(Kind.ARCHIVE, copy)
    # What its check found is as it was.
    assert link.suggested_url is None
    [asked] = server.asked
    assert (asked["url"], asked["closest"], asked["filter"]) == (URL, f"{NOON:%Y%m%d%H%M%S}", "statuscode:200")


def test_people_are_told_of_a_copy_that_is_known_when_the_link_breaks_and_wait_for_none(
    sessions: Sessions, server: Archive
) -> None:
    break_it(sessions)
    assert broke(sessions).archived_url is None
    for minutes in (10, 11, 12):
        run(sessions, minutes, Reason.OK)
    # The first failure is enough to ask; that it breaks is known minutes later.
    run(sessions, 20, Reason.HTTP_404)
    ask(sessions, server)
    for minutes in (21, 23):
        run(sessions, minutes, Reason.HTTP_404)
    assert broke(sessions).archived_url == archived(sessions) == f"{server.url}/web/20261101000000/{URL}"


@pytest.mark.parametrize("reason", [Reason.OK, Reason.TIMEOUT_CONNECT, Reason.FORBIDDEN])
def test_of_what_may_come_back_nobody_is_asked(sessions: Sessions, server: Archive, reason: Reason) -> None:
    break_it(sessions, reason)
    ask(sessions, server)
    assert server.asked == []


def test_where_there_is_no_copy_nothing_is_suggested_and_nobody_asked_again(
    sessions: Sessions, server: Archive
) -> None:
    server.copies[URL] = COPIES[2:]
    break_it(sessions)
    for _ in range(2):
        ask(sessions, server)
        make_due(sessions)
    assert (archived(sessions), len(server.asked)) == (None, 1)


FAULTS = [
    (500, {}, b"down"),
    (200, {}, b"<html>maintenance</html>"),
    (200, {}, b'{"error": "no"}'),
    (200, {}, b'[["timestamp"], ["20261101000000/../../evil"]]'),
    (200, {}, b'[["timestamp"], [20261101000000]]'),
    (200, {}, b"[" * 100_000),
    (302, {"Location": "http://169.254.169.254/"}, b""),
    (429, {"Retry-After": "3600"}, b""),
]


@pytest.mark.parametrize("answer", FAULTS, ids=[f"{status} {body[:20]!r}" for status, _, body in FAULTS])
def test_what_the_archive_cannot_say_now_is_asked_again_later(
    sessions: Sessions, server: Archive, answer: tuple[int, dict[str, str], bytes]
) -> None:
    server.answers.append(answer)
    break_it(sessions)
    for _ in range(3):
        ask(sessions, server)
    assert (archived(sessions), len(server.asked)) == (None, 1)
    make_due(sessions)
    ask(sessions, server)
    assert archived(sessions) is not None


def test_nobody_is_asked_for_ever(sessions: Sessions, server: Archive) -> None:
    server.answers = [(500, {}, b"")] * 20
    break_it(sessions)
    for _ in range(10):
        ask(sessions, server)
        make_due(sessions)
    assert len(server.asked) == snapshots.MOST_TRIES


def test_the_archive_has_its_peace_between_questions_and_longer_when_it_asks_for_it(
    sessions: Sessions, server: Archive
) -> None:
    break_it(sessions)
    server.answers.append((429, {"Retry-After": "3600"}, b""))
    before = datetime.now(UTC)
    ask(sessions, server, interval_s=30)
    with sessions.begin() as session:
        until = session.scalar(text("SELECT until FROM rolled_up WHERE name = 'archive'"))
        session.execute(update(Snapshot).values(due_at=before))
    assert until >= before + timedelta(seconds=3600)
    ask(sessions, server)
    assert len(server.asked) == 1
    make_due(sessions)
    ask(sessions, server, interval_s=30)
    with sessions() as session:
        until = session.scalar(text("SELECT until FROM rolled_up WHERE name = 'archive'"))
    assert before + timedelta(seconds=29) < until < before + timedelta(seconds=90)


def test_two_ticks_at_once_ask_once(sessions: Sessions, server: Archive) -> None:
    break_it(sessions)
    with sessions.begin() as session:
        session.execute(text("INSERT INTO rolled_up VALUES ('archive', now() - interval '1 second')"))
    with sessions.begin() as session:
        session.execute(text("SELECT 1 FROM rolled_up WHERE name = 'archive' FOR UPDATE"))
        ask(sessions, server)
        assert server.asked == []


def test_the_archive_is_reached_through_the_guard(sessions: Sessions) -> None:
    break_it(sessions)
    with canary() as bird:
        closed = replace(SETTINGS, allow_networks=())
        with archive_at(f"http://127.0.0.1:{bird.port}", closed) as asked:
            snapshots.ask_one(sessions, asked, 0)
    assert archived(sessions) is None


@pytest.mark.parametrize(
    ("reason", "permanence", "suggested_url", "archived_url", "expected"),
    [
        (Reason.REDIRECTED_PERMANENT, None, "https://b/", None, Suggestion(Kind.REDIRECT, "https://b/")),
        (Reason.INSECURE_HTTP, None, "https://a/", None, Suggestion(Kind.HTTPS, "https://a/")),
        (Reason.HTTP_404, "hard", None, "https://archive/a", Suggestion(Kind.ARCHIVE, "https://archive/a")),
        (Reason.HTTP_404, "hard", "https://b/", "https://archive/a", Suggestion(Kind.REDIRECT, "https://b/")),
        (Reason.OK, None, None, "https://archive/a", None),
        (Reason.HTTP_5XX, "transient", None, "https://archive/a", None),
        (None, None, None, None, None),
    ],
)
def test_what_to_link_to_instead(
    reason: str | None,
    permanence: str | None,
    suggested_url: str | None,
    archived_url: str | None,
    expected: Suggestion | None,
) -> None:
    assert suggest(reason, permanence, suggested_url, archived_url) == expected


def test_the_stand_in_answers_as_the_index_does(server: Archive) -> None:
    status, _, body = server.answer(f"/cdx/search/cdx?url={URL}&output=json&limit=2")
    assert (status, [row[1] for row in json.loads(body)]) == (200, ["timestamp", "20200101000000", "20261101000000"])
