"""A letter's frames are those that py-amqp would write, byte by byte."""

import uuid
from types import SimpleNamespace

import pytest
from amqp import spec
from amqp.basic_message import Message
from amqp.method_framing import frame_writer
from amqp.serialization import dumps

from tasks.envelope import body_of, frames_of, headers_of, properties_of
from tasks.outbox import Letter

TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


def letter(body: str, exchange: str = "pranala.events", key: str = "LinkBroke") -> Letter:
    return Letter(uuid.UUID(int=7), "LinkBroke", exchange, key, body, TRACE, "request-1")


def written_by_amqp(letter: Letter, channel: int, frame_max: int) -> bytes:
    written: list[bytes] = []
    connection = SimpleNamespace(frame_max=frame_max, bytes_sent=0)
    transport = SimpleNamespace(write=lambda data: written.append(bytes(data)))
    message = Message(body_of(letter), application_headers=headers_of(letter), **properties_of(letter))
    arguments = dumps("Bssbb", (0, letter.exchange, letter.routing_key, True, False))
    frame_writer(connection, transport)(1, channel, spec.Basic.Publish, arguments, message)
    return b"".join(written)


@pytest.mark.parametrize("size", [0, 10, 4000, 4096, 4097, 20_000])
def test_a_letter_is_written_as_py_amqp_writes_it(size: int) -> None:
    each = letter(f'{{"text":"ü{"x" * size}"}}')
    assert frames_of(each, 3, 4096) == written_by_amqp(each, 3, 4096)


@pytest.mark.parametrize(
    "each", [letter("{}", "", "intake"), letter('{"version":300,"a":1}', "pranala.jobs", "links.bulk")]
)
def test_exchange_and_routing_key_are_those_of_the_letter(each: Letter) -> None:
    assert frames_of(each, 1, 131_072) == written_by_amqp(each, 1, 131_072)
