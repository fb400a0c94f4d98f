"""The loop that drives libcurl: what becomes of connections and names once a request is over."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from ipaddress import ip_network

import pycurl
import pytest

from tasks.guard import AddressPolicy
from tasks.links.fetch import Engine, EngineSettings, Target
from tasks.links.loop import Loop
from tasks.links.transfer import Response, Transfer, TransferSettings
from tasks.links.verdict import COULDNT_RESOLVE_HOST, Reason
from tests.servers.rude import rude_server

LOOPBACK = (ip_network("127.0.0.0/8"),)
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"


class Driver:
    """A loop in its thread, for one request at a time."""

    def __init__(self) -> None:
        self._over = threading.Event()
        self._ended = (0, "")
        self._loop = Loop(self._done, connections=10)
        self._thread = threading.Thread(target=self._loop.run, args=(lambda: None, lambda: None))
        self._thread.start()

    def ask(self, transfer: Transfer, origin: str, addresses: str | None) -> Response:
        transfer.prepare("HEAD", f"http://{origin}/", 5.0, origin, addresses, fresh=True)
        self._over.clear()
        self._loop.post(lambda: self._loop.add(transfer.easy))
        assert self._over.wait(10)
        return transfer.response(*self._ended)

    def close(self) -> None:
        self._loop.stop()
        self._thread.join()
        self._loop.close()

    def _done(self, _: pycurl.Curl, code: int, text: str) -> None:
        self._ended = (code, text)
        self._over.set()


@pytest.fixture
def driver() -> Iterator[Driver]:
    running = Driver()
    yield running
    running.close()


def a_transfer() -> Transfer:
    return Transfer(TransferSettings(AddressPolicy(LOOPBACK), "test", 5.0, 1000, ""))


def answer_once(connection: socket.socket) -> None:
    """Answer as if the connection were to be kept, and close it all the same a little later."""
    connection.recv(4096)
    connection.sendall(ANSWER)
    time.sleep(0.05)


def answer_all(connection: socket.socket) -> None:
    while connection.recv(4096):
        connection.sendall(ANSWER)


def test_connections_that_their_servers_close_are_let_go_in_peace() -> None:
    engine = Engine(EngineSettings(allow_networks=LOOPBACK, host_interval_ms=0))
    with rude_server(answer_once) as port:
        targets = [Target(f"http://127.0.0.{host}:{port}/") for host in (1, 1, 1)]
        assert [result.reason for result in engine.check(targets)] == [Reason.OK] * 3
        time.sleep(0.1)
        before = time.process_time()
        time.sleep(0.3)
        assert time.process_time() - before < 0.1
        assert [result.reason for result in engine.check(targets)] == [Reason.OK] * 3
    engine.close()


def test_a_name_is_where_it_is_said_to_be_and_forgotten_with_the_next(driver: Driver) -> None:
    one, other = a_transfer(), a_transfer()
    with rude_server(answer_all) as port:
        assert driver.ask(one, f"name.invalid:{port}", "127.0.0.1").status == 200
        assert driver.ask(one, f"127.0.0.1:{port}", None).status == 200
        fault = driver.ask(other, f"name.invalid:{port}", None).fault
        assert fault is not None
        assert fault.code == COULDNT_RESOLVE_HOST
