import threading
from collections.abc import Callable

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tasks.database import Sessions
from tasks.intake import idempotency
from tasks.intake.submissions import Caller
from tests.web.conftest import WORKSPACE, MakeClient

Count = Callable[[], tuple[int, int]]
URL = "https://a.example/"
ROUTES = {
    "/api/v1/links": {"json": {"url": URL}},
    "/api/v1/batches": {"data": f"{URL}\nbad\n", "content_type": "text/plain"},
    "/api/v1/notifications": {"json": {"title": "Hello", "body": "World"}},
    "/api/v1/audit/events": {"json": {"action": "page.publish"}},
}


@pytest.mark.parametrize("path", ROUTES)
def test_the_same_key_and_payload_get_the_same_answer_and_the_work_is_done_once(
    client: FlaskClient, accepted: Count, path: str
) -> None:
    first, again = (client.post(path, headers={"Idempotency-Key": "abc"}, **ROUTES[path]) for _ in range(2))
    assert first.status_code == again.status_code == 202
    assert first.json == again.json
    assert first.headers["Location"] == again.headers["Location"]
    assert "Idempotent-Replayed" not in first.headers
    assert again.headers["Idempotent-Replayed"] == "true"
    assert accepted() == (1, 1)


def test_without_a_key_asking_twice_is_doing_twice(client: FlaskClient, accepted: Count) -> None:
    for _ in range(2):
        client.post("/api/v1/notifications", **ROUTES["/api/v1/notifications"])
    assert accepted() == (2, 2)


def test_a_key_with_another_payload_is_refused(client: FlaskClient, accepted: Count) -> None:
    headers = {"Idempotency-Key": '"abc"'}
    client.post("/api/v1/links", json={"url": URL}, headers=headers)
    response = client.post("/api/v1/links", json={"url": f"{URL}x"}, headers=headers)
    assert response.status_code == 422
    assert response.json["type"] == "/problems/idempotency-key-reused"
    as_csv = client.post("/api/v1/batches", data=URL, content_type="text/csv", headers=headers)
    as_text = client.post("/api/v1/batches", data=URL, content_type="text/plain", headers=headers)
    assert (as_csv.status_code, as_text.status_code) == (202, 422)
    assert accepted() == (2, 2)


def test_a_key_belongs_to_its_caller(client: FlaskClient, stranger: FlaskClient, accepted: Count) -> None:
    for each in (client, stranger):
        assert (
            "Idempotent-Replayed"
            not in each.post("/api/v1/links", json={"url": URL}, headers={"Idempotency-Key": "abc"}).headers
        )
    assert accepted() == (2, 2)


def test_a_key_whose_first_request_is_under_way_is_told_to_wait(client: FlaskClient, sessions: Sessions) -> None:
    scope = idempotency.scope_of(Caller(WORKSPACE, "key:test"), "POST /api/v1/links", "abc")
    with sessions.begin() as session:
        idempotency.hold(session, scope)
        response = client.post("/api/v1/links", json={"url": URL}, headers={"Idempotency-Key": "abc"})
    assert response.status_code == 409
    assert response.headers["Retry-After"] == "1"
    assert response.json["type"] == "/problems/idempotency-key-in-flight"


def test_what_was_refused_is_not_remembered(client: FlaskClient) -> None:
    headers = {"Idempotency-Key": "abc"}
    refused = client.post("/api/v1/batches", data="bad", content_type="text/plain", headers=headers)
    assert refused.status_code == 422
    assert client.post("/api/v1/batches", data=URL, content_type="text/plain", headers=headers).status_code == 202


@pytest.mark.parametrize("key", ["", "a b", "a" * 256, "kéy"])
def test_a_key_of_another_form_is_refused(client: FlaskClient, key: str) -> None:
    response = client.post("/api/v1/links", json={"url": URL}, headers={"Idempotency-Key": key})
    assert response.status_code == 400


def test_of_many_at_once_one_does_the_work(app: Flask, make_client: MakeClient, accepted: Count) -> None:
    clients = [make_client("links:write") for _ in range(8)]
    answers: list[int] = []

    def post(client: FlaskClient) -> None:
        headers = {"Idempotency-Key": "abc"}
        answers.append(client.post("/api/v1/links", json={"url": URL}, headers=headers).status_code)

    threads = [threading.Thread(target=post, args=(client,)) for client in clients]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert set(answers) <= {202, 409}
    assert 202 in answers
    assert accepted() == (1, 1)
