import csv
import io
import json
import uuid
from collections.abc import Callable
from xml.etree import ElementTree as Xml

import grpc
import pytest
from flask.testing import FlaskClient
from sqlalchemy import delete, func, update

from contracts import links_pb2
from tasks.database import Sessions
from tasks.intake.models import Outbox, Part, Submission
from tests.web.neighbours import Neighbours
from web import events

NONE = dict.fromkeys(("ok", "degraded", "broken", "inconclusive", "skipped"), 0)


def finish(sessions: Sessions) -> None:
    """As intake does when the last part is done."""
    with sessions.begin() as session:
        session.execute(delete(Part))
        session.execute(update(Submission).values(finished_at=func.now()))


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
    finish(sessions)
    job = client.get(location).json
    assert (job["state"], job["done"]) == ("finished", 1)
    assert job["finished_at"].endswith("Z")
    assert client.get(f"{location}/results").json["items"] == []


FORMS = ("application/x-ndjson", "text/csv", "application/xml", "application/sarif+json", "text/markdown")


def export(client: FlaskClient, job_id: str, form: str, query: str = "") -> str:
    response = client.get(f"/api/v1/jobs/{job_id}/results{query}", headers={"Accept": form})
    assert response.status_code == 200
    assert response.content_type == f"{form}; charset=utf-8"
    assert f"job-{job_id}" in response.headers["Content-Disposition"]
    return response.text


@pytest.fixture
def checked(client: FlaskClient, neighbours: Neighbours) -> str:
    """A finished job with more results than a page holds; the first is broken and the last one's URL is hostile."""
    job_id = submit(client)
    neighbours.checks += [
        check(job_id, "broken"),
        *(check(job_id, "ok") for _ in range(1198)),
        check(job_id, "skipped"),
    ]
    neighbours.checks[-1].url = '=cmd|"<`\x1b'
    neighbours.checks[-1].detail = "is no <place>\x02"
    neighbours.jobs[job_id] = links_pb2.Job(
        id=job_id, state="finished", total=1200, done=1200, verdicts={"ok": 1198, "broken": 1, "skipped": 1}
    )
    return job_id


def test_results_come_as_json_lines_over_all_pages(client: FlaskClient, checked: str) -> None:
    found = [json.loads(line) for line in export(client, checked, "application/x-ndjson").splitlines()]
    assert len(found) == 1200
    assert (found[0]["verdict"], found[0]["hops"][0]["status"]) == ("broken", 404)
    assert len(export(client, checked, "application/x-ndjson", "?verdict=broken").splitlines()) == 1


def test_a_spreadsheet_is_given_no_formula(client: FlaskClient, checked: str) -> None:
    found = list(csv.DictReader(io.StringIO(export(client, checked, "text/csv"))))
    assert len(found) == 1200
    assert found[-1]["url"] == "'=cmd|\"<`\x1b"
    assert found[0]["checked_at"] == "2026-11-21T10:00:00Z"


def test_results_are_test_cases_for_who_reads_junit(client: FlaskClient, checked: str) -> None:
    [suite] = Xml.fromstring(export(client, checked, "application/xml"))
    assert (suite.get("tests"), suite.get("failures"), suite.get("skipped")) == ("1200", "1", "1")
    assert len(suite) == 1200
    assert suite[-1].get("name") == '=cmd|"<`\N{REPLACEMENT CHARACTER}'
    [suite] = Xml.fromstring(export(client, checked, "application/xml", "?verdict=broken"))
    assert (suite.get("tests"), suite.get("failures"), len(suite)) == ("1", "1", 1)


def test_what_is_wrong_is_told_to_code_scanning(client: FlaskClient, checked: str) -> None:
    document = json.loads(export(client, checked, "application/sarif+json"))
    [run] = document["runs"]
    assert (document["version"], run["tool"]["driver"]["name"]) == ("2.1.0", "pranala")
    assert [each["level"] for each in run["results"]] == ["error", "note"]
    assert {each["ruleId"] for each in run["results"]} == {each["id"] for each in run["tool"]["driver"]["rules"]}


def test_a_markdown_table_holds_what_a_url_may_hold(client: FlaskClient, checked: str) -> None:
    lines = export(client, checked, "text/markdown").splitlines()
    assert len(lines) == 1202
    assert all(line.count("|") == 6 for line in lines)


@pytest.mark.parametrize("form", FORMS)
def test_a_job_that_has_not_begun_has_an_empty_export(client: FlaskClient, form: str) -> None:
    assert export(client, submit(client), form) is not None


@pytest.mark.parametrize("form", FORMS)
def test_a_service_that_is_away_is_an_error_and_no_empty_file(
    client: FlaskClient, neighbours: Neighbours, form: str
) -> None:
    job_id = submit(client)
    neighbours.failing["links"] = grpc.StatusCode.UNAVAILABLE
    assert client.get(f"/api/v1/jobs/{job_id}/results", headers={"Accept": form}).status_code == 503


