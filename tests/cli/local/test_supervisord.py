"""Programs are kept running, given up with their last words, and never left behind."""

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from cli.local.data import DataDir
from cli.local.errors import LocalError
from cli.local.program import Program
from cli.local.supervisord import Supervisord
from tests.cli.local.conftest import processes_of, until

pytestmark = pytest.mark.servers


def shell(name: str, script: str, **settings: object) -> Program:
    return Program(name, ("/bin/sh", "-c", script), **settings)  # type: ignore[arg-type]  # settings of a Program


@pytest.fixture
def data(tmp_path: Path) -> DataDir:
    return DataDir(tmp_path / "with a blank; and % in it")


@pytest.fixture
def supervisord(data: DataDir) -> Iterator[Supervisord]:
    with data.locked() as lock, Supervisord(data, lock) as started:
        yield started


def test_a_program_runs_in_its_own_environment_only(supervisord: Supervisord, data: DataDir) -> None:
    supervisord.add("group", [shell("one", "env; exec sleep 100", env={"WORD": "a 'quoted'; % #word"})])
    supervisord.start("one")
    until(lambda: "WORD=a 'quoted'; % #word" in (data.log / "one.log").read_text())
    assert "PATH=/" not in (data.log / "one.log").read_text()


def test_a_killed_program_comes_back(supervisord: Supervisord) -> None:
    supervisord.add("group", [shell("one", "exec sleep 100")])
    supervisord.start("one")
    first = supervisord.state("one").pid
    supervisord.kill("one")
    until(lambda: supervisord.state("one").pid not in (0, first))


@pytest.mark.parametrize("status", ["STARTING", "RUNNING"])
def test_a_killed_program_that_does_not_restart_stays_down(supervisord: Supervisord, status: str) -> None:
    supervisord.add("group", [shell("one", "exec sleep 100", restart=False)])
    supervisord.start("one")
    until(lambda: supervisord.state("one").status == status)
    supervisord.kill("one")
    time.sleep(1.5)
    assert supervisord.state("one").pid == 0


def test_a_program_that_does_not_stay_up_is_given_up_with_its_last_words(supervisord: Supervisord) -> None:
    supervisord.add("group", [shell("broken", "echo no such thing as luck; exit 3", start_retries=1)])
    supervisord.start("broken")
    until(lambda: supervisord.state("broken").status == "FATAL")
    with pytest.raises(LocalError, match=r"(?s)broken does not stay up .*no such thing as luck.*broken\.log"):
        supervisord.raise_if_fatal()


def test_programs_of_a_group_stop_together(supervisord: Supervisord) -> None:
    slow = "trap 'sleep 1; exit' TERM; while :; do sleep 0.1; done"
    supervisord.add("group", [shell(name, slow) for name in ("one", "two", "three")])
    supervisord.start("one", "two", "three")
    until(lambda: all(state.status == "RUNNING" for state in supervisord.states()))
    began = time.monotonic()
    supervisord.stop("one", "two", "three")
    assert time.monotonic() - began < 2.5


def test_a_program_deaf_to_its_signal_is_killed_with_its_children(supervisord: Supervisord, tmp_path: Path) -> None:
    supervisord.add("group", [shell("deaf", "trap '' TERM; sleep 100; sleep 100", stop_wait_s=1, cwd=tmp_path)])
    supervisord.start("deaf")
    until(lambda: len(processes_of(tmp_path)) == 3)
    supervisord.stop("deaf")
    assert len(processes_of(tmp_path)) == 1  # supervisord itself


def test_a_removed_group_is_stopped_and_may_be_added_anew(supervisord: Supervisord) -> None:
    for word in ("first", "second"):
        supervisord.add("group", [shell("one", f"echo {word}; exec sleep 100")])
        supervisord.start("one")
        until(lambda word=word: word in supervisord.last_lines("one"))  # type: ignore[misc]  # bound for the loop
        supervisord.remove("group")
        assert supervisord.states() == []


def test_supervisord_killed_outright_leaves_nothing(data: DataDir) -> None:
    with data.locked() as lock, Supervisord(data, lock) as supervisord:
        supervisord.add("group", [shell("one", "exec sleep 100", cwd=data.root)])
        supervisord.start("one")
        until(lambda: supervisord.state("one").status == "RUNNING")
        os.kill(int((data.run / "supervisord.pid").read_text()), signal.SIGKILL)
        until(lambda: not processes_of(data.root))


def test_nothing_secret_is_left_on_disk_after_the_end(data: DataDir) -> None:
    with data.locked() as lock, Supervisord(data, lock) as supervisord:
        supervisord.add("group", [shell("one", "exec sleep 100", env={"PASSWORD": "hunter2"})])
        supervisord.start("one")
        until(lambda: supervisord.state("one").status == "RUNNING")
    texts = [path.read_bytes() for path in data.root.rglob("*") if path.is_file()]
    assert not [text for text in texts if b"hunter2" in text]


def test_an_orphan_of_a_killed_program_is_not_left_to_the_machine(supervisord: Supervisord, data: DataDir) -> None:
    supervisord.add("group", [shell("one", "sleep 0.5 & exec sleep 100", restart=False)])
    supervisord.start("one")
    until(lambda: supervisord.state("one").status == "RUNNING")
    os.kill(supervisord.state("one").pid, signal.SIGKILL)
    until(lambda: "reaped unknown pid" in (data.log / "supervisord.log").read_text())


def test_a_deep_directory_leaves_no_folder_for_its_socket_behind(tmp_path: Path) -> None:
    data = DataDir(tmp_path / ("deep/" * 30))
    with data.locked() as lock, Supervisord(data, lock) as supervisord:
        assert data.socket.exists()
        assert supervisord.states() == []
    assert not data.socket.parent.exists()
