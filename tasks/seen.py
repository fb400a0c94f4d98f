"""Which links of a batch were met before, at 32 MiB for a million of them."""

from __future__ import annotations

import struct
from array import array

_WORDS = struct.Struct("=QQ")
_SMALLEST = 1 << 10


class Seen:
    """A set of ids of 16 bytes, kept as two arrays of words: Python's own sets take four times as much."""

    def __init__(self, expected: int = 0) -> None:
        """`expected` ids have room from the start; it grows with more, at three times the price for each."""
        self._make(max(_SMALLEST, 1 << (2 * expected).bit_length()))

    def add(self, identity: bytes) -> bool:
        """Take an id; whether it is new. An empty slot is told by its second word, which no UUID leaves zero."""
        firsts, seconds, mask = self._firsts, self._seconds, self._mask
        first, second = _WORDS.unpack(identity)
        # The ids are hashes, but their second halves all begin alike.
        slot = first & mask
        while found := seconds[slot]:
            if found == second and firsts[slot] == first:
                return False
            slot = (slot + 1) & mask
        firsts[slot], seconds[slot] = first, second
        self._free -= 1
        if not self._free:
            self._grow()
        return True

    def _make(self, slots: int) -> None:
        self._mask = slots - 1
        self._firsts = array("Q", bytes(8 * slots))
        self._seconds = array("Q", bytes(8 * slots))
        self._free = slots // 2

    def _grow(self) -> None:
        firsts, seconds = self._firsts, self._seconds
        self._make(2 * len(firsts))
        for first, second in zip(firsts, seconds, strict=True):
            if second:
                self.add(_WORDS.pack(first, second))