def test_json_comes_to_whoever_does_not_mind(client: FlaskClient, checked: str) -> None:
    for accept in ("*/*", "application/json", "image/png"):
        assert client.get(f"/api/v1/jobs/{checked}/results", headers={"Accept": accept}).json["next_cursor"]


def test_a_cancelled_job_is_never_begun_and_cancelling_again_changes_nothing(
    client: FlaskClient, outbox: Callable[[], list[Outbox]], accepted: Callable[[], tuple[int, int]]
) -> None:
    job_id = submit(client)
    first = client.delete(f"/api/v1/jobs/{job_id}").json
    again = client.delete(f"/api/v1/jobs/{job_id}").json
    assert first == again == client.get(f"/api/v1/jobs/{job_id}").json
    assert (first["state"], first["done"]) == ("cancelled", 0)
    assert first["finished_at"]
    assert accepted() == (1, 0)
    [told] = [json.loads(each.body) for each in outbox() if each.name == "CancelParts"]
    waiting = [each for each in outbox() if each.name == "CheckLinks"]
    assert (told["job_id"], sorted(told["part_ids"])) == (job_id, sorted(str(each.id) for each in waiting))
    assert [each.body for each in waiting] == [None] * len(waiting), "what was not sent yet has become needless"
    recorded = [json.loads(each.body)["events"][0]["action"] for each in outbox() if each.name == "RecordEvents"]
    assert recorded == ["links.submit", "links.cancel"]


def test_a_job_that_was_put_back_can_be_cancelled_after_all_its_parts_were_done(
    client: FlaskClient, neighbours: Neighbours, sessions: Sessions, outbox: Callable[[], list[Outbox]]
) -> None:
    job_id = submit(client)
    neighbours.jobs[job_id] = links_pb2.Job(id=job_id, state="running", total=3, done=1, verdicts={"ok": 1})
    finish(sessions)
    assert client.delete(f"/api/v1/jobs/{job_id}").json["state"] == "cancelled"
    [told] = [json.loads(each.body) for each in outbox() if each.name == "CancelParts"]
    assert told == {"job_id": job_id, "part_ids": []}


def test_a_finished_job_stays_finished(client: FlaskClient, checked: str, sessions: Sessions) -> None:
    finish(sessions)
    assert client.delete(f"/api/v1/jobs/{checked}").json["state"] == "finished"


def test_another_workspaces_job_and_a_notification_are_not_cancelled(
    client: FlaskClient, stranger: FlaskClient
) -> None:
    assert stranger.delete(f"/api/v1/jobs/{submit(client)}").status_code == 404
    location = client.post("/api/v1/notifications", json={"title": "Hello", "body": "World"}).headers["Location"]
    assert client.delete(location).status_code == 409


def test_a_listener_hears_how_a_job_comes_along_and_that_it_ended(client: FlaskClient, neighbours: Neighbours) -> None:
    job_id = submit(client)
    steps = iter(
        [
            links_pb2.Job(id=job_id, state="running", total=3, done=1, verdicts={"ok": 1}),
            links_pb2.Job(id=job_id, state="running", total=3, done=1, verdicts={"ok": 1}),
            links_pb2.Job(id=job_id, state="finished", total=3, done=3, verdicts={"ok": 3}),
        ]
    )
    neighbours.before_job = lambda asked: neighbours.jobs.update({asked: next(steps, neighbours.jobs.get(asked))})
    response = client.get(f"/api/v1/jobs/{job_id}/events")
    assert response.content_type.startswith("text/event-stream")
    told = [dict(line.split(": ", 1) for line in event.splitlines()) for event in response.text.strip().split("\n\n")]
    assert [(each.get("id"), each.get("event")) for each in told] == [
        (None, None),
        ("2", "progress"),
        ("5", "finished"),
    ]
    assert json.loads(told[-1]["data"])["verdicts"] == NONE | {"ok": 3}


def test_a_listener_goes_on_where_it_was_and_is_told_to_stop_at_the_end(client: FlaskClient, checked: str) -> None:
    response = client.get(f"/api/v1/jobs/{checked}/events", headers={"Last-Event-ID": "900"})
    assert response.text.count("event: ") == 1
    assert client.get(f"/api/v1/jobs/{checked}/events", headers={"Last-Event-ID": "1202"}).status_code == 204
    assert client.get(f"/api/v1/jobs/{checked}/events", headers={"Last-Event-ID": "x"}).text.count("event: ") == 1
    assert client.get(f"/api/v1/jobs/{uuid.uuid4()}/events").status_code == 404


def test_listeners_never_hold_all_threads(client: FlaskClient) -> None:
    path = f"/api/v1/jobs/{submit(client)}/events"
    listening = [client.get(path, buffered=False) for _ in range(events.STREAMS_MOST)]
    refused = client.get(path)
    assert (refused.status_code, refused.headers["Retry-After"]) == (503, "5")
    for each in listening:
        each.close()
    again = client.get(path, buffered=False)
    assert again.status_code == 200
    again.close()
