"""What people do with links, on a real database."""

import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest
from sqlalchemy import func, select

from config.settings import LINKS_KEY
from tasks.database import Sessions
from tasks.links import changes, history, queries
from tasks.links.callers import Caller, Stale
from tasks.links.changes import Bulk
from tasks.links.messages import CheckLinks, LinksEdited, LinkSpec, LinksRemoved, link_id
from tasks.links.models import Check, Incident, Link, Outbox, Removed
from tasks.links.queries import LinkFilter, LinkView
from tasks.links.verdict import Reason
from tasks.vault import Vault
from tests.conftest import MakeDatabase
from tests.tasks.links.test_handlers import NOON, URL, WORKSPACE, Answers, after, check, part, run

VAULT = Vault(bytes(32), LINKS_KEY)
ME = Caller("key:me", "192.0.2.1", "curl/8")
LINK = link_id(WORKSPACE, URL)


@pytest.fixture
def sessions(database: MakeDatabase) -> Sessions:
    return database("links")


def edit(sessions: Sessions, versions: list[int], **wanted: Any) -> LinkView | None:
    with sessions.begin() as session:
        return changes.edit(session, WORKSPACE, LINK, versions, wanted, ME, VAULT)


def act(sessions: Sessions, action: str, tag: str = "", limit: int = 100, **wanted: str) -> int:
    """The whole action, page after page."""
    count, following = 0, ""
    while True:
        with sessions.begin() as session:
            bulk = Bulk(action, LinkFilter(**wanted), tag)
            changed, following = changes.act(session, WORKSPACE, bulk, limit, following, ME)
        count += changed
        if not following:
            return count


def told(sessions: Sessions, kind: type[LinksEdited] | type[LinksRemoved]) -> list[Any]:
    with sessions() as session:
        bodies = session.scalars(select(Outbox.body).where(Outbox.name == kind.name()).order_by(Outbox.id))
        return [msgspec.json.decode(body, type=kind) for body in bodies]


def states(sessions: Sessions, column: Any) -> list[Any]:
    with sessions() as session:
        return list(session.scalars(select(column).order_by(Link.url)))


def test_an_edit_changes_what_it_names_and_is_told_with_before_and_after(sessions: Sessions) -> None:
    check(sessions, Answers(), part(URL))
    edited = edit(sessions, [1], tags=["docs"], interval_s=60, confirm_hard=5)
    assert edited
    assert (edited.tags, edited.interval_s, edited.confirm_hard, edited.version) == (["docs"], 60, 5, 2)
    assert edited.state == "up"
    [event] = told(sessions, LinksEdited)
    assert (event.actor, event.ip, event.user_agent) == ("key:me", "192.0.2.1", "curl/8")
    [one] = event.edits
    assert (one.link_id, one.url) == (LINK, URL)
    assert one.changes == {"tags": ([], ["docs"]), "interval_s": (86_400, 60), "confirm_hard": (None, 5)}


def test_an_edit_of_a_version_that_is_gone_is_stale_and_changes_nothing(sessions: Sessions) -> None:
    check(sessions, Answers(), part(URL))
    edit(sessions, [1], tags=["docs"])
    with pytest.raises(Stale):
        edit(sessions, [1], tags=["mine"])
    assert states(sessions, Link.tags) == [["docs"]]
    assert len(told(sessions, LinksEdited)) == 1


def test_an_edit_that_changes_nothing_is_no_new_version_and_is_not_told(sessions: Sessions) -> None:
    check(sessions, Answers(), part(URL))
    edited = edit(sessions, [1], tags=[], paused=False)
    assert edited
    assert edited.version == 1
    assert told(sessions, LinksEdited) == []


def test_a_check_that_is_under_way_does_not_undo_an_edit_nor_make_it_stale(sessions: Sessions) -> None:
    check(sessions, Answers(), part(URL))
    edit(sessions, [1], paused=True, ignored=True, confirm_hard=7, muted_until=NOON)
    run(sessions, 5, Reason.HTTP_404)
    edited = edit(sessions, [2], tags=["docs"])
    assert edited
    assert (edited.paused, edited.ignored, edited.confirm_hard, edited.muted_until) == (True, True, 7, NOON)
    assert edited.state == "failing"


def test_a_submission_that_changes_a_link_makes_older_edits_stale(sessions: Sessions) -> None:
    check(sessions, Answers(), part(URL))
    again = CheckLinks(
        uuid.uuid4(), WORKSPACE, NOON + timedelta(minutes=1), (LinkSpec(URL, interval_s=60),), uuid.uuid4(), 1
    )
    check(sessions, after(1, Reason.OK), again)
    with pytest.raises(Stale):
        edit(sessions, [1], tags=["docs"])


def test_another_workspaces_link_is_not_there(sessions: Sessions) -> None:
    check(sessions, Answers(), part(URL))
    with sessions.begin() as session:
        assert changes.edit(session, uuid.uuid4(), LINK, [], {"paused": True}, ME, VAULT) is None
        assert changes.remove(session, uuid.uuid4(), LINK, [], ME) is False
    assert states(sessions, Link.paused) == [False]


