import uuid

import pytest
from flask.testing import FlaskClient

from contracts import monitor_pb2
from tests.web.conftest import MakeClient
from tests.web.neighbours import Neighbours


def test_workers_are_listed_with_what_they_do(client: FlaskClient, neighbours: Neighbours) -> None:
    worker = monitor_pb2.Worker(
        name="links@box", queues=["links.bulk"], concurrency=4, pid=7, processed={"CheckLinks": 9}
    )
    worker.active.add(id="x", name="CheckLinks", started_at=1_800_000_000.5)
    neighbours.workers.append(worker)
    [found] = client.get("/api/v1/monitor/workers").json["items"]
    assert (found["name"], found["processed"]) == ("links@box", {"CheckLinks": 9})
    assert found["active"] == [{"id": "x", "name": "CheckLinks", "started_at": "2027-01-15T08:00:00.500000Z"}]


def test_a_queue_that_cannot_be_asked_has_no_counts(client: FlaskClient, neighbours: Neighbours) -> None:
    neighbours.queues += [
        monitor_pb2.Queue(name="intake", service="intake", messages_ready=2**40, consumers=1, dead_letters=0),
        monitor_pb2.Queue(name="audit", service="audit"),
    ]
    intake, audit = client.get("/api/v1/monitor/queues").json["items"]
    assert (intake["messages_ready"], intake["dead_letters"]) == (2**40, 0)
    assert (audit["messages_ready"], audit["dead_letters"]) == (None, None)


def bury(neighbours: Neighbours, queue: str = "audit", count: int = 1) -> list[monitor_pb2.DeadLetter]:
    """Dead letters of a queue."""
    stories = []
    for _ in range(count):
        letter = monitor_pb2.DeadLetter(
            id=str(uuid.uuid4()),
            queue=queue,
            message="RecordEvents",
            version=1,
            message_id=str(uuid.uuid4()),
            reason="failed",
            detail="ValueError: no",
            worker="audit",
            deliveries=1,
        )
        letter.died_at.FromJsonString("2026-11-22T08:00:00Z")
        stories.append(monitor_pb2.DeadLetterStory(letter=letter, body="[[], {}, {}]", traceback="Traceback …"))
    neighbours.dead_letters += stories
    return [each.letter for each in stories]


def test_dead_letters_are_listed_page_by_page_and_shown_whole(client: FlaskClient, neighbours: Neighbours) -> None:
    bury(neighbours, "intake")
    first, second = bury(neighbours, count=2)
    page = client.get("/api/v1/monitor/dead-letters?queue=audit&limit=1").json
    [found] = page["items"]
    assert (found["id"], found["reason"], found["detail"]) == (first.id, "failed", "ValueError: no")
    assert (found["died_at"], found["deliveries"]) == ("2026-11-22T08:00:00Z", 1)
    rest = client.get(f"/api/v1/monitor/dead-letters?queue=audit&limit=1&cursor={page['next_cursor']}").json
    assert [each["id"] for each in rest["items"]] == [second.id]
    assert rest["next_cursor"] is None
    whole = client.get(f"/api/v1/monitor/dead-letters/{first.id}").json
    assert {**found, "content_type": "", "body": "[[], {}, {}]", "traceback": "Traceback …"} == whole
    assert client.get(f"/api/v1/monitor/dead-letters/{uuid.uuid4()}").status_code == 404


def test_who_replays_or_discards_is_told_to_the_monitor(client: FlaskClient, neighbours: Neighbours) -> None:
    first, _ = bury(neighbours, count=2)
    done = client.post(
        "/api/v1/monitor/dead-letters/actions",
        json={"action": "replay", "ids": [first.id]},
        headers={"User-Agent": "pranala-cli"},
    ).json
    assert done == {"action": "replay", "count": 1, "remaining": 1}
    [asked] = neighbours.calls("ActOnDeadLetters")
    assert (list(asked.ids), asked.queue, asked.user_agent) == ([first.id], "", "pranala-cli")  # type: ignore[attr-defined]
    assert asked.actor.startswith("key:")  # type: ignore[attr-defined]
    assert asked.workspace_id  # type: ignore[attr-defined]
    done = client.post("/api/v1/monitor/dead-letters/actions", json={"action": "discard", "queue": "audit"}).json
    assert done == {"action": "discard", "count": 1, "remaining": 0}


@pytest.mark.parametrize(
    "body",
    [
        {"action": "eat", "queue": "audit"},
        {"action": "replay"},
        {"action": "replay", "queue": "audit", "ids": [str(uuid.uuid4())]},
        {"action": "replay", "ids": []},
        {"action": "replay", "ids": ["x"]},
    ],
)
def test_an_action_that_does_not_say_on_what_is_refused(
    client: FlaskClient, neighbours: Neighbours, body: dict[str, object]
) -> None:
    assert client.post("/api/v1/monitor/dead-letters/actions", json=body).status_code == 422
    assert not neighbours.calls("ActOnDeadLetters")


def test_looking_at_dead_letters_is_not_the_right_to_act_on_them(make_client: MakeClient) -> None:
    reader = make_client("monitor:read")
    assert reader.get("/api/v1/monitor/dead-letters").status_code == 200
    wanted = {"action": "discard", "queue": "audit"}
    assert reader.post("/api/v1/monitor/dead-letters/actions", json=wanted).status_code == 403
    assert make_client("links:read").get("/api/v1/monitor/dead-letters").status_code == 403
    writer = make_client("monitor:write")
    assert writer.post("/api/v1/monitor/dead-letters/actions", json=wanted).status_code == 200
