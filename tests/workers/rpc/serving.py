"""A servicer behind a real gRPC server on loopback."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent import futures
from contextlib import contextmanager
from typing import Any

import grpc


@contextmanager
def serving(add: Callable[[Any, grpc.Server], None], servicer: Any) -> Iterator[grpc.Channel]:
    """A channel to the servicer; `add` is the generated `add_…_to_server`."""
    server = grpc.server(futures.ThreadPoolExecutor(2))
    add(servicer, server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    try:
        with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
            yield channel
    finally:
        server.stop(grace=None).wait()
