import pytest
from flask import Flask
from flask.testing import FlaskClient
from grpc_health.v1 import health_pb2

from config.settings import Intake
from tasks import database
from tests.web.conftest import MakeClient, settings_for
from tests.web.neighbours import SERVICES, Neighbours
from web import rpc
from web.app import create_app


def test_a_living_process_says_so_and_asks_nobody(app: Flask, neighbours: Neighbours) -> None:
    neighbours.stop()
    assert app.test_client().get("/healthz").json == {"status": "ok"}
    neighbours.start()


def test_readiness_names_each_dependency(client: FlaskClient) -> None:
    response = client.get("/readyz")
    assert (response.status_code, response.json["state"], response.json["degraded"]) == (200, "ready", [])
    assert list(response.json["dependencies"]) == ["intake", *SERVICES]
    assert all(each == {"ok": True, "detail": "answers"} for each in response.json["dependencies"].values())


def test_a_service_that_is_not_well_degrades_and_no_more(client: FlaskClient, neighbours: Neighbours) -> None:
    neighbours.health.set("pranala.links.v1.Links", health_pb2.HealthCheckResponse.NOT_SERVING)
    response = client.get("/readyz")
    assert (response.status_code, response.json["state"], response.json["degraded"]) == (200, "degraded", ["links"])


def test_without_any_service_it_is_still_ready_to_accept(client: FlaskClient, neighbours: Neighbours) -> None:
    neighbours.stop()
    response = client.get("/readyz")
    neighbours.start()
    assert (response.status_code, response.json["degraded"]) == (200, list(SERVICES))
    assert response.json["dependencies"]["intake"]["ok"]
    assert "127.0.0.1" not in response.text


def test_without_the_intake_database_it_is_not_ready(neighbours: Neighbours) -> None:
    url = "postgresql+psycopg://nobody@127.0.0.1:9/intake"
    settings = settings_for(neighbours.address)
    app = create_app(settings, database.connect(url), rpc.connect(settings), Intake())
    response = app.test_client().get("/readyz")
    assert response.status_code == 503
    assert response.headers["Retry-After"]
    assert response.content_type == "application/problem+json"
    assert response.json["dependencies"]["intake"] == {"ok": False, "detail": "cannot be reached"}
    assert response.json["dependencies"]["links"]["ok"]
    assert "nobody" not in response.text


def test_requests_are_counted_by_route_and_never_by_path(client: FlaskClient) -> None:
    client.get("/api/v1/links/018f0000-0000-7000-8000-00000000000a")
    client.get("/api/v1/no/such/path")
    client.open("/healthz", method="BREW")
    client.post("/api/v1/batches", data="https://a.example/\nhttps://b.example/", content_type="text/plain")
    text = client.get("/metrics").text
    for line in (
        'pranala_http_requests_total{method="GET",route="/api/v1/links/<uuid:id>",status="404"} 1.0',
        'pranala_http_requests_total{method="GET",route="unmatched",status="404"} 1.0',
        'pranala_http_requests_total{method="other",route="unmatched",status="405"} 1.0',
        'pranala_http_request_duration_seconds_count{method="POST",route="/api/v1/batches"} 1.0',
        'pranala_submissions_accepted_total{kind="links"} 1.0',
        'pranala_work_accepted_total{kind="links"} 2.0',
        'pranala_outbox_depth{service="intake"} 2.0',
    ):
        assert line in text
    assert "pranala_outbox_oldest_age_seconds" in text
    assert "018f0000" not in text


def test_refusals_are_counted(client: FlaskClient, make_client: MakeClient) -> None:
    make_client("links:read").get("/metrics")
    assert 'pranala_requests_refused_total{action="auth.authorize"} 1.0' in client.get("/metrics").text


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/api/v1/links", "/api/v1/none", "/openapi.json", "/docs"])
def test_every_answer_carries_security_headers(client: FlaskClient, path: str) -> None:
    headers = client.get(path).headers
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Content-Security-Policy"].startswith("default-src 'none'")
    assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]
    assert "no-store" in headers["Cache-Control"] or path == "/docs"
    assert "Strict-Transport-Security" not in headers
    assert "Strict-Transport-Security" in client.get(path, base_url="https://localhost").headers
