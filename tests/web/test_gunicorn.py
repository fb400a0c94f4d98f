"""What only a real server shows: real sockets, several processes, signals."""

import http.client
import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import requests
from sqlalchemy import func, select

from tasks.database import Sessions
from tasks.intake.models import Submission
from tests.conftest import ROOT
from tests.web.conftest import WORKSPACE
from tests.web.neighbours import SERVICES, TOKEN, Neighbours

A = b"https://a.example/\n"


@dataclass
class Server:
    """A running front API."""

    process: subprocess.Popen[bytes]
    port: int
    log: Path
    key: str
    sessions: Sessions

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.key}", "Content-Type": "text/plain"}

    def call(self, method: str, path: str, **options: Any) -> requests.Response:
        headers = self.headers | options.pop("headers", {})
        return requests.request(method, f"http://127.0.0.1:{self.port}{path}", headers=headers, timeout=30, **options)

    def send(self, head: str, body: bytes) -> socket.socket:
        """A raw request, so that a test can send what no client library would."""
        connection = socket.create_connection(("127.0.0.1", self.port), timeout=30)
        lines = [f"POST {head} HTTP/1.1", "Host: localhost", f"Authorization: Bearer {self.key}"]
        connection.sendall("\r\n".join(lines).encode() + b"\r\n" + body)
        return connection

    def submissions(self) -> int:
        with self.sessions() as session:
            return session.scalar(select(func.count()).select_from(Submission)) or 0

    def lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.log.read_text().splitlines() if line.startswith("{")]


@pytest.fixture
def server(sessions: Sessions, neighbours: Neighbours, tmp_path: Path) -> Iterator[Server]:
    """The front API as it is run: gunicorn with two processes."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    environ = {
        "PATH": os.environ["PATH"],
        "TMPDIR": str(tmp_path),
        "PRANALA_PORT": str(port),
        "PRANALA_INTAKE_DATABASE_URL": sessions.kw["bind"].url.render_as_string(hide_password=False),
        "PRANALA_RPC_TOKEN": TOKEN,
        "PRANALA_SECRET_KEY": "secret",
        "PRANALA_SERVICE_NAME": "web",
        **{f"PRANALA_{name.upper()}_RPC": neighbours.address for name in SERVICES},
    }
    log = tmp_path / "web.log"
    command = [sys.executable, "-m", "gunicorn", "-c", "config/gunicorn.py", "web.wsgi:app"]
    with log.open("wb") as output:
        process = subprocess.Popen(command, cwd=ROOT, env=environ, stdout=output, stderr=output)
    key = neighbours.give_key("admin", workspace_id=WORKSPACE)
    try:
        wait_until_up(process, port, log)
        yield Server(process, port, log, key, sessions)
    finally:
        process.kill()
        process.wait()


def wait_until_up(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        assert process.poll() is None, log.read_text()
        try:
            if requests.get(f"http://127.0.0.1:{port}/healthz", timeout=5).status_code == 200:
                return
        except requests.ConnectionError:
            time.sleep(0.1)
    raise AssertionError(log.read_text())


def answer_of(connection: socket.socket) -> http.client.HTTPResponse:
    response = http.client.HTTPResponse(connection)
    response.begin()
    return response


def test_a_batch_sent_in_chunks_is_accepted(server: Server) -> None:
    body = (b"https://a.example/%d\n" % number for number in range(10_000))
    response = server.call("POST", "/api/v1/batches", data=body)
    assert (response.status_code, response.json()["accepted"]) == (202, 10_000)


@pytest.mark.parametrize(
    "request_body",
    [
        b"Content-Type: text/plain\r\nContent-Length: 1000\r\n\r\n" + A,
        b"Content-Type: text/plain\r\nTransfer-Encoding: chunked\r\n\r\n13\r\n" + A + b"\r\n",
        b"Content-Type: text/plain\r\nTransfer-Encoding: chunked\r\n\r\n13\r\n" + A + b"\r\nzz\r\n",
        b"Content-Type: application/json\r\nContent-Length: 100\r\n\r\n" + b'{"urls": ["https://a.example/"]}',
    ],
)
def test_of_an_upload_that_is_cut_short_nothing_is_accepted(server: Server, request_body: bytes) -> None:
    connection = server.send("/api/v1/batches", request_body)
    connection.shutdown(socket.SHUT_WR)
    response = answer_of(connection)
    assert response.status == 400
    assert response.headers["Content-Type"] == "application/problem+json"
    assert "Nothing was accepted" in json.loads(response.read())["detail"]
    assert server.submissions() == 0


def test_an_upload_whose_sender_vanishes_leaves_no_transaction_behind(server: Server) -> None:
    head = b"Content-Type: text/plain\r\nIdempotency-Key: abc\r\nContent-Length: 1000\r\n\r\n"
    server.send("/api/v1/batches", head + A).close()
    deadline = time.monotonic() + 10
    headers = {"Idempotency-Key": "abc"}
    while (response := server.call("POST", "/api/v1/batches", data=A, headers=headers)).status_code == 409:
        assert time.monotonic() < deadline
    assert response.status_code == 202
    assert server.submissions() == 1


def test_a_body_over_the_bound_is_refused_before_it_is_sent(server: Server) -> None:
    head = b"Content-Type: text/plain\r\nContent-Length: 999999999\r\n\r\n"
    assert answer_of(server.send("/api/v1/batches", head)).status == 413


def test_the_processes_count_as_one(server: Server) -> None:
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: server.call("GET", "/api/v1/links"), range(100)))
    text = server.call("GET", "/metrics").text
    assert re.search(r'http_requests_total\{method="GET",route="/api/v1/links",status="200"\} 100\.0', text)


def test_everything_it_says_is_json(server: Server) -> None:
    server.call("GET", "/api/v1/links")
    server.process.send_signal(signal.SIGTERM)
    server.process.wait(10)
    written = server.log.read_text().splitlines()
    assert len(server.lines()) == len(written)
    assert [line["status"] for line in server.lines() if line.get("route") == "/api/v1/links"] == [200]
    assert {line["service"] for line in server.lines()} == {"web"}


def test_told_to_stop_it_finishes_what_it_is_doing(server: Server, neighbours: Neighbours) -> None:
    server.call("GET", "/api/v1/links")
    neighbours.delay_s = 1.0
    answers: list[int] = []
    slow = threading.Thread(target=lambda: answers.append(server.call("GET", "/api/v1/links").status_code))
    slow.start()
    time.sleep(0.3)
    server.process.send_signal(signal.SIGTERM)
    slow.join()
    assert answers == [200]
    assert server.process.wait(10) == 0


def test_it_leaves_nothing_behind(server: Server, tmp_path: Path) -> None:
    assert list(tmp_path.glob("pranala-metrics-*"))
    server.process.send_signal(signal.SIGTERM)
    server.process.wait(10)
    assert [path.name for path in tmp_path.iterdir()] == ["web.log"]
