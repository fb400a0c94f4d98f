"""A rolling restart of programs that stand for the product's: somebody is at work all the time, or nothing changes."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from cli.local.data import DataDir
from cli.local.errors import LocalError
from cli.local.program import Program
from cli.local.rolling import Rolling
from cli.local.supervisord import Supervisord
from tests.cli.local.conftest import until

pytestmark = pytest.mark.servers

# At work a moment after it was started, and for a moment after it was told to stop.
WORKER = """
sleep 0.3
echo "$PRANALA_SERVICE_NAME begins" >> "$DIARY"
touch "$SIGNS/$PRANALA_SERVICE_NAME.ready"
trap 'sleep 0.2; rm "$SIGNS/$PRANALA_SERVICE_NAME.ready"; echo "$PRANALA_SERVICE_NAME ends" >> "$DIARY"; exit 0' TERM
while :; do sleep 0.05; done
"""
ONLY_UNDER_ITS_NAME = 'if [ "$PRANALA_SERVICE_NAME" != intake ]; then echo "the new code does not start"; exit 1; fi\n'


@pytest.fixture
def data(tmp_path: Path) -> DataDir:
    return DataDir(tmp_path / "data")


@pytest.fixture
def supervisord(data: DataDir) -> Iterator[Supervisord]:
    with data.locked() as lock, Supervisord(data, lock) as started:
        yield started


@pytest.fixture
def diary(tmp_path: Path) -> Path:
    return tmp_path / "diary"


def start(supervisord: Supervisord, data: DataDir, diary: Path, script: str) -> None:
    """A worker called intake, at work."""
    signs = data.run / "heartbeat"
    signs.mkdir()
    env = {"PATH": "/usr/bin:/bin", "PRANALA_SERVICE_NAME": "intake", "SIGNS": str(signs), "DIARY": str(diary)}
    supervisord.add("product", [Program("intake", ("/bin/sh", "-c", script), env, stop_wait_s=5)])
    supervisord.start("intake")
    until((signs / "intake.ready").exists)


def test_another_stands_in_while_a_process_is_restarted(supervisord: Supervisord, data: DataDir, diary: Path) -> None:
    start(supervisord, data, diary, WORKER)
    before = supervisord.state("intake").pid
    said: list[str] = []
    Rolling(data, said.append).restart(["intake"])
    assert said == ["restarting intake …"]
    assert supervisord.state("intake").pid not in (0, before)
    assert diary.read_text().splitlines() == [
        "intake begins",
        "intake-stand-in begins",
        "intake ends",
        "intake begins",
        "intake-stand-in ends",
    ]
    assert [state.name for state in supervisord.states()] == ["intake"]


def test_what_does_not_start_any_more_is_left_as_it_was(supervisord: Supervisord, data: DataDir, diary: Path) -> None:
    start(supervisord, data, diary, ONLY_UNDER_ITS_NAME + WORKER)
    before = supervisord.state("intake").pid
    with pytest.raises(LocalError, match="the new code does not start"):
        Rolling(data, lambda _: None).restart(["intake"])
    assert supervisord.state("intake").pid == before
    assert diary.read_text().splitlines() == ["intake begins"]
    # The launcher, too, has other programs in its care and does not end for this one's sake.
    time.sleep(0.2)
    supervisord.raise_if_fatal()


def test_a_process_that_there_is_not_is_named_with_those_that_there_are(
    supervisord: Supervisord, data: DataDir
) -> None:
    with pytest.raises(LocalError, match="no process is called intook; there are audit, beat, intake"):
        Rolling(data, lambda _: None).restart(["intook"])
