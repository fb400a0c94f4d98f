from flask.testing import FlaskClient

from contracts import monitor_pb2
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
