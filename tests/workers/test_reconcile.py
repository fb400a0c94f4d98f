import json
import uuid
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select

from tasks import copies, outbox, wire
from tasks.database import Sessions
from tasks.links.models import OUTBOX, Outbox
from tests.conftest import MakeDatabase
from tests.tasks.notifications.desk import broke
from workers import reconcile

AT = "2026-11-22T02:00:00+00:00"


@pytest.fixture
def sessions(database: MakeDatabase) -> Sessions:
    return database("links")


def environ(sessions: Sessions) -> dict[str, str]:
    return {"PRANALA_LINKS_DATABASE_URL": sessions.kw["bind"].url.render_as_string(hide_password=False)}


def letters(sessions: Sessions) -> list[str]:
    with sessions() as session:
        return list(session.scalars(select(Outbox.name).order_by(Outbox.name)))


def test_a_restore_is_told_to_audit_and_what_may_be_forgotten_is_said_again(
    sessions: Sessions, capsys: pytest.CaptureFixture[str]
) -> None:
    with sessions.begin() as session:
        outbox.post(session, OUTBOX, [outbox.event(broke())])
    with sessions.begin() as session:
        copies.settle(session, OUTBOX, outbox.claim(session, OUTBOX, 10), copies.now(session))
    assert letters(sessions) == []
    command = ["--id", str(uuid.uuid4()), "--backup", "nightly", "--restored", f"links={AT}", f"audit={AT}"]
    assert reconcile.main(command, environ(sessions)) == 0
    assert json.loads(capsys.readouterr().out) == {"links": {"batches": 1, "parts": 0}}
    assert letters(sessions) == ["LinkBroke", "RecordEvents"]
    assert reconcile.main(command, environ(sessions)) == 0
    assert json.loads(capsys.readouterr().out) == {"links": {"batches": 0, "parts": 0}}


def test_what_was_done_after_the_backup_of_another_service_is_asked_for_again(database: MakeDatabase) -> None:
    intake = database("intake")
    url = intake.kw["bind"].url.render_as_string(hide_password=False)
    job, part = wire.new_id(), wire.new_id()
    with intake.begin() as session:
        connection = session.connection()
        connection.exec_driver_sql(
            "INSERT INTO submissions (id, workspace_id, kind, total, actor, traceparent, finished_at)"
            " VALUES (%s, %s, 'links', 1, 'key', '', now())",
            (job, job),
        )
        connection.exec_driver_sql(
            "INSERT INTO parts_finished (id, submission_id, workspace_id, name, queue, body, link_marks)"
            " VALUES (%s, %s, %s, 'CheckLinks', 'links.bulk', '{}', '')",
            (part, job, job),
        )
    later, before = datetime.now(UTC) + timedelta(hours=1), datetime.now(UTC) - timedelta(hours=1)
    for restored, parts in (({"audit": before}, 0), ({"links": later}, 0), ({"links": before}, 1)):
        restoration = reconcile.Restoration(uuid.uuid4(), restored)
        asked = reconcile.reconcile(restoration, {"PRANALA_INTAKE_DATABASE_URL": url})
        assert asked == {"intake": {"batches": 0, "parts": parts}}


@pytest.mark.parametrize(
    "words", ["mail=2026-11-22T02:00:00Z", "links=yesterday", "links=2026-11-22T02:00:00", "links"]
)
def test_what_cannot_be_understood_is_refused(words: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        reconcile.main(["--restored", words], {})
    assert "--restored" in capsys.readouterr().err
