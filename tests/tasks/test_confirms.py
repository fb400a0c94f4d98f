"""What becomes of letters, by what the broker says of their tags."""

import uuid
from collections.abc import Callable

import pytest

from tasks.confirms import Batch, Confirms
from tasks.outbox import Letter

LETTERS = [Letter(uuid.UUID(int=number), "Ping", "", "", "{}", "", "") for number in range(1, 6)]
Said = Callable[[Confirms], None]


@pytest.mark.parametrize(
    ("said", "taken", "refused"),
    [
        ([lambda to: to.ack(5, True)], {1, 2, 3, 4, 5}, set()),
        ([lambda to: to.ack(2, False), lambda to: to.ack(5, True)], {1, 2, 3, 4, 5}, set()),
        ([lambda to: to.nack(2, True), lambda to: to.ack(5, True)], {3, 4, 5}, {1, 2}),
        ([lambda to: to.returned(uuid.UUID(int=4), "no queue"), lambda to: to.ack(5, True)], {1, 2, 3, 5}, {4}),
        (
            [lambda to: to.ack(1, False), lambda to: to.ack(1, False), lambda to: to.ack(5, True)],
            {1, 2, 3, 4, 5},
            set(),
        ),
    ],
)
def test_a_batch_is_decided_when_each_of_its_letters_is(said: list[Said], taken: set[int], refused: set[int]) -> None:
    confirms = Confirms()
    first, second = Batch(LETTERS[:3]), Batch(LETTERS[3:])
    confirms.sent(first)
    confirms.sent(second)
    for each in said:
        assert not (first.is_decided and second.is_decided)
        each(confirms)
    assert first.is_decided
    assert second.is_decided
    assert {letter.id.int for batch in (first, second) for letter in batch.taken} == taken
    assert {letter_id.int for batch in (first, second) for letter_id in batch.refused} == refused


def test_confirms_of_one_batch_do_not_decide_the_next() -> None:
    confirms = Confirms()
    first, second = Batch(LETTERS[:3]), Batch(LETTERS[3:])
    confirms.sent(first)
    confirms.sent(second)
    confirms.ack(3, True)
    assert first.is_decided
    assert not second.is_decided
    assert Batch([]).is_decided