def test_a_link_that_is_resumed_is_due_at_once_and_a_new_interval_counts_from_now(sessions: Sessions) -> None:
    check(sessions, Answers(), part(URL))
    edit(sessions, [], paused=True)
    edited = edit(sessions, [], paused=False)
    assert edited
    assert edited.next_check_at <= datetime.now(UTC)
    edited = edit(sessions, [], interval_s=60)
    assert edited
    assert edited.next_check_at <= datetime.now(UTC) + timedelta(seconds=91)


def test_a_broken_link_that_is_heeded_again_is_told_of_with_its_next_check(sessions: Sessions) -> None:
    check(sessions, Answers(), part(URL))
    edit(sessions, [], ignored=True)
    for minutes in (10, 11, 13):
        run(sessions, minutes, Reason.HTTP_404)
    edited = edit(sessions, [], ignored=False)
    assert edited
    assert (edited.state, edited.next_check_at <= datetime.now(UTC)) == ("broken", True)
    run(sessions, 20, Reason.HTTP_404)
    with sessions() as session:
        assert session.scalar(select(func.count()).select_from(Outbox).where(Outbox.name == "LinkBroke")) == 1


def test_a_removed_link_goes_with_its_incidents_and_soon_with_its_history(sessions: Sessions) -> None:
    for minutes in (0, 1, 3):
        run(sessions, minutes, Reason.HTTP_404)
    with sessions.begin() as session:
        assert changes.remove(session, WORKSPACE, LINK, [1], ME)
    with sessions() as session:
        assert session.get(Link, LINK) is None
        assert session.scalar(select(func.count()).select_from(Incident)) == 0
    # Added again before its history is forgotten: what is found from now on stays.
    check(sessions, Answers(at=datetime.now(UTC)), part(URL, at=datetime.now(UTC)))
    with sessions.begin() as session:
        while history.forget(session):
            pass
    with sessions() as session:
        assert list(session.scalars(select(Check.reason))) == ["ok"]
        assert session.scalar(select(func.count()).select_from(Removed)) == 0
    [event] = told(sessions, LinksRemoved)
    assert ([each.url for each in event.edits], event.actor) == ([URL], "key:me")


def test_a_link_is_not_removed_as_of_a_version_that_is_gone(sessions: Sessions) -> None:
    check(sessions, Answers(), part(URL))
    with pytest.raises(Stale), sessions.begin() as session:
        changes.remove(session, WORKSPACE, LINK, [9], ME)
    assert states(sessions, Link.url) == [URL]


@pytest.fixture
def many(sessions: Sessions) -> Sessions:
    """Seven links on two hosts."""
    urls = [f"https://{host}.example/{number}" for host, count in (("a", 4), ("b", 3)) for number in range(count)]
    check(sessions, Answers(), part(*urls))
    return sessions


@pytest.mark.parametrize(
    ("action", "tag", "column", "changed", "other"),
    [
        ("pause", "", Link.paused, True, False),
        ("ignore", "", Link.ignored, True, False),
        ("tag", "eu", Link.tags, ["eu"], []),
    ],
)
def test_an_action_changes_every_link_of_its_filter_and_no_other(
    many: Sessions, action: str, tag: str, column: Any, changed: Any, other: Any
) -> None:
    # In pages smaller than what is found.
    assert act(many, action, tag, limit=3, host="a.example") == 4
    assert states(many, column) == [changed] * 4 + [other] * 3
    assert states(many, Link.version) == [2] * 4 + [1] * 3
    assert sum(len(event.edits) for event in told(many, LinksEdited)) == 4
    # Done already.
    assert act(many, action, tag, host="a.example") == 0


def test_what_an_action_did_can_be_taken_back(many: Sessions) -> None:
    for there, back, tag in (("pause", "resume", ""), ("ignore", "heed", ""), ("tag", "untag", "eu")):
        assert act(many, there, tag, host="b.example") == 3
        assert act(many, back, tag) == 3
    assert states(many, Link.paused) == states(many, Link.ignored) == [False] * 7
    assert states(many, Link.tags) == [[]] * 7


def test_a_link_that_has_as_many_tags_as_it_may_is_passed_over(sessions: Sessions) -> None:
    check(sessions, Answers(), part(URL))
    edit(sessions, [], tags=[str(number) for number in range(changes.MOST_TAGS)])
    assert act(sessions, "tag", "one more") == 0


def test_links_of_a_filter_are_removed_and_each_is_told(many: Sessions) -> None:
    assert act(many, "delete", limit=2, host="a.example") == 4
    assert states(many, Link.host) == ["b.example"] * 3
    assert sum(len(event.edits) for event in told(many, LinksRemoved)) == 4


def test_a_filter_is_counted_and_read_as_urls_without_changing_anything(many: Sessions) -> None:
    with many() as session:
        assert queries.count_links(session, WORKSPACE, LinkFilter(host="a.example")) == 4
        assert queries.count_links(session, uuid.uuid4(), LinkFilter()) == 0
        first, following = queries.select_urls(session, WORKSPACE, 5, "", LinkFilter())
        rest, end = queries.select_urls(session, WORKSPACE, 5, following, LinkFilter())
    assert (len({*first, *rest}), end) == (7, "")
