"""Fetching RabbitMQ starts no service and leaves the machine's own policy as it was."""

import subprocess
from pathlib import Path

import pytest

from cli.local.packages import without_starting_services


@pytest.mark.parametrize("command", ["true", "false"])
@pytest.mark.parametrize("own", ["#!/bin/sh\nexit 0\n", None])
def test_the_policy_refuses_starts_meanwhile_and_is_then_as_before(
    tmp_path: Path, own: str | None, command: str
) -> None:
    policy, seen = tmp_path / "policy-rc.d", tmp_path / "seen"
    if own is not None:
        policy.write_text(own)
    ask = f"{policy} rabbitmq-server start; echo $? > {seen}; {command}"
    done = subprocess.run(without_starting_services("sh", "-c", ask, policy=policy), check=False)
    assert seen.read_text() == "101\n"
    assert (done.returncode == 0) == (command == "true")
    assert (policy.read_text() if policy.exists() else None) == own
    assert {path.name for path in tmp_path.iterdir()} == {"seen"} | ({"policy-rc.d"} if own else set())
