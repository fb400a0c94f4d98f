"""A launcher that is killed outright takes everything with it: no server, no helper of a server, no program."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from cli.local.backing import start_backing
from tests.cli.local.conftest import processes_of, until

pytestmark = pytest.mark.servers

# All servers and one program, held by a process that can be killed.
LAUNCHER = """
import sys, time
from pathlib import Path
from cli.local.backing import start_backing
from cli.local.program import Program

root = Path(sys.argv[1])
with start_backing(root, durable=False) as backing:
    supervisord = backing.local.supervisord
    supervisord.add("product", [Program("stand-in", ("/bin/sleep", "1000"), cwd=root)])
    supervisord.start("stand-in")
    print("ready", flush=True)
    time.sleep(1000)
"""


@pytest.fixture
def launcher(tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-c", LAUNCHER, str(tmp_path / "data")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, start_new_session=True) as process:
        yield process
        process.kill()


def test_a_killed_launcher_leaves_no_process_and_the_next_run_finds_its_data(
    launcher: subprocess.Popen[str], tmp_path: Path
) -> None:
    assert launcher.stdout
    assert launcher.stdout.readline() == "ready\n"
    assert len(processes_of(tmp_path)) > 8
    launcher.kill()
    launcher.wait()
    with start_backing(tmp_path / "data", durable=False) as next_run:
        assert "pranala" in next_run.rabbitmq.ctl("list_users")
    until(lambda: not processes_of(tmp_path))


def test_a_launcher_killed_together_with_supervisord_leaves_no_process(
    launcher: subprocess.Popen[str], tmp_path: Path
) -> None:
    assert launcher.stdout
    launcher.stdout.readline()
    os.kill(int((tmp_path / "data/run/supervisord.pid").read_text()), signal.SIGKILL)
    launcher.kill()
    until(lambda: not processes_of(tmp_path))


def test_a_launcher_killed_while_its_servers_start_leaves_no_process(
    launcher: subprocess.Popen[str], tmp_path: Path
) -> None:
    until(lambda: any("beam" in name for name in processes_of(tmp_path)))
    launcher.kill()
    until(lambda: not processes_of(tmp_path), within_s=30)
