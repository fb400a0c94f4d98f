"""The network that fails when told to does fail so: each fault as the two ends of a connection see it."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from queue import Queue

import pytest

from tests.journeys.system import free_port
from tests.servers.proxy import Network

PATIENCE_S = 5.0


class Echo:
    """Says everything back; `ends` tells how each connection ended for it."""

    def __init__(self) -> None:
        self._server = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._server.getsockname()[1])
        self.ends: Queue[str] = Queue()
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            connection, _ = self._server.accept()
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        try:
            while data := connection.recv(65536):
                connection.sendall(data)
        except ConnectionResetError:
            self.ends.put("reset")
        else:
            self.ends.put("farewell")


@pytest.fixture
def echo() -> Echo:
    return Echo()


@pytest.fixture
def network(echo: Echo) -> Iterator[Network]:
    with Network({"echo": ("127.0.0.1", echo.port)}, {"echo": free_port()}) as network:
        yield network


def connect(network: Network) -> socket.socket:
    """A connection that works."""
    client = socket.create_connection(("127.0.0.1", network.ports["echo"]))
    client.settimeout(PATIENCE_S)
    assert said(client, b"hello") == b"hello"
    return client


def said(client: socket.socket, words: bytes) -> bytes:
    client.sendall(words)
    answer = b""
    while len(answer) < len(words):
        answer += client.recv(65536)
    return answer


def test_everything_comes_through_and_a_farewell_is_passed_on(network: Network, echo: Echo) -> None:
    client = connect(network)
    words = bytes(range(256)) * 20_000
    sending = threading.Thread(target=client.sendall, args=(words,))
    sending.start()
    answer = b""
    while len(answer) < len(words):
        answer += client.recv(65536)
    sending.join()
    assert answer == words
    client.close()
    assert echo.ends.get(timeout=PATIENCE_S) == "farewell"


def test_a_silent_network_keeps_what_was_said_until_it_is_mended(network: Network) -> None:
    client = connect(network)
    with network.silent("echo"):
        client.sendall(b"later")
        client.settimeout(0.3)
        with pytest.raises(TimeoutError):
            client.recv(10)
    client.settimeout(PATIENCE_S)
    assert client.recv(10) == b"later"


def test_a_reset_reaches_both_ends(network: Network, echo: Echo) -> None:
    client = connect(network)
    network.reset("echo")
    with pytest.raises(ConnectionResetError):
        client.recv(10)
    assert echo.ends.get(timeout=PATIENCE_S) == "reset"


def test_half_open_is_a_reset_for_the_client_and_nothing_for_the_server(network: Network, echo: Echo) -> None:
    client = connect(network)
    network.half_open("echo")
    with pytest.raises(ConnectionResetError):
        client.recv(10)
    another = connect(network)
    assert echo.ends.empty()
    another.close()


def test_traffic_is_cut_off_in_the_middle(network: Network, echo: Echo) -> None:
    client = connect(network)
    network.truncate("echo", 3)
    client.sendall(b"abcdef")
    with pytest.raises(ConnectionResetError):
        client.recv(10) and client.recv(10)
    assert echo.ends.get(timeout=PATIENCE_S) == "reset"
    connect(network)


def test_who_is_refused_is_reset_until_it_is_mended(network: Network) -> None:
    client = connect(network)
    with network.refusing("echo"):
        with pytest.raises(ConnectionResetError):
            client.recv(10)
        with pytest.raises(ConnectionResetError):
            connect(network)
    connect(network)


def test_a_slow_network_is_slow_and_right(network: Network) -> None:
    client = connect(network)
    with network.slow("echo", 0.2):
        assert said(client, b"words") == b"words"
