"""Dead letters over RPC, on a real broker."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator

import grpc
import kombu
import pytest
from celery import Celery

from cli.local.backing import Backing
from contracts import monitor_pb2 as pb
from contracts import monitor_pb2_grpc
from tests.workers.rpc.serving import serving
from tests.workers.test_dead_letters import QUEUE, bury, connection, taken, undertaker  # noqa: F401  # fixtures
from workers.rpc.monitor import MonitorServicer
from workers.undertaker import Undertaker

WORKSPACE = str(uuid.uuid4())


def monitor_at(url: str) -> MonitorServicer:
    return MonitorServicer(Celery("monitor", broker=url), url)


@pytest.fixture
def monitor(backing: Backing) -> Iterator[monitor_pb2_grpc.MonitorStub]:
    with serving(monitor_pb2_grpc.add_MonitorServicer_to_server, monitor_at(backing.broker_url)) as channel:
        yield monitor_pb2_grpc.MonitorStub(channel)


def test_dead_letters_are_listed_shown_and_sent_again_and_audit_is_told_by_whom(
    monitor: monitor_pb2_grpc.MonitorStub,
    undertaker: Undertaker,  # noqa: F811
    connection: kombu.Connection,  # noqa: F811
) -> None:
    sent = bury(undertaker, 2)
    page = monitor.ListDeadLetters(pb.ListDeadLettersRequest(queue=QUEUE, limit=1))
    [found] = page.items
    assert (found.message_id, found.reason, found.deliveries) == (str(sent[0].id), "failed", 3)
    assert found.trace_id == "0af7651916cd43dd8448eb211c80319c"
    assert found.died_at.ToDatetime().year >= 2026
    rest = monitor.ListDeadLetters(pb.ListDeadLettersRequest(queue=QUEUE, limit=1, after=page.next))
    assert [each.message_id for each in rest.items] == [str(sent[1].id)]
    whole = monitor.GetDeadLetter(pb.GetDeadLetterRequest(id=found.id))
    assert (whole.letter, whole.traceback) == (found, "Traceback …")
    assert json.loads(whole.body)[1] == {"number": 0}
    asker = {"workspace_id": WORKSPACE, "actor": "key:operator", "ip": "192.0.2.1", "user_agent": "pranala-cli"}
    acted = monitor.ActOnDeadLetters(pb.ActOnDeadLettersRequest(action="replay", ids=[found.id], **asker))
    assert (acted.count, acted.remaining) == (1, 1)
    assert len(taken(connection, QUEUE)) == 1
    [told] = taken(connection, "audit")
    [event] = json.loads(told.body)[1]["events"]
    assert {name: event[name] for name in asker} == asker
    assert (event["action"], event["resource_id"]) == ("dead_letters.replayed", QUEUE)
    assert event["details"]["letters"] == [{"id": found.id, "message_id": str(sent[0].id)}]
    again = monitor.ActOnDeadLetters(pb.ActOnDeadLettersRequest(action="replay", ids=[found.id], **asker))
    assert again.count == 0
    assert not taken(connection, "audit")


@pytest.mark.parametrize(
    ("request_", "code"),
    [
        (pb.ListDeadLettersRequest(queue="nowhere", limit=1), grpc.StatusCode.NOT_FOUND),
        (pb.GetDeadLetterRequest(id=str(uuid.uuid4())), grpc.StatusCode.NOT_FOUND),
        (pb.GetDeadLetterRequest(id="x"), grpc.StatusCode.NOT_FOUND),
        (pb.ActOnDeadLettersRequest(action="replay"), grpc.StatusCode.INVALID_ARGUMENT),
        (pb.ActOnDeadLettersRequest(action="eat", queue=QUEUE), grpc.StatusCode.INVALID_ARGUMENT),
    ],
)
def test_what_is_not_there_or_not_meant_is_refused(
    monitor: monitor_pb2_grpc.MonitorStub, request_: object, code: grpc.StatusCode
) -> None:
    method = type(request_).__name__.removesuffix("Request")
    with pytest.raises(grpc.RpcError) as refused:
        getattr(monitor, method)(request_)
    assert refused.value.code() == code  # type: ignore[attr-defined]  # grpc.Call too


def test_a_broker_that_keeps_none_or_is_away_is_no_crash() -> None:
    for url, code in (
        ("redis://127.0.0.1:9", grpc.StatusCode.FAILED_PRECONDITION),
        ("amqp://127.0.0.1:9", grpc.StatusCode.UNAVAILABLE),
    ):
        with serving(monitor_pb2_grpc.add_MonitorServicer_to_server, monitor_at(url)) as channel:
            with pytest.raises(grpc.RpcError) as refused:
                monitor_pb2_grpc.MonitorStub(channel).ListDeadLetters(pb.ListDeadLettersRequest(limit=1))
            assert refused.value.code() == code  # type: ignore[attr-defined]  # grpc.Call too
