"""A body that has arrived whole: nothing is begun for a slow client before its last byte is in."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from types import TracebackType

from web.problems import Problem
from web.uploads import CHUNK, MIB, Upload

# Longer bodies lie in a file without a name, which is gone with the process however that ends.
IN_MEMORY = MIB


class Spool:
    """Reads the upload to its end; `newlines` counts its lines but for a last one without an end."""

    def __init__(self, upload: Upload) -> None:
        self.newlines = 0
        self._upload = upload
        self._file = tempfile.SpooledTemporaryFile(IN_MEMORY)  # noqa: SIM115  # closed by our own exit
        try:
            for chunk in upload.chunks():
                self.newlines += chunk.count(b"\n")
                self._write(chunk)
        except BaseException:
            self._file.close()
            raise

    def __enter__(self) -> Spool:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._file.close()

    def fingerprint(self) -> str:
        """The SHA-256 of the whole body."""
        return self._upload.fingerprint()

    def read(self) -> bytes:
        """The whole body."""
        self._file.seek(0)
        return self._file.read()

    def chunks(self) -> Iterator[bytes]:
        """The body, piece by piece."""
        self._file.seek(0)
        while chunk := self._file.read(CHUNK):
            yield chunk

    def _write(self, chunk: bytes) -> None:
        try:
            self._file.write(chunk)
        except OSError as error:
            detail = "There is no room to hold a body of this size now. Nothing was accepted; send it again later."
            raise Problem(503, detail, headers={"Retry-After": "60"}) from error
