import uuid
from datetime import UTC, datetime, timedelta

import msgspec
import pytest
from sqlalchemy import select, update

from config.settings import Intake
from tasks import outbox, wire
from tasks.database import Sessions
from tasks.intake import finished, queries
from tasks.intake.handlers import finish_part, sweep
from tasks.intake.messages import SweepSubmissions
from tasks.intake.models import OUTBOX, Outbox, Part
from tasks.intake.reading import Accepted, Line
from tasks.intake.submissions import Caller, accept_links
from tasks.links.messages import CheckLinks, PartChecked
from tests.conftest import MakeDatabase

CALLER = Caller(uuid.uuid4(), "key:admin")
BEGINNING = datetime(2026, 1, 1, tzinfo=UTC)
SETTINGS = Intake(part_size=1, lease_s=60, lease_max_s=300)


@pytest.fixture
def sessions(database: MakeDatabase) -> Sessions:
    return database("intake")


@pytest.fixture
def accepted(sessions: Sessions) -> Accepted:
    with sessions.begin() as session:
        return accept_links(session, CALLER, [Line(1, "https://a.example/"), Line(2, "https://b.example/")], SETTINGS)


def part_ids(sessions: Sessions) -> list[uuid.UUID]:
    with sessions() as session:
        return list(session.scalars(select(Part.id).order_by(Part.id)))


def is_finished(sessions: Sessions, job_id: uuid.UUID) -> bool:
    with sessions() as session:
        job = queries.get_job(session, CALLER.workspace_id, job_id)
        assert job
        return job.finished_at is not None


def test_the_last_part_finishes_the_job_and_a_second_telling_changes_nothing(
    sessions: Sessions, accepted: Accepted
) -> None:
    first, last = (PartChecked(wire.new_id(), part, accepted.job_id) for part in part_ids(sessions))
    finish_part(first, sessions=sessions)
    finish_part(first, sessions=sessions)
    assert not is_finished(sessions, accepted.job_id)
    finish_part(last, sessions=sessions)
    assert is_finished(sessions, accepted.job_id)


def test_only_work_past_its_lease_is_sent_again_and_the_next_lease_is_longer(
    sessions: Sessions, accepted: Accepted
) -> None:
    late, _ = part_ids(sessions)
    with sessions.begin() as session:
        session.execute(update(Part).where(Part.id == late).values(leased_until=datetime(2026, 1, 1, tzinfo=UTC)))
        session.execute(Outbox.__table__.delete())  # type: ignore[attr-defined]
    sweep(SweepSubmissions(), sessions=sessions, settings=SETTINGS)
    sweep(SweepSubmissions(), sessions=sessions, settings=SETTINGS)
    with sessions() as session:
        [sent] = outbox.claim(session, OUTBOX, 10)
        part = session.get_one(Part, late)
        assert (sent.id, sent.name, sent.routing_key) == (late, "CheckLinks", "links.bulk")
        assert sent.body
        assert msgspec.json.decode(sent.body, type=CheckLinks).job_total == 2
        assert part.attempts == 2
        assert 110 < (part.leased_until - datetime.now(UTC)).total_seconds() < 125


def test_a_part_that_is_done_is_asked_for_again_when_its_service_was_restored(
    sessions: Sessions, accepted: Accepted
) -> None:
    first, last = part_ids(sessions)
    for part in (first, last):
        finish_part(PartChecked(wire.new_id(), part, accepted.job_id), sessions=sessions)
    with sessions.begin() as session:
        assert finished.ask_again(session, ["audit"], BEGINNING) == 0
        assert finished.ask_again(session, ["links.bulk"], datetime.now(UTC) + timedelta(hours=1)) == 0
        assert finished.ask_again(session, ["links.bulk"], BEGINNING) == 2
    assert part_ids(sessions) == [first, last]
    assert not is_finished(sessions, accepted.job_id)
    sweep(SweepSubmissions(), sessions=sessions, settings=SETTINGS)
    with sessions() as session:
        bodies = {letter.id: letter.body or "" for letter in outbox.claim(session, OUTBOX, 10)}
    assert {"https://a.example/", "https://b.example/"} == {
        spec.url for part in (first, last) for spec in msgspec.json.decode(bodies[part], type=CheckLinks).links
    }
    for part in (first, last):
        finish_part(PartChecked(wire.new_id(), part, accepted.job_id), sessions=sessions)
    assert is_finished(sessions, accepted.job_id)


def test_a_part_that_was_done_long_ago_is_forgotten(sessions: Sessions, accepted: Accepted) -> None:
    for part in part_ids(sessions):
        finish_part(PartChecked(wire.new_id(), part, accepted.job_id), sessions=sessions)
    sweep(SweepSubmissions(), sessions=sessions, settings=SETTINGS, kept_s=0)
    with sessions.begin() as session:
        assert finished.ask_again(session, ["links.bulk"], BEGINNING) == 0
