"""What checks learn about servers for those that come after."""

from __future__ import annotations

from datetime import datetime

Address = tuple[str, int]

# Servers beyond these are forgotten, the oldest first.
REMEMBERED = 10_000


class Memory:
    """By host and port: whose HEAD lies, and when whose certificate ends."""

    def __init__(self) -> None:
        self._liars: dict[Address, None] = {}
        self._not_after: dict[Address, datetime] = {}

    def head_lies(self, address: Address) -> bool:
        return address in self._liars

    def remember_lie(self, address: Address) -> None:
        if len(self._liars) >= REMEMBERED:
            del self._liars[next(iter(self._liars))]
        self._liars[address] = None

    def certificate_end(self, address: Address, seen: datetime | None) -> datetime | None:
        """The end of a server's certificate: as seen now, or else when the connection in use was opened."""
        if seen is None:
            return self._not_after.get(address)
        if len(self._not_after) >= REMEMBERED:
            del self._not_after[next(iter(self._not_after))]
        self._not_after[address] = seen
        return seen
