import threading
import time

import grpc
import pytest
from flask.testing import FlaskClient
from google.protobuf.message import Message

from config import telemetry
from contracts.accounts_pb2 import AuthenticateRequest
from contracts.audit_pb2 import SearchEventsRequest
from contracts.links_pb2 import RemoveLinkRequest
from tests.web.conftest import settings_for
from tests.web.neighbours import TOKEN, Neighbours
from web import rpc
from web.breaker import FAILURES

TRACEPARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
SEARCH = SearchEventsRequest(limit=1)


def test_a_call_carries_the_token_the_trace_and_the_request_id(neighbours: Neighbours) -> None:
    services = rpc.connect(settings_for(neighbours.address))
    with telemetry.span("test", {"traceparent": TRACEPARENT, "request_id": "req-1"}):
        services.audit.call("SearchEvents", SEARCH)
    [(_, _, metadata)] = neighbours.asked
    assert metadata["authorization"] == f"Bearer {TOKEN}"
    assert metadata["traceparent"].startswith("00-0af7651916cd43dd8448eb211c80319c-")
    assert metadata["x-request-id"] == "req-1"


def test_a_silent_service_is_away_after_the_deadline(neighbours: Neighbours) -> None:
    neighbours.delay_s = 3.0
    services = rpc.connect(settings_for(neighbours.address, rpc_timeout_s=0.2))
    began = time.monotonic()
    with pytest.raises(rpc.Away) as failure:
        services.audit.call("SearchEvents", SEARCH)
    assert time.monotonic() - began < 2
    assert failure.value.code == "DEADLINE_EXCEEDED"


def test_a_service_that_keeps_failing_is_left_alone_and_the_others_are_not(neighbours: Neighbours) -> None:
    services = rpc.connect(settings_for(neighbours.address))
    neighbours.failing["audit"] = grpc.StatusCode.UNAVAILABLE
    for _ in range(FAILURES + 3):
        with pytest.raises(rpc.Away):
            services.audit.call("SearchEvents", SEARCH)
    # A read is asked twice before it is given up.
    assert len(neighbours.calls("SearchEvents")) == 2 * FAILURES
    with pytest.raises(rpc.Denied):
        services.accounts.call("Authenticate", AuthenticateRequest(key_hash="x"))


def test_an_open_circuit_is_told_to_clients_probes_and_prometheus(client: FlaskClient, neighbours: Neighbours) -> None:
    neighbours.failing["audit"] = grpc.StatusCode.UNAVAILABLE
    for _ in range(FAILURES + 1):
        response = client.get("/api/v1/audit/events")
        assert (response.status_code, response.json["type"]) == (503, "/problems/unavailable")
    assert 1 <= int(response.headers["Retry-After"]) <= 5
    ready = client.get("/readyz")
    assert (ready.status_code, ready.json["degraded"]) == (200, ["audit"])
    assert "resting" in ready.json["dependencies"]["audit"]["detail"]
    assert 'pranala_rpc_circuit_open{service="audit"} 1.0' in client.get("/metrics").text


def test_a_read_waits_for_a_server_that_is_started_anew(neighbours: Neighbours) -> None:
    services = rpc.connect(settings_for(neighbours.address))
    services.audit.call("SearchEvents", SEARCH)
    neighbours.stop()
    back = threading.Timer(0.5, neighbours.start)
    back.start()
    services.audit.call("SearchEvents", SEARCH)
    back.join()


@pytest.mark.parametrize(
    ("method", "request_", "status", "calls"),
    [
        ("SearchEvents", SEARCH, grpc.StatusCode.UNAVAILABLE, 2),
        ("RemoveLink", RemoveLinkRequest(), grpc.StatusCode.UNAVAILABLE, 1),
        # A server that stops says so of what it has not begun.
        ("RemoveLink", RemoveLinkRequest(), grpc.StatusCode.CANCELLED, 2),
        ("SearchEvents", SEARCH, grpc.StatusCode.INTERNAL, 1),
    ],
)
def test_what_may_have_been_done_is_asked_again_only_if_it_changes_nothing(
    neighbours: Neighbours, method: str, request_: Message, status: grpc.StatusCode, calls: int
) -> None:
    services = rpc.connect(settings_for(neighbours.address))
    service = services.audit if method == "SearchEvents" else services.links
    neighbours.failing[service.name] = status
    with pytest.raises(rpc.Failure):
        service.call(method, request_)
    assert len(neighbours.calls(method)) == calls


def test_a_service_that_comes_back_is_found_again_soon(neighbours: Neighbours) -> None:
    services = rpc.connect(settings_for(neighbours.address))
    services.audit.call("SearchEvents", SEARCH)
    neighbours.stop()
    with pytest.raises(rpc.Away):
        services.audit.call("SearchEvents", SEARCH)
    neighbours.start()
    deadline = time.monotonic() + 10
    while True:
        try:
            services.audit.call("SearchEvents", SEARCH)
            break
        except rpc.Away:
            assert time.monotonic() < deadline
            time.sleep(0.1)
