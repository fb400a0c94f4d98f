"""The set of ids, held against Python's own."""

import random
import uuid

import pytest

from tasks.seen import Seen


@pytest.mark.parametrize("expected", [0, 10, 5000])
def test_each_id_is_new_once_however_many_were_expected(expected: int) -> None:
    source = random.Random(7)
    seen, known = Seen(expected), set[bytes]()
    for _ in range(10_000):
        identity = uuid.UUID(int=source.getrandbits(12) << 100, version=5).bytes
        assert seen.add(identity) == (identity not in known)
        known.add(identity)


def test_ids_that_share_a_half_are_two() -> None:
    seen = Seen()
    words = (b"\x00" * 8, b"\x80" + b"\x00" * 7, b"\xff" * 8)
    ids = [first + second for first in words for second in words[1:]]
    assert [seen.add(each) for each in ids + ids] == [True] * 6 + [False] * 6
