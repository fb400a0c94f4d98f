"""What anybody may see, and that they see no more."""

import uuid
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select, update

from tasks.database import Sessions
from tasks.links import badges, changes
from tasks.links.badges import Reading
from tasks.links.models import Link, Outbox
from tasks.links.verdict import Reason
from tests.conftest import MakeDatabase
from tests.tasks.links.test_changes import ME, VAULT
from tests.tasks.links.test_handlers import URL, WORKSPACE, Answers, check, part, run
from tests.tasks.links.test_history import LINK

NOW = datetime.now(UTC)
OTHER = "https://b.example/"


@pytest.fixture
def sessions(database: MakeDatabase) -> Sessions:
    """A link with a tag, and another one without."""
    made = database("links")
    check(made, Answers(), part(URL, OTHER))
    with made.begin() as session:
        session.execute(update(Link).where(Link.url == URL).values(tags=["docs"]))
    return made


def read(sessions: Sessions, badge_id: uuid.UUID, with_uptime: bool = False) -> Reading | None:
    with sessions() as session:
        return badges.read(session, badge_id, with_uptime, NOW)


def edit(sessions: Sessions, **wanted: bool) -> None:
    with sessions.begin() as session:
        assert changes.edit(session, WORKSPACE, LINK, [], wanted, ME, VAULT)


def create(sessions: Sessions, tag: str) -> badges.BadgeView:
    with sessions.begin() as session:
        return badges.create(session, WORKSPACE, tag, ME)


def break_it(sessions: Sessions) -> None:
    for minutes in (10, 11, 13):
        run(sessions, minutes, Reason.HTTP_404)


def test_a_link_is_seen_while_its_badge_is_on(sessions: Sessions) -> None:
    assert read(sessions, LINK) is None
    edit(sessions, badge=True)
    assert read(sessions, LINK) == Reading("", "up", 0, None)
    break_it(sessions)
    assert read(sessions, LINK) == Reading("", "broken", 1, None)
    edit(sessions, paused=True)
    found = read(sessions, LINK, with_uptime=True)
    assert found
    assert (found.state, found.uptime is not None) == ("paused", True)
    edit(sessions, badge=False)
    assert read(sessions, LINK) is None


def test_a_tag_is_seen_by_its_own_id_with_its_links_alone(sessions: Sessions) -> None:
    docs, empty = create(sessions, "docs"), create(sessions, "empty")
    assert create(sessions, "docs") == docs
    assert docs.id.version == 4
    assert read(sessions, docs.id) == Reading("docs", "up", 0, None)
    assert read(sessions, empty.id, with_uptime=True) == Reading("empty", "unknown", 0, None)
    break_it(sessions)
    assert read(sessions, docs.id) == Reading("docs", "broken", 1, None)
    # What its owners do not want to hear of is not shown to others.
    edit(sessions, ignored=True)
    assert read(sessions, docs.id) == Reading("docs", "up", 0, None)


def test_a_badge_is_its_workspaces_own_and_what_is_made_public_is_told(sessions: Sessions) -> None:
    docs, more = create(sessions, "docs"), create(sessions, "more")
    with sessions.begin() as session:
        assert badges.list_badges(session, WORKSPACE, 1, "") == ([docs], "docs")
        assert badges.list_badges(session, WORKSPACE, 1, "docs") == ([more], "")
        assert badges.list_badges(session, uuid.uuid4(), 10, "") == ([], "")
        assert not badges.remove(session, uuid.uuid4(), docs.id, ME)
        assert badges.remove(session, WORKSPACE, docs.id, ME)
    assert read(sessions, docs.id) is None
    with sessions() as session:
        assert session.scalars(select(Outbox.name)).all().count("BadgeChanged") == 3


def test_a_workspace_has_so_many_badges_and_no_more(sessions: Sessions) -> None:
    with sessions.begin() as session:
        for number in range(badges.MOST_BADGES):
            badges.create(session, WORKSPACE, str(number), ME)
    with pytest.raises(badges.TooManyBadges), sessions.begin() as session:
        badges.create(session, WORKSPACE, "one more", ME)
    assert NOW - timedelta(minutes=1) < create(sessions, "7").created_at
