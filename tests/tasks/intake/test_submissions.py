import uuid

import pytest
from sqlalchemy import func, select

from config.settings import Intake
from tasks.database import Sessions
from tasks.intake import queries
from tasks.intake.models import Outbox, Part, Submission
from tasks.intake.submissions import Caller, Line, accept_audit_events, accept_links, accept_notification
from tasks.links.messages import link_id
from tests.conftest import MakeDatabase

CALLER = Caller(uuid.uuid4(), "key:admin")
SETTINGS = Intake(part_size=10)


@pytest.fixture
def sessions(database: MakeDatabase) -> Sessions:
    return database("intake")


def lines(*urls: str) -> list[Line]:
    return [Line(number, url) for number, url in enumerate(urls, start=1)]


def count(sessions: Sessions, model: type) -> int:
    with sessions() as session:
        return session.scalar(select(func.count()).select_from(model)) or 0


def test_a_batch_is_cut_into_parts_with_a_letter_each_and_one_for_the_audit(sessions: Sessions) -> None:
    with sessions.begin() as session:
        accepted = accept_links(session, CALLER, lines(*(f"https://example.org/{n}" for n in range(25))), SETTINGS)
    assert accepted.accepted == 25
    assert count(sessions, Part) == 3
    with sessions() as session:
        names = session.scalars(select(Outbox.name).order_by(Outbox.id)).all()
    assert names == ["CheckLinks"] * 3 + ["RecordEvents"]


def test_a_bad_line_is_rejected_by_its_number_and_the_rest_is_accepted(sessions: Sessions) -> None:
    with sessions.begin() as session:
        accepted = accept_links(
            session, CALLER, lines("https://a.example/", "not a url", "https://b.example/"), SETTINGS
        )
    assert accepted.accepted == 2
    assert [(each.line, each.input) for each in accepted.rejected] == [(2, "not a url")]


def test_a_url_written_twice_is_counted_once(sessions: Sessions) -> None:
    with sessions.begin() as session:
        accepted = accept_links(session, CALLER, lines("https://a.example", "HTTPS://A.example:443/"), SETTINGS)
    assert (accepted.accepted, accepted.duplicates) == (1, 1)


def test_a_batch_without_a_single_good_line_leaves_nothing_behind(sessions: Sessions) -> None:
    with sessions.begin() as session:
        accepted = accept_links(session, CALLER, lines("", "::"), SETTINGS)
    assert accepted.accepted == 0
    assert count(sessions, Submission) == count(sessions, Outbox) == 0


def test_what_was_accepted_is_readable_at_once_and_only_in_its_workspace(sessions: Sessions) -> None:
    with sessions.begin() as session:
        accept_links(session, CALLER, lines("https://a.example/"), SETTINGS)
    wanted = link_id(CALLER.workspace_id, "https://a.example/")
    with sessions() as session:
        found = queries.get_accepted_link(session, CALLER.workspace_id, wanted)
        assert found
        assert found.spec.url == "https://a.example/"
        assert queries.get_accepted_link(session, uuid.uuid4(), wanted) is None


def test_a_transaction_that_fails_accepts_nothing(sessions: Sessions) -> None:
    with sessions() as session, session.begin() as transaction:
        accept_links(session, CALLER, lines("https://a.example/"), SETTINGS)
        transaction.rollback()
    assert count(sessions, Submission) == count(sessions, Outbox) == count(sessions, Part) == 0


def test_notification_and_audit_jobs_go_the_same_way(sessions: Sessions) -> None:
    with sessions.begin() as session:
        told = accept_notification(session, CALLER, "Hello", "World", None, SETTINGS)
        kept = accept_audit_events(session, CALLER, [], SETTINGS)
    with sessions() as session:
        assert [queries.get_job(session, CALLER.workspace_id, each).kind for each in (told, kept)] == [  # type: ignore[union-attr]
            "notification",
            "audit",
        ]
        assert queries.get_job(session, uuid.uuid4(), told) is None
