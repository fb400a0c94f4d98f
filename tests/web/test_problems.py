from typing import Any

import grpc
import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.exceptions import TooManyRequests

from config.settings import Intake
from tasks import database
from tests.web.conftest import WORKSPACE, settings_for
from tests.web.neighbours import Neighbours
from web import rpc
from web.access import OPEN, scoped
from web.app import create_app
from web.problems import Fault, faults_in

TRACEPARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


def test_a_problem_says_what_where_and_in_which_trace(client: FlaskClient) -> None:
    response = client.get("/api/v1/nothing", headers={"traceparent": TRACEPARENT})
    assert response.content_type == "application/problem+json"
    assert response.json == {
        "type": "/problems/not-found",
        "title": "Not Found",
        "status": 404,
        "detail": "There is nothing at this path.",
        "instance": "/api/v1/nothing",
        "trace_id": "0af7651916cd43dd8448eb211c80319c",
    }


@pytest.mark.parametrize("path", ["/api/v1/links/not-an-id", "/api/v1//links", "/api/v1/links/", "/docs/../wsgi.py"])
def test_a_path_that_is_none_is_not_found(client: FlaskClient, path: str) -> None:
    assert client.get(path).status_code == 404


def test_a_wrong_method_is_told_the_right_ones(client: FlaskClient) -> None:
    response = client.put("/api/v1/links")
    assert response.status_code == 405
    assert {"GET", "POST"} <= set(response.headers["Allow"].split(", "))


@pytest.mark.parametrize("path", ["/api/v1/links", "/api/v1/notifications", "/api/v1/channels", "/api/v1/audit/events"])
def test_a_body_of_another_type_or_size_is_refused(client: FlaskClient, path: str) -> None:
    text = client.post(path, data="url=x", content_type="application/x-www-form-urlencoded")
    assert (text.status_code, text.headers["Accept-Post"]) == (415, "application/json")
    malformed = client.post(path, data="{", content_type="application/json")
    assert (malformed.status_code, malformed.json["type"]) == (400, "/problems/malformed-request")
    large = client.post(path, data=b" " * 2_000_000, content_type="application/json")
    assert (large.status_code, large.json["type"]) == (413, "/problems/too-large")
    packed = client.post(path, json={}, headers={"Content-Encoding": "br"})
    assert packed.status_code == 415


def test_headers_of_other_peoples_errors_are_kept(app: Flask) -> None:
    @app.get("/busy")
    @scoped(OPEN)
    def busy() -> None:
        raise TooManyRequests(retry_after=7)

    response = app.test_client().get("/busy")
    assert (response.status_code, response.headers["Retry-After"]) == (429, "7")
    assert response.content_type == "application/problem+json"


def test_a_fault_of_ours_says_nothing_of_our_inside(app: Flask) -> None:
    @app.get("/broken")
    @scoped(OPEN)
    def broken() -> None:
        raise RuntimeError("password=hunter2")

    response = app.test_client().get("/broken")
    assert response.status_code == 500
    assert response.content_type == "application/problem+json"
    assert "hunter2" not in response.text
    assert response.json["trace_id"]
    assert response.headers["X-Request-Id"]


def test_a_view_that_declares_no_scope_answers_nobody(app: Flask) -> None:
    app.add_url_rule("/forgotten", view_func=lambda: "secret")
    assert app.test_client().get("/forgotten").status_code == 500


@pytest.mark.parametrize(
    ("code", "status"),
    [
        (grpc.StatusCode.UNAVAILABLE, 503),
        (grpc.StatusCode.DEADLINE_EXCEEDED, 503),
        (grpc.StatusCode.NOT_FOUND, 404),
        (grpc.StatusCode.INVALID_ARGUMENT, 422),
        (grpc.StatusCode.INTERNAL, 502),
        (grpc.StatusCode.PERMISSION_DENIED, 502),
        (grpc.StatusCode.UNAUTHENTICATED, 502),
    ],
)
def test_what_a_service_says_becomes_a_problem(
    client: FlaskClient, neighbours: Neighbours, code: grpc.StatusCode, status: int
) -> None:
    neighbours.failing["audit"] = code
    response = client.get("/api/v1/audit/events")
    assert response.status_code == status
    assert ("Retry-After" in response.headers) == (status == 503)
    if status > 500:
        assert "audit" in response.json["detail"]
        assert "does not work" not in response.text


def test_without_the_intake_database_nothing_is_accepted(neighbours: Neighbours) -> None:
    url = "postgresql+psycopg://nobody@127.0.0.1:9/intake"
    settings = settings_for(neighbours.address)
    app = create_app(settings, database.connect(url), rpc.connect(settings), Intake())
    headers = {"Authorization": f"Bearer {neighbours.give_key('admin', workspace_id=WORKSPACE)}"}
    client = app.test_client()
    for answer in (
        client.post("/api/v1/links", json={"url": "https://e.org/"}, headers=headers),
        client.post("/api/v1/batches", data="https://e.org/", content_type="text/plain", headers=headers),
        client.get(f"/api/v1/jobs/{WORKSPACE}", headers=headers),
    ):
        assert answer.status_code == 503
        assert int(answer.headers["Retry-After"]) > 0
        assert answer.json["type"] == "/problems/unavailable"


@pytest.mark.parametrize(
    ("messages", "faults"),
    [
        ({"json": {"url": ["Missing."]}}, [("/url", "Missing.")]),
        ({"query": {"limit": ["Too many."]}}, [("/limit", "Too many.")]),
        ({"json": {"_schema": ["Invalid input type."]}}, [("", "Invalid input type.")]),
        ({"events": {1: {"a/b": ["No.", "Never."]}}}, [("/events/1/a~1b", "No."), ("/events/1/a~1b", "Never.")]),
    ],
)
def test_messages_become_pointers(messages: Any, faults: list[tuple[str, str]]) -> None:
    assert list(faults_in(messages)) == [Fault(*each) for each in faults]
