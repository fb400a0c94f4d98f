"""What a source named, each link once: in a file without a name, because there may be a million of them."""

from __future__ import annotations

import tempfile
import uuid
from collections.abc import Iterator
from itertools import islice
from types import TracebackType

from tasks.links.messages import link_ids
from tasks.seen import Seen
from tasks.urls import InvalidUrl, normalise

IN_MEMORY = 1024 * 1024


class TooMany(Exception):
    """The source names more links than one job may have."""


class Harvest:
    """Counts `links`, `duplicates` and those that are `rejected` because they are no URLs."""

    def __init__(self, workspace_id: uuid.UUID, most: int) -> None:
        self.links = 0
        self.duplicates = 0
        self.rejected = 0
        self._most = most
        self._id_of = link_ids(workspace_id)
        self._seen = Seen()
        self._file = tempfile.SpooledTemporaryFile(IN_MEMORY)  # noqa: SIM115  # closed by our own exit

    def __enter__(self) -> Harvest:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._file.close()

    def add(self, text: str) -> None:
        """Take a link as it was written. Raises TooMany."""
        try:
            url = normalise(text)
        except InvalidUrl:
            self.rejected += 1
            return
        if not self._seen.add(self._id_of(url)):
            self.duplicates += 1
            return
        self.links += 1
        if self.links > self._most:
            raise TooMany(f"more than {self._most:,} links")
        self._file.write(url.encode() + b"\n")

    def clear(self) -> None:
        """Forget what was taken: the source is not to be used."""
        self.links = self.duplicates = self.rejected = 0
        self._file.seek(0)
        self._file.truncate()

    def parts(self, size: int) -> Iterator[list[str]]:
        """The links again, so many at a time."""
        self._file.seek(0)
        while lines := list(islice(self._file, size)):
            yield [line[:-1].decode() for line in lines]
