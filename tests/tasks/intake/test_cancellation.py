import uuid

import msgspec
import pytest
from sqlalchemy import func, select

from config.settings import Intake
from tasks import wire
from tasks.database import Sessions
from tasks.intake import queries
from tasks.intake.cancellation import NotCancellable, cancel
from tasks.intake.handlers import finish_part
from tasks.intake.models import Outbox, Part
from tasks.intake.reading import Line
from tasks.intake.submissions import Caller, accept_links, accept_notification
from tasks.links.messages import CancelParts, PartChecked
from tests.conftest import MakeDatabase

CALLER = Caller(uuid.uuid4(), "key:admin")
SETTINGS = Intake(part_size=1)


@pytest.fixture
def sessions(database: MakeDatabase) -> Sessions:
    return database("intake")


@pytest.fixture
def job_id(sessions: Sessions) -> uuid.UUID:
    with sessions.begin() as session:
        lines = [Line(number, f"https://example.org/{number}") for number in (1, 2, 3)]
        return accept_links(session, CALLER, lines, SETTINGS).job_id


def part_ids(sessions: Sessions) -> list[uuid.UUID]:
    with sessions() as session:
        return list(session.scalars(select(Part.id).order_by(Part.id)))


def test_unfinished_parts_are_dropped_and_links_is_told_once(sessions: Sessions, job_id: uuid.UUID) -> None:
    first, *_ = part_ids(sessions)
    finish_part(PartChecked(wire.new_id(), first, job_id), sessions=sessions)
    for _ in range(2):
        with sessions.begin() as session:
            assert cancel(session, CALLER, job_id)
    assert part_ids(sessions) == []
    with sessions() as session:
        told = session.scalars(select(Outbox).where(Outbox.name == "CancelParts")).all()
        audited = session.scalar(select(func.count()).where(Outbox.body.contains("links.cancel")))
        job = queries.get_job(session, CALLER.workspace_id, job_id)
    assert [each.routing_key for each in told] == ["links.interactive"]
    assert str(first) not in told[0].body
    assert audited == 1
    assert job
    assert job.cancelled_at


def test_a_part_that_is_done_after_the_cancellation_changes_nothing(sessions: Sessions, job_id: uuid.UUID) -> None:
    first, *_ = part_ids(sessions)
    with sessions.begin() as session:
        cancel(session, CALLER, job_id)
    finish_part(PartChecked(wire.new_id(), first, job_id), sessions=sessions)
    with sessions() as session:
        job = queries.get_job(session, CALLER.workspace_id, job_id)
    assert job
    assert job.finished_at is None


def test_a_job_whose_parts_are_done_here_may_have_been_put_back_there(sessions: Sessions, job_id: uuid.UUID) -> None:
    for part in part_ids(sessions):
        finish_part(PartChecked(wire.new_id(), part, job_id), sessions=sessions)
    with sessions.begin() as session:
        assert cancel(session, CALLER, job_id)
    with sessions() as session:
        told = session.scalars(select(Outbox.body).where(Outbox.name == "CancelParts")).all()
    assert [msgspec.json.decode(each, type=CancelParts) for each in told] == [CancelParts(job_id, ())]


def test_only_ones_own_jobs_of_links_can_be_cancelled(sessions: Sessions, job_id: uuid.UUID) -> None:
    with sessions.begin() as session:
        assert not cancel(session, Caller(uuid.uuid4(), "key:other"), job_id)
        told = accept_notification(session, CALLER, "Hello", "World", None, SETTINGS)
        with pytest.raises(NotCancellable):
            cancel(session, CALLER, told)
    assert len(part_ids(sessions)) == 4
