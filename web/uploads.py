"""A request's body as it arrives: read once, in chunks, hashed on the way, and whole or an error."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterator
from typing import IO

from flask import Request
from werkzeug.exceptions import HTTPException

from web.problems import Problem, too_large, unsupported_media_type

CHUNK = 256 * 1024
# A client that sends a byte now and then must not hold a thread for ever.
LONGEST_S = 600.0
MIB = 1024 * 1024


class Upload:
    """`limit` and `length` (the announced one, if any) are in bytes; `advice` says what to do with more."""

    def __init__(self, stream: IO[bytes], length: int | None, limit: int, advice: str) -> None:
        self._stream = stream
        self._length = length
        self._limit = limit
        self._advice = advice
        self._read = 0
        self._hash = hashlib.sha256()
        self._deadline = time.monotonic() + LONGEST_S
        if length is not None and length > limit:
            raise self._over()

    def chunks(self) -> Iterator[bytes]:
        """The body, or a `Problem` where it is cut short, too long or too slow."""
        while chunk := self._next():
            self._read += len(chunk)
            self._hash.update(chunk)
            if self._read > self._limit:
                raise self._over()
            if time.monotonic() > self._deadline:
                raise Problem(408, f"The upload took longer than {LONGEST_S:.0f} s; split it. Nothing was accepted.")
            yield chunk
        if self._length is not None and self._read < self._length:
            raise _cut(f"{self._read:,} of {self._length:,} bytes arrived")

    def fingerprint(self) -> str:
        """The SHA-256 of the whole body; reads what is left of it."""
        for _ in self.chunks():
            pass
        return self._hash.hexdigest()

    def _over(self) -> Problem:
        return too_large(f"The body is larger than {self._limit // MIB} MiB; {self._advice}. Nothing was accepted.")

    def _next(self) -> bytes:
        try:
            return self._stream.read(CHUNK)
        except TimeoutError as error:
            raise Problem(408, "No more of the body came in time. Nothing was accepted; send it again.") from error
        except HTTPException:
            raise
        except Exception as error:
            # Servers tell of a broken connection or a broken chunk by errors of their own.
            raise _cut("the connection ended, or its chunks are broken") from error


def upload_of(request: Request, limit_mib: int, advice: str = "split it") -> Upload:
    """The body of this request. Compressed bodies are refused: what they unpack to has no bound."""
    coding = request.headers.get("Content-Encoding", "identity").strip().lower()
    if coding not in ("", "identity"):
        problem = unsupported_media_type(f"A body in Content-Encoding {coding} is not read; send it as it is.", ())
        problem.headers = {"Accept-Encoding": "identity"}
        raise problem
    return Upload(request.stream, request.content_length, limit_mib * MIB, advice)


def _cut(how: str) -> Problem:
    return Problem(400, f"The body was cut short: {how}. Nothing was accepted; send it again.", slug="body-cut-short")
