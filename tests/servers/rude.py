"""A TCP server on loopback whose one behaviour is a function, for saying what no honest server would."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

Behaviour = Callable[[socket.socket], None]


@contextmanager
def rude_server(behave: Behaviour) -> Iterator[int]:
    """The port of a server that runs `behave` on each connection, in a thread of its own, and then closes it."""
    listener = socket.create_server(("127.0.0.1", 0))
    thread = threading.Thread(target=_accept, args=(listener, behave), daemon=True)
    thread.start()
    try:
        yield listener.getsockname()[1]
    finally:
        with suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join()


def _accept(listener: socket.socket, behave: Behaviour) -> None:
    with suppress(OSError):
        while True:
            connection, _ = listener.accept()
            threading.Thread(target=_serve, args=(connection, behave), daemon=True).start()


def _serve(connection: socket.socket, behave: Behaviour) -> None:
    with connection, suppress(OSError):
        behave(connection)
