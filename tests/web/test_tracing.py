import json
import logging
import uuid
from collections.abc import Callable, Iterator

import pytest
import structlog
from flask.testing import FlaskClient
from structlog.testing import LogCapture

from tasks.intake.models import Outbox
from tests.web.conftest import WORKSPACE, settings_for
from tests.web.neighbours import Neighbours
from web import rpc
from web.app import create_app

TRACE = "0af7651916cd43dd8448eb211c80319c"
TRACEPARENT = f"00-{TRACE}-b7ad6b7169203331-01"
URL = {"url": "https://e.org/"}


@pytest.fixture
def lines() -> Iterator[list[dict[str, object]]]:
    """What is logged meanwhile."""
    capture = LogCapture()
    before = structlog.get_config()
    structlog.configure(processors=[structlog.contextvars.merge_contextvars, capture])
    yield capture.entries  # type: ignore[misc]  # structlog's own name for a dict
    structlog.configure(**before)


def test_the_callers_trace_goes_on_in_the_work(client: FlaskClient, outbox: Callable[[], list[Outbox]]) -> None:
    headers = {"traceparent": TRACEPARENT, "X-Request-Id": "req-1"}
    response = client.post("/api/v1/links", json=URL, headers=headers)
    assert response.headers["X-Request-Id"] == "req-1"
    for letter in outbox():
        assert letter.traceparent.startswith(f"00-{TRACE}-")
        assert letter.traceparent != TRACEPARENT
        assert letter.request_id == "req-1"
    [audit] = [json.loads(letter.body)["events"][0] for letter in outbox() if letter.name == "RecordEvents"]
    assert (audit["trace_id"], audit["request_id"]) == (TRACE, "req-1")


@pytest.mark.parametrize("given", ["", "a b", "é", "a" * 129, 'x"y'])
def test_a_request_id_that_is_none_is_replaced(client: FlaskClient, given: str) -> None:
    made = client.get("/healthz", headers={"X-Request-Id": given.encode().decode("latin-1")}).headers["X-Request-Id"]
    assert uuid.UUID(made)


@pytest.mark.parametrize("given", ["", "nonsense", "00-00000000000000000000000000000000-0000000000000000-01"])
def test_a_request_without_a_trace_begins_one(client: FlaskClient, given: str) -> None:
    found = client.get("/none", headers={"traceparent": given}).json["trace_id"]
    assert len(found) == 32
    assert set(found) != {"0"}


def test_each_request_leaves_one_line(client: FlaskClient, lines: list[dict[str, object]]) -> None:
    client.get(f"/api/v1/links/{WORKSPACE}?secret=x", headers={"X-Request-Id": "req-1"})
    [line] = [each for each in lines if each["event"] == "request"]
    assert (line["method"], line["route"], line["status"]) == ("GET", "/api/v1/links/<uuid:id>", 404)
    assert (line["ip"], line["actor"], line["request_id"]) == ("127.0.0.1", "key:test", "req-1")
    assert line["duration_ms"]
    assert "secret" not in str(line)


def test_probes_are_lines_for_whoever_wants_every_line(client: FlaskClient, lines: list[dict[str, object]]) -> None:
    client.get("/healthz")
    assert [line["log_level"] for line in lines if line["event"] == "request"] == [logging.getLevelName(10).lower()]


@pytest.mark.parametrize(("proxies", "ip"), [(0, "127.0.0.1"), (1, "198.51.100.7"), (2, "203.0.113.9")])
def test_forwarded_addresses_are_believed_of_trusted_proxies_only(
    sessions: object, neighbours: Neighbours, lines: list[dict[str, object]], proxies: int, ip: str
) -> None:
    settings = settings_for(neighbours.address, trusted_proxies=proxies)
    app = create_app(settings, sessions, rpc.connect(settings))  # type: ignore[arg-type]  # a fixture's value
    app.test_client().get("/none", headers={"X-Forwarded-For": "192.0.2.1, 203.0.113.9, 198.51.100.7"})
    assert [line["ip"] for line in lines if line["event"] == "request"] == [ip]
