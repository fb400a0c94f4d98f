"""`pranala up`, as a person runs it: one command, a table, a banner, and nothing left when it ends."""

import os
import re
import signal
import socket
import stat
import subprocess
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from cli.local.data import DataDir
from cli.local.supervisord import Supervisord
from tests.cli.local.conftest import processes_of, until
from tests.conftest import ROOT
from tests.journeys.system import free_port

pytestmark = pytest.mark.servers


class Run:
    """A `pranala up` in the background; `words` is all that it has said."""

    def __init__(self, data: Path, port: int, *options: str) -> None:
        self.data = DataDir(data)
        self.output = data.parent / f"{uuid.uuid4()}.out"
        env = {"PATH": os.environ["PATH"], "PRANALA_DATA_DIR": str(data), "PRANALA_PORT": str(port)}
        # A shell starts what it runs with `&` with SIGINT ignored.
        command = f'"{sys.executable}" -m cli.main up {" ".join(options)} & echo $!; wait $!'
        with self.output.open("wb") as output:
            self.shell = subprocess.Popen(["sh", "-c", command], cwd=ROOT, env=env, stdout=output, stderr=output)

    @property
    def words(self) -> str:
        return self.output.read_text()

    @property
    def pid(self) -> int:
        return int(self.words.split()[0])

    def wait_for(self, words: str) -> None:
        until(lambda: words in self.words or self.shell.poll() is not None, within_s=120)
        assert words in self.words, self.words

    def stop(self, number: signal.Signals = signal.SIGINT) -> int:
        os.kill(self.pid, number)
        return self.shell.wait(timeout=30)


@pytest.fixture
def port() -> int:
    return free_port()


@pytest.fixture
def run(tmp_path: Path, port: int) -> Iterator[Run]:
    started = Run(tmp_path / "data", port)
    yield started
    if started.shell.poll() is None:
        started.stop(signal.SIGKILL)


def test_it_runs_until_interrupted_and_the_next_time_knows_its_key(run: Run, tmp_path: Path, port: int) -> None:
    run.wait_for("running; Ctrl-C stops everything")
    assert re.search(r"/moved .*degraded.*redirected_permanent", run.words)
    assert re.search(r"/gone .*broken.*http_410", run.words)
    key = run.data.admin_key.read_text().strip()
    assert run.words.count(key) == 1
    assert stat.S_IMODE(run.data.admin_key.stat().st_mode) == 0o600

    second = Run(run.data.root, port)
    assert second.shell.wait(timeout=30) == 1
    assert f"already runs on {run.data.root} (process {run.pid})" in second.words

    relay = Supervisord(run.data).state("relay").pid
    os.kill(relay, signal.SIGKILL)
    run.wait_for("relay ended and was started again")

    assert run.stop() == 0
    assert "stopped in" in run.words
    assert processes_of(tmp_path) == []

    again = Run(tmp_path / "data", port, "--demo")
    assert again.shell.wait(timeout=120) == 0, again.words
    assert "Pranala is ready" in again.words
    assert key not in again.words
    assert processes_of(tmp_path) == []


def test_killed_outright_it_leaves_no_process(run: Run, tmp_path: Path) -> None:
    run.wait_for("running; Ctrl-C stops everything")
    run.stop(signal.SIGKILL)
    until(lambda: processes_of(tmp_path) == [], within_s=30)


def test_interrupted_while_it_starts_it_leaves_no_process(run: Run, tmp_path: Path) -> None:
    run.wait_for("migrating the databases")
    assert run.stop() == 0
    assert processes_of(tmp_path) == []


def test_a_taken_port_is_said_before_anything_is_started(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        run = Run(tmp_path / "data", port)
        assert run.shell.wait(timeout=30) == 1
    assert f"port {port} on 127.0.0.1 is taken by another program. Set PRANALA_PORT" in run.words
    assert not (tmp_path / "data/postgres").exists()
