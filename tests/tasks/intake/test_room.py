"""Whether there is room, by what is measured; and that room is made by work that is done."""

import uuid
from dataclasses import replace

import pytest
from sqlalchemy import delete, text

from config.settings import Intake
from tasks import outbox
from tasks.database import Sessions
from tasks.intake import room
from tasks.intake.models import OUTBOX, Part
from tasks.intake.reading import Line
from tasks.intake.room import FEW, Measured, Room
from tasks.intake.submissions import Caller, accept_links
from tests.conftest import MakeDatabase

SETTINGS = Intake(outbox_most=10, outbox_oldest_s=60, quota_mb=1)
MIB = 2**20


@pytest.fixture
def sessions(database: MakeDatabase) -> Sessions:
    return database("intake")


@pytest.mark.parametrize(
    ("found", "settings", "said"),
    [
        (Measured(9, 60, MIB), SETTINGS, ""),
        (Measured(10, 0, 0), SETTINGS, "10 messages or more"),
        (Measured(0, 61, 0), SETTINGS, "more than 60 s"),
        (Measured(0, 0, MIB + 1), SETTINGS, "more than 1 MiB"),
        (Measured(10, 61, MIB + 1), replace(SETTINGS, outbox_most=0, outbox_oldest_s=0, quota_mb=0), ""),
        (Measured(10_000, 3600, 2**40), Intake(), ""),
    ],
)
def test_what_is_lacking_is_said(found: Measured, settings: Intake, said: str) -> None:
    assert said in room.lack(found, settings)
    assert bool(room.lack(found, settings)) == bool(said)


def test_a_few_old_messages_are_no_jam(sessions: Sessions) -> None:
    settings = Intake(outbox_oldest_s=60)
    draft = outbox.Draft("Ping", "pranala.jobs", "nowhere", "{}")
    with sessions.begin() as session:
        outbox.post(session, OUTBOX, [draft] * FEW)
        session.execute(text("UPDATE outbox SET created_at = now() - interval '1 hour'"))
        assert not room.lack(room.measure(session, settings), settings)
        outbox.post(session, OUTBOX, [draft])
        session.execute(text("UPDATE outbox SET created_at = now() - interval '1 hour'"))
        assert room.measure(session, settings).waiting == FEW + 1
        assert room.lack(room.measure(session, settings), settings)


def test_it_is_measured_once_a_second_however_many_ask(sessions: Sessions) -> None:
    now = [0.0]
    found = Room(Intake(outbox_most=1), clock=lambda: now[0])
    with sessions.begin() as session:
        assert not found.lack(session)
        outbox.post(session, OUTBOX, [outbox.Draft("Ping", "pranala.jobs", "intake", "{}")])
        assert not found.lack(session)
        now[0] = 1.0
        assert found.lack(session)


def test_done_work_makes_room_again(sessions: Sessions) -> None:
    with sessions() as session:
        base = -(-room.measure(session, Intake(quota_mb=1)).size // MIB)
    settings = Intake(quota_mb=base + 2)
    lines = [Line(number, f"https://a.example/{uuid.uuid4().hex * 20}") for number in range(6_000)]
    with sessions.begin() as session:
        accept_links(session, Caller(uuid.uuid4(), "key:admin"), lines, settings)
    with sessions() as session:
        assert "MiB" in room.lack(room.measure(session, settings), settings)
    room.reclaim(sessions, settings)
    with sessions.begin() as session:
        assert room.lack(room.measure(session, settings), settings)
        session.execute(delete(Part))
    room.reclaim(sessions, settings)
    with sessions() as session:
        assert not room.lack(room.measure(session, settings), settings)
