import uuid
from collections.abc import Callable
from typing import Any

import grpc
import msgspec
import pytest
from flask.testing import FlaskClient

from contracts import notifications_pb2
from tasks.intake.models import Outbox
from tasks.notifications.messages import SendNotification
from tests.web.conftest import WORKSPACE
from tests.web.neighbours import Neighbours

WEBHOOK = {"kind": "webhook", "name": "ops", "target": "https://hooks.example/x"}
MESSAGE = {"title": "Hello", "body": "World\nand all"}


def sent(outbox: Callable[[], list[Outbox]]) -> list[SendNotification]:
    return [
        msgspec.json.decode(each.body, type=SendNotification) for each in outbox() if each.name == "SendNotification"
    ]


def test_a_channel_is_created_and_its_secret_told_once(client: FlaskClient, neighbours: Neighbours) -> None:
    created = client.post("/api/v1/channels", json=WEBHOOK, headers={"User-Agent": "curl/8"})
    assert created.status_code == 201
    assert created.json["secret"] == "whsec_x"
    channel = client.get(created.headers["Location"]).json
    assert channel == {name: value for name, value in created.json.items() if name != "secret"}
    assert client.get("/api/v1/channels").json["items"] == [channel]
    [request] = neighbours.calls("CreateChannel")
    assert (request.workspace_id, request.caller.actor) == (str(WORKSPACE), "key:test")
    assert (request.caller.ip, request.caller.user_agent) == ("127.0.0.1", "curl/8")


def test_a_mail_channel_has_no_secret(client: FlaskClient) -> None:
    body = {"kind": "email", "name": "team", "target": "team@example.org"}
    assert client.post("/api/v1/channels", json=body).json["secret"] is None


def test_what_the_service_finds_wrong_with_a_channel_is_told(client: FlaskClient) -> None:
    response = client.post("/api/v1/channels", json={"kind": "email", "name": "team", "target": "team"})
    assert response.status_code == 422
    assert response.json["errors"] == [{"pointer": "/target", "detail": "is not a mail address"}]


@pytest.mark.parametrize(
    ("change", "pointer"),
    [({"kind": "pigeon"}, "/kind"), ({"name": ""}, "/name"), ({"name": "a\nb"}, "/name"), ({"id": "x"}, "/id")],
)
def test_a_channel_that_does_not_fit_is_refused(client: FlaskClient, change: dict[str, Any], pointer: str) -> None:
    response = client.post("/api/v1/channels", json=WEBHOOK | change)
    assert response.status_code == 422
    assert [fault["pointer"] for fault in response.json["errors"]] == [pointer]


def test_a_removed_channel_is_gone(client: FlaskClient, stranger: FlaskClient) -> None:
    location = client.post("/api/v1/channels", json=WEBHOOK).headers["Location"]
    assert stranger.get(location).status_code == 404
    assert stranger.delete(location).status_code == 404
    assert client.delete(location).status_code == 204
    assert client.get(location).status_code == 404
    assert client.delete(location).status_code == 404


def test_a_channel_has_an_etag_that_conditions_are_held_against(client: FlaskClient) -> None:
    location = client.post("/api/v1/channels", json=WEBHOOK).headers["Location"]
    etag = client.get(location).headers["ETag"]
    assert not etag.startswith("W/")
    assert client.get(location, headers={"If-None-Match": etag}).status_code == 304
    assert client.delete(location, headers={"If-Match": '"other"'}).status_code == 412
    assert client.delete(location, headers={"If-Match": etag}).status_code == 204


def test_a_notification_is_accepted_for_one_channel_or_for_all(
    client: FlaskClient, outbox: Callable[[], list[Outbox]]
) -> None:
    channel = client.post("/api/v1/channels", json=WEBHOOK).json["id"]
    one = client.post("/api/v1/notifications", json=MESSAGE | {"channel_id": channel})
    client.post("/api/v1/notifications", json=MESSAGE)
    assert one.status_code == 202
    assert one.headers["Location"] == f"/api/v1/jobs/{one.json['job_id']}"
    assert [(each.channel_id, each.title, each.body) for each in sent(outbox)] == [
        (uuid.UUID(channel), "Hello", "World\nand all"),
        (None, "Hello", "World\nand all"),
    ]


def test_a_notification_for_a_channel_that_is_none_is_refused(client: FlaskClient) -> None:
    response = client.post("/api/v1/notifications", json=MESSAGE | {"channel_id": str(uuid.uuid4())})
    assert response.status_code == 422
    assert response.json["errors"][0]["pointer"] == "/channel_id"


def test_a_notification_is_accepted_while_its_service_is_away(
    client: FlaskClient, neighbours: Neighbours, outbox: Callable[[], list[Outbox]]
) -> None:
    neighbours.failing["notifications"] = grpc.StatusCode.UNAVAILABLE
    response = client.post("/api/v1/notifications", json=MESSAGE | {"channel_id": str(uuid.uuid4())})
    assert response.status_code == 202
    assert len(sent(outbox)) == 1


@pytest.mark.parametrize(
    "change", [{"title": ""}, {"title": None}, {"body": "\x00"}, {"channel_id": "x"}, {"to": "me"}]
)
def test_a_notification_that_does_not_fit_is_refused(client: FlaskClient, change: dict[str, Any]) -> None:
    response = client.post("/api/v1/notifications", json=MESSAGE | change)
    assert response.status_code == 422
    assert [fault["pointer"] for fault in response.json["errors"]] == [f"/{next(iter(change))}"]


def test_deliveries_are_listed_with_their_attempts(client: FlaskClient, neighbours: Neighbours) -> None:
    delivery = notifications_pb2.Delivery(id=str(uuid.uuid4()), subject="link.broken", title="Down", state="succeeded")
    delivery.attempts.add(number=1, ok=True, status=200, latency_ms=5).at.FromJsonString("2026-11-21T10:00:00Z")
    neighbours.deliveries.append(delivery)
    link = str(uuid.uuid4())
    [found] = client.get(f"/api/v1/deliveries?state=succeeded&link_id={link}").json["items"]
    assert found["channel_id"] is None
    assert found["attempts"][0]["status"] == 200
    [request] = neighbours.calls("ListDeliveries")
    assert (request.state, request.link_id, request.channel_id) == ("succeeded", link, "")
