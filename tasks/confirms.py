"""Which letters the broker has taken: its confirms, by delivery tag, for each batch that was sent."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from itertools import takewhile

from tasks.outbox import Letter


class Batch:
    """Letters that were sent together. It is decided when each of them was confirmed or refused."""

    def __init__(self, letters: Sequence[Letter]) -> None:
        self.letters = letters
        self.refused: dict[uuid.UUID, str] = {}
        self._open = len(letters)

    @property
    def is_decided(self) -> bool:
        """Nothing more will be heard of it."""
        return not self._open

    @property
    def taken(self) -> list[Letter]:
        """Those that reached a queue."""
        return [letter for letter in self.letters if letter.id not in self.refused]

    def decide(self) -> None:
        """One letter more was heard of."""
        self._open -= 1


class Confirms:
    """The letters of one channel that are sent and not decided, in the order of their tags."""

    def __init__(self) -> None:
        self._open: dict[int, tuple[Batch, Letter]] = {}
        self._tag = 0

    def sent(self, batch: Batch) -> None:
        """The batch's letters are the next ones."""
        for letter in batch.letters:
            self._tag += 1
            self._open[self._tag] = batch, letter

    def ack(self, tag: int, multiple: bool) -> None:
        """The broker has this letter, or all of them up to it."""
        for batch, _ in self._decided(tag, multiple):
            batch.decide()

    def nack(self, tag: int, multiple: bool) -> None:
        """The broker does not want this letter, or any of them up to it."""
        for batch, letter in self._decided(tag, multiple):
            batch.refused[letter.id] = "the broker refused it (queue full?)"
            batch.decide()

    def returned(self, letter_id: uuid.UUID, reason: str) -> None:
        """No queue takes this letter; its confirm is still to come."""
        for batch, letter in self._open.values():
            if letter.id == letter_id:
                batch.refused[letter_id] = reason
                return

    def _decided(self, tag: int, multiple: bool) -> list[tuple[Batch, Letter]]:
        tags = takewhile(lambda each: each <= tag, self._open) if multiple else (tag,)
        return [self._open.pop(each) for each in list(tags) if each in self._open]
