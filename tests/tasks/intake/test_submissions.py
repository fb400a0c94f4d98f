import uuid

import msgspec
import pytest
from sqlalchemy import func, select, update

from config.settings import Intake
from tasks import outbox
from tasks.database import Sessions
from tasks.intake import queries
from tasks.intake.models import OUTBOX, Outbox, Part, Submission
from tasks.intake.reading import Line
from tasks.intake.submissions import Caller, accept_audit_events, accept_links, accept_notification
from tasks.links.messages import CheckLinks, LinkSpec, link_id
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


def test_a_part_is_written_once_and_sent_with_the_total_that_nobody_knew_when_it_was_written(
    sessions: Sessions,
) -> None:
    options = Line(1, "https://example.org/0", 60, ("docs",), "x", full=True)
    with sessions.begin() as session:
        rest = lines(*(f"https://example.org/{n}" for n in range(25)))
        accepted = accept_links(session, CALLER, [options, *rest], SETTINGS, keep=False, registers=False)
    with sessions() as session:
        stored = session.scalars(select(Outbox.body).where(Outbox.name == "CheckLinks")).all()
        sent = [letter.body or "" for letter in outbox.claim(session, OUTBOX, 3)]
    assert stored == [""] * 3
    messages = [msgspec.json.decode(body, type=CheckLinks) for body in sent]
    assert {(each.job_id, each.job_total, each.keep, each.registers) for each in messages} == {
        (accepted.job_id, 25, False, False)
    }
    found = [spec for each in messages for spec in each.links]
    assert found[0] == LinkSpec("https://example.org/0", 60, ("docs",), "x", full=True)
    assert found[1:] == [LinkSpec(f"https://example.org/{n}") for n in range(1, 25)]


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


def test_a_link_is_found_among_others_that_begin_alike(sessions: Sessions) -> None:
    wanted = link_id(CALLER.workspace_id, "https://example.org/7")
    with sessions.begin() as session:
        accept_links(session, CALLER, lines(*(f"https://example.org/{n}" for n in range(25))), SETTINGS)
        accept_links(session, CALLER, lines("https://other.example/"), SETTINGS)
        session.execute(update(Part).values(link_marks=wanted.bytes[:4]))
    with sessions() as session:
        found = queries.get_accepted_link(session, CALLER.workspace_id, wanted)
    assert found
    assert found.spec == LinkSpec("https://example.org/7")


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
