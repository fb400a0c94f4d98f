import hashlib
import io
import resource
from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import text

from tasks.database import Sessions
from web import lines
from web.problems import Problem
from web.spool import Spool
from web.uploads import MIB, Upload

A = b"https://a.example/\n"
OPEN = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND state LIKE 'idle in transaction%'"


class Broken(io.RawIOBase):
    """A connection that ends after some bytes."""

    def __init__(self, content: bytes, error: Exception) -> None:
        self._content = content
        self._error = error

    def read(self, size: int = -1) -> bytes:
        if not self._content:
            raise self._error
        content, self._content = self._content, b""
        return content


def test_a_whole_body_is_read_and_hashed_once() -> None:
    body = A * 100_000
    upload = Upload(io.BytesIO(body), len(body), 256 * MIB, "split it")
    assert b"".join(upload.chunks()) == body
    assert upload.fingerprint() == hashlib.sha256(body).hexdigest()


@pytest.mark.parametrize(
    ("stream", "length", "status"),
    [
        (io.BytesIO(A), len(A) + 1, 400),
        (Broken(A, ConnectionResetError()), None, 400),
        (Broken(A, TimeoutError()), None, 408),
        (io.BytesIO(b" " * (MIB + 1)), None, 413),
    ],
)
def test_a_body_that_is_cut_stalled_or_endless_is_a_problem(stream: Any, length: int | None, status: int) -> None:
    with pytest.raises(Problem) as problem:
        Upload(stream, length, MIB, "").fingerprint()
    assert problem.value.status == status
    assert "Nothing was accepted" in problem.value.detail


def test_a_cut_batch_is_not_accepted_at_all(client: FlaskClient, accepted: Callable[[], tuple[int, int]]) -> None:
    response = client.post(
        "/api/v1/batches", data=A, content_type="text/plain", environ_overrides={"CONTENT_LENGTH": str(len(A) * 2)}
    )
    assert response.status_code == 400
    assert accepted() == (0, 0)


@pytest.mark.parametrize("size", [1, 2, 3, 7, 64, 10_000])
def test_lines_are_the_same_however_the_body_is_cut_into_chunks(size: int) -> None:
    body = "\ufeffhttps://a.example/é\r\n\nhttps://b.example/".encode() + b"x" * 70_000 + b"\nhttps://c.example/"
    chunks = [body[start : start + size] for start in range(0, len(body), size)]
    found = list(lines.plain_text(chunks))
    assert [(line.number, line.url[:19], bool(line.fault)) for line in found] == [
        (1, "https://a.example/é", False),
        (3, "https://b.example/x", True),
        (4, "https://c.example/", False),
    ]


def test_a_line_without_an_end_is_not_kept_in_memory() -> None:
    [line] = lines.plain_text(b"x" * MIB for _ in range(64))
    assert (len(line.url), line.fault) == (500, "is longer than 65,536 bytes")


def test_a_long_body_is_kept_in_a_file_and_read_as_it_came() -> None:
    body = A * 100_000
    with Spool(Upload(io.BytesIO(body), len(body), 256 * MIB, "split it")) as spool:
        assert spool.newlines == 100_000
        assert b"".join(spool.chunks()) == spool.read() == body
        assert spool.fingerprint() == hashlib.sha256(body).hexdigest()


def test_where_there_is_no_room_for_a_body_it_may_come_again() -> None:
    body = b" " * (4 * MIB)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (2 * MIB, hard))
    try:
        with pytest.raises(Problem) as problem:
            Spool(Upload(io.BytesIO(body), len(body), 256 * MIB, "split it"))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert (problem.value.status, problem.value.headers) == (503, {"Retry-After": "60"})


def test_no_transaction_is_open_while_a_body_comes_in(client: FlaskClient, sessions: Sessions) -> None:
    asked: list[int] = []

    class Slow(io.BytesIO):
        def readinto(self, buffer: Any) -> int:
            with sessions() as session:
                asked.append(session.scalar(text(OPEN)) or 0)
            return super().readinto(buffer)

    client.post(
        "/api/v1/batches",
        input_stream=Slow(A),
        content_type="text/plain",
        headers={"Idempotency-Key": "slow"},
        environ_overrides={"CONTENT_LENGTH": str(len(A))},
    )
    assert asked
    assert set(asked) == {0}
