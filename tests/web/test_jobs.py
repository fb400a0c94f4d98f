import uuid

import grpc
import pytest
from flask.testing import FlaskClient
from sqlalchemy import func, update

from contracts import links_pb2
from tasks.database import Sessions
from tasks.intake.models import Submission
from tests.web.neighbours import Neighbours

NONE = dict.fromkeys(("ok", "degraded", "broken", "inconclusive", "skipped"), 0)


def submit(client: FlaskClient) -> str:
    body = "https://a.example/\nhttps://b.example/\nhttps://c.example/\n"
    return str(client.post("/api/v1/batches", data=body, content_type="text/plain").json["job_id"])


def check(job_id: str, verdict: str) -> links_pb2.Check:
    found = links_pb2.Check(
        id=str(uuid.uuid4()), link_id=str(uuid.uuid4()), job_id=job_id, url="https://a.example/", verdict=verdict
    )
    found.hops.add(url="https://a.example/", status=404, ip="192.0.2.1")
    found.timings_ms["total"] = 12.5
    found.checked_at.FromJsonString("2026-11-21T10:00:00Z")
    return found


def test_a_job_that_its_service_has_not_seen_is_queued(client: FlaskClient) -> None:
    job_id = submit(client)
    job = client.get(f"/api/v1/jobs/{job_id}").json
    assert (job["id"], job["kind"], job["state"], job["total"], job["done"]) == (job_id, "links", "queued", 3, 0)
    assert job["verdicts"] == NONE
    assert client.get(f"/api/v1/jobs/{job_id}/results").json == {"items": [], "next_cursor": None}


def test_a_job_under_way_is_as_its_service_says(client: FlaskClient, neighbours: Neighbours) -> None:
    job_id = submit(client)
    neighbours.jobs[job_id] = links_pb2.Job(id=job_id, state="running", total=3, done=2, verdicts={"ok": 2})
    neighbours.jobs[job_id].started_at.FromJsonString("2026-11-21T10:00:00Z")
    job = client.get(f"/api/v1/jobs/{job_id}").json
    assert (job["state"], job["done"], job["verdicts"]) == ("running", 2, NONE | {"ok": 2})
    assert (job["started_at"], job["finished_at"]) == ("2026-11-21T10:00:00Z", None)


def test_results_are_listed_by_verdict(client: FlaskClient, neighbours: Neighbours) -> None:
    job_id = submit(client)
    neighbours.checks += [check(job_id, "ok"), check(job_id, "broken")]
    [result] = client.get(f"/api/v1/jobs/{job_id}/results?verdict=broken").json["items"]
    assert result["verdict"] == "broken"
    assert result["hops"] == [{"url": "https://a.example/", "status": 404, "ip": "192.0.2.1"}]
    assert result["timings_ms"] == {"total": 12.5}
    assert result["checked_at"] == "2026-11-21T10:00:00Z"
    assert client.get(f"/api/v1/jobs/{job_id}/results?verdict=bad").status_code == 422


def test_a_job_whose_service_is_away_is_not_guessed(client: FlaskClient, neighbours: Neighbours) -> None:
    job_id = submit(client)
    neighbours.failing["links"] = grpc.StatusCode.UNAVAILABLE
    response = client.get(f"/api/v1/jobs/{job_id}")
    assert response.status_code == 503
    assert "links" in response.json["detail"]


@pytest.mark.parametrize(
    ("path", "body", "kind"),
    [
        ("/api/v1/notifications", {"title": "Hello", "body": "World"}, "notification"),
        ("/api/v1/audit/events", {"action": "page.publish"}, "audit"),
    ],
)
def test_other_jobs_are_queued_until_intake_has_finished_them(
    client: FlaskClient, sessions: Sessions, path: str, body: object, kind: str
) -> None:
    location = client.post(path, json=body).headers["Location"]
    job = client.get(location).json
    assert (job["kind"], job["state"], job["total"], job["done"]) == (kind, "queued", 1, 0)
    with sessions.begin() as session:
        session.execute(update(Submission).values(finished_at=func.now()))
    job = client.get(location).json
    assert (job["state"], job["done"]) == ("finished", 1)
    assert job["finished_at"].endswith("Z")
    assert client.get(f"{location}/results").json["items"] == []
