import hashlib
import io
from collections.abc import Callable

import pytest
from flask.testing import FlaskClient

from web import lines
from web.problems import Problem
from web.uploads import MIB, Upload

A = b"https://a.example/\n"


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
    ("upload", "status"),
    [
        (Upload(io.BytesIO(A), len(A) + 1, MIB, ""), 400),
        (Upload(Broken(A, ConnectionResetError()), None, MIB, ""), 400),  # type: ignore[arg-type]  # read is all it needs
        (Upload(Broken(A, TimeoutError()), None, MIB, ""), 408),  # type: ignore[arg-type]  # … as above
        (Upload(io.BytesIO(b" " * (MIB + 1)), None, MIB, ""), 413),
    ],
)
def test_a_body_that_is_cut_stalled_or_endless_is_a_problem(upload: Upload, status: int) -> None:
    with pytest.raises(Problem) as problem:
        upload.fingerprint()
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


def test_more_lines_than_can_be_held_are_refused() -> None:
    with pytest.raises(Problem) as problem:
        for _ in lines.plain_text(b"\n" * MIB for _ in range(2)):
            pass
    assert problem.value.status == 413
