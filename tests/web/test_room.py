"""Where there is no room, submissions are told to come again, and nothing else changes."""

from collections.abc import Callable

import pytest
from flask.testing import FlaskClient
from sqlalchemy import text

from config.settings import Intake
from tasks.database import Sessions
from tasks.intake.room import MEASURED_EVERY_S
from tests.journeys.system import wait_for

SUBMISSIONS = {
    "/api/v1/links": {"json": {"url": "https://a.example/"}},
    "/api/v1/batches": {"data": "https://a.example/\nhttps://b.example/", "content_type": "text/plain"},
    "/api/v1/notifications": {"json": {"title": "t", "body": "b"}},
    "/api/v1/audit/events": {"json": {"events": [{"action": "a.b"}]}},
}


@pytest.fixture
def intake_settings() -> Intake:
    return Intake(part_size=2, outbox_most=2)


@pytest.mark.parametrize("path", SUBMISSIONS)
def test_a_full_outbox_accepts_nothing_until_it_is_emptied(
    client: FlaskClient, sessions: Sessions, accepted: Callable[[], tuple[int, int]], path: str
) -> None:
    first = client.post("/api/v1/links", json={"url": "https://first.example/"}, headers={"Idempotency-Key": "1"})
    assert first.status_code == 202
    refused = wait_for(lambda: _refused(client, path), 3 * MEASURED_EVERY_S, "a refusal")
    assert refused.headers["Content-Type"] == "application/problem+json"
    assert refused.json["type"] == "/problems/no-room"
    assert int(refused.headers["Retry-After"]) > 0
    before = accepted()
    assert _refused(client, path)
    assert accepted() == before
    _what_goes_on(client)
    with sessions.begin() as session:
        session.execute(text("DELETE FROM outbox"))
    wait_for(lambda: _refused(client, path) is None or None, 3 * MEASURED_EVERY_S, "room")


def _refused(client: FlaskClient, path: str) -> object:
    response = client.post(path, **SUBMISSIONS[path])
    return response if response.status_code == 503 else None


def _what_goes_on(client: FlaskClient) -> None:
    """Reading, answers that were given before, and the probe, which says what is lacking."""
    assert client.get("/problems/no-room").status_code == 200
    again = client.post("/api/v1/links", json={"url": "https://first.example/"}, headers={"Idempotency-Key": "1"})
    assert (again.status_code, again.headers["Idempotent-Replayed"]) == (202, "true")
    ready = client.get("/readyz")
    assert (ready.status_code, ready.json["state"], ready.json["degraded"]) == (200, "degraded", ["intake"])
    assert "wait for the broker" in ready.json["dependencies"]["intake"]["detail"]


@pytest.mark.parametrize("path", SUBMISSIONS)
def test_a_disk_that_is_full_at_the_commit_accepts_nothing_and_says_so(
    client: FlaskClient, sessions: Sessions, accepted: Callable[[], tuple[int, int]], path: str
) -> None:
    with sessions.begin() as session:
        session.execute(text(FULL))
    response = client.post(path, **SUBMISSIONS[path])
    assert response.status_code == 503
    assert response.json["type"] == "/problems/no-room"
    assert "disk" in response.json["detail"]
    assert accepted() == (0, 0)


# What PostgreSQL says of a full disk, said by it at the commit.
FULL = """
    CREATE FUNCTION full_disk() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN RAISE EXCEPTION 'could not extend file' USING ERRCODE = 'disk_full'; END $$;
    CREATE CONSTRAINT TRIGGER full_disk AFTER INSERT ON submissions
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION full_disk()
"""
