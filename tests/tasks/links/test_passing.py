"""Checks for a job alone, and parts that nobody waits for any more."""

import json
import uuid

import pytest
from sqlalchemy import func, select

from tasks.database import Sessions
from tasks.links import queries
from tasks.links.checking import check_links
from tasks.links.handlers import cancel_parts
from tasks.links.messages import CancelParts, CheckLinks, LinkSpec, link_id
from tasks.links.models import Check, Link, Outbox
from tasks.links.verdict import Reason
from tests.conftest import MakeDatabase
from tests.tasks.links.test_handlers import NOON, SETTINGS, URL, WORKSPACE, Answers

JOB = uuid.uuid4()


@pytest.fixture
def sessions(database: MakeDatabase) -> Sessions:
    return database("links")


def part(keep: bool) -> CheckLinks:
    return CheckLinks(uuid.uuid4(), WORKSPACE, NOON, (LinkSpec(URL),), JOB, 1, keep=keep)


def told(sessions: Sessions) -> list[str]:
    with sessions() as session:
        return list(session.scalars(select(Outbox.name).order_by(Outbox.id)))


def test_links_that_do_not_stay_have_results_and_nothing_else(sessions: Sessions) -> None:
    check_links(part(keep=False), sessions=sessions, checker=Answers(Reason.HTTP_404), settings=SETTINGS)
    with sessions() as session:
        assert session.scalar(select(func.count()).select_from(Link)) == 0
        [found], _ = queries.list_results(session, WORKSPACE, JOB, 10, "", "")
        job = queries.get_job(session, WORKSPACE, JOB)
    assert (found.url, found.reason) == (URL, "http_404")
    assert job
    assert (job.state, job.verdicts) == ("finished", {"broken": 1})
    assert told(sessions) == ["PartChecked", "JobFinished"]


def test_a_link_that_is_kept_is_not_moved_by_a_check_that_is_for_a_job_alone(sessions: Sessions) -> None:
    check_links(part(keep=True), sessions=sessions, checker=Answers(Reason.OK), settings=SETTINGS)
    check_links(
        CheckLinks(uuid.uuid4(), WORKSPACE, NOON, (LinkSpec(URL),), uuid.uuid4(), 1, keep=False),
        sessions=sessions,
        checker=Answers(Reason.HTTP_404),
        settings=SETTINGS,
    )
    with sessions() as session:
        assert session.get_one(Link, link_id(WORKSPACE, URL)).state == "up"
        history, _ = queries.list_checks(session, WORKSPACE, link_id(WORKSPACE, URL), 10, "")
        assert [each.reason for each in history] == ["ok"]


def test_a_part_that_was_cancelled_is_not_begun(sessions: Sessions) -> None:
    message, checker = part(keep=True), Answers()
    for _ in range(2):
        cancel_parts(CancelParts(JOB, (message.part_id, uuid.uuid4())), sessions=sessions)
    check_links(message, sessions=sessions, checker=checker, settings=SETTINGS)
    assert checker.asked == []
    with sessions() as session:
        assert session.scalar(select(func.count()).select_from(Check)) == 0


def test_a_part_that_is_cancelled_while_it_is_fetched_leaves_nothing(sessions: Sessions) -> None:
    message = part(keep=True)

    class Slow(Answers):
        def check(self, targets):  # type: ignore[no-untyped-def]  # as Answers'
            cancel_parts(CancelParts(JOB, (message.part_id,)), sessions=sessions)
            return super().check(targets)

    check_links(message, sessions=sessions, checker=Slow(), settings=SETTINGS)
    with sessions() as session:
        assert session.scalar(select(func.count()).select_from(Check)) == 0
        assert json.loads(session.scalars(select(Outbox.body)).one())["part_id"] == str(message.part_id)


def test_known_links_are_counted_many_at_a_time(sessions: Sessions) -> None:
    check_links(part(keep=True), sessions=sessions, checker=Answers(), settings=SETTINGS)
    ids = [link_id(WORKSPACE, URL), *(uuid.uuid4() for _ in range(5000))]
    with sessions() as session:
        assert queries.count_known(session, WORKSPACE, ids) == 1
        assert queries.count_known(session, uuid.uuid4(), ids) == 0
        assert queries.count_known(session, WORKSPACE, []) == 0
