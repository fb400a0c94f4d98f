"""One set of real servers for this folder, and a look at what is left of them."""

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from cli.local.backing import Backing, start_backing


@pytest.fixture(scope="package")
def backing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Backing]:
    """RabbitMQ, Redis and PostgreSQL of this machine; one that is killed stays down."""
    with start_backing(tmp_path_factory.mktemp("data"), durable=False, restart=False) as servers:
        yield servers


def until(question: Callable[[], bool], within_s: float = 10) -> None:
    """Wait for something that happens in another process."""
    deadline = time.monotonic() + within_s
    while not question():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.05)


def processes_of(folder: Path) -> list[str]:
    """Every process that works in the folder, names it or was told of it."""
    return [found for process in psutil.process_iter() if (found := _mention(process, str(folder)))]


def _mention(process: psutil.Process, folder: str) -> str:
    try:
        words = [process.cwd(), *process.cmdline(), *process.environ().values()]
        named = process.status() != psutil.STATUS_ZOMBIE and any(folder in word for word in words)
        return f"{process.pid} {process.name()}" if named else ""
    except psutil.Error:
        return ""
