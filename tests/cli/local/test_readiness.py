"""A server is ready when it answers in its own protocol, not when its port is open."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress

import pytest

from cli.local.errors import NotReady
from cli.local.readiness import ask_port, ask_postgres, ask_rabbitmq, ask_redis, wait_until, where

Serve = Callable[[bytes], int]


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Call with an answer: the port of a server that gives it to whatever is said."""
    sockets: list[socket.socket] = []

    def start(answer: bytes) -> int:
        listener = socket.create_server(("127.0.0.1", 0))
        sockets.append(listener)
        threading.Thread(target=reply, args=(listener, answer), daemon=True).start()
        return int(listener.getsockname()[1])

    yield start
    for listener in sockets:
        listener.close()


def reply(listener: socket.socket, answer: bytes) -> None:
    with suppress(OSError):
        _converse(listener, answer)


def _converse(listener: socket.socket, answer: bytes) -> None:
    # Nobody comes where the test ends first, and the listener is closed under this.
    connection, _ = listener.accept()
    with connection:
        connection.recv(512)
        connection.sendall(answer)


def test_a_broker_that_starts_the_conversation_is_ready(serve: Serve) -> None:
    ask_rabbitmq(f"amqp://user:secret@127.0.0.1:{serve(bytes([1, 0, 0]))}//")


@pytest.mark.parametrize("answer", [b"", b"AMQP\x00\x01\x00\x00", b"HTTP/1.1 400 Bad Request\r\n"])
def test_a_broker_that_speaks_something_else_is_not_ready(serve: Serve, answer: bytes) -> None:
    with pytest.raises(NotReady, match=r"does not speak AMQP 0-9-1 yet"):
        ask_rabbitmq(f"amqp://user:secret@127.0.0.1:{serve(answer)}//")


def test_redis_is_ready_when_it_takes_the_password_and_pings(serve: Serve) -> None:
    ask_redis(f"redis://:secret@127.0.0.1:{serve(b'+OK' + bytes([13, 10]) + b'+PONG' + bytes([13, 10]))}/0")


@pytest.mark.parametrize("answer", [b"-WRONGPASS no\r\n-NOAUTH\r\n", b"-LOADING the dataset\r\n"])
def test_redis_that_refuses_or_still_loads_is_not_ready(serve: Serve, answer: bytes) -> None:
    with pytest.raises(NotReady, match="does not answer PING"):
        ask_redis(f"redis://:secret@127.0.0.1:{serve(answer)}/0")


@pytest.mark.parametrize("ask", [ask_rabbitmq, ask_redis, ask_postgres])
def test_where_nobody_listens_nothing_is_ready_and_no_password_is_told(ask: Callable[[str], None]) -> None:
    with pytest.raises(NotReady) as refusal:
        ask("postgresql://user:hunter2@127.0.0.1:1/name")
    assert "127.0.0.1:1" in str(refusal.value)
    assert "hunter2" not in str(refusal.value)


@pytest.mark.parametrize(("ask", "scheme"), [(ask_rabbitmq, "amqps"), (ask_redis, "rediss")])
def test_behind_tls_an_open_port_must_do(ask: Callable[[str], None], scheme: str, serve: Serve) -> None:
    ask(f"{scheme}://user:secret@127.0.0.1:{serve(b'')}/0")


def test_waiting_ends_with_the_last_reason() -> None:
    with pytest.raises(NotReady, match=r"nothing listens on 127\.0\.0\.1:1 yet \(waited 0 s\)"):
        wait_until(lambda: ask_port("127.0.0.1", 1), 0.2, watch=lambda: None)


def test_a_place_is_named_without_its_password() -> None:
    assert where("amqp://user:p%40ss@broker:5672//") == "broker:5672"


def test_of_several_rabbitmq_nodes_one_that_answers_is_enough(serve: Serve) -> None:
    dead, living = "amqp://user:secret@127.0.0.1:1//", f"amqp://user:secret@127.0.0.1:{serve(bytes([1, 0, 0]))}//"
    ask_rabbitmq(f"{dead};{living}")
    with pytest.raises(NotReady) as refusal:
        ask_rabbitmq(f"{dead};{dead}")
    assert "secret" not in str(refusal.value)
    assert where(f"{dead};{dead}") == "127.0.0.1:1, 127.0.0.1:1"
