import uuid
from datetime import UTC, datetime

import msgspec
import pytest
from sqlalchemy import select, update

from config.settings import Intake
from tasks import outbox, wire
from tasks.database import Sessions
from tasks.intake import queries
from tasks.intake.handlers import finish_part, sweep
from tasks.intake.messages import SweepSubmissions
from tasks.intake.models import OUTBOX, Outbox, Part
from tasks.intake.reading import Accepted, Line
from tasks.intake.submissions import Caller, accept_links
from tasks.links.messages import CheckLinks, PartChecked
from tests.conftest import MakeDatabase

CALLER = Caller(uuid.uuid4(), "key:admin")
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
