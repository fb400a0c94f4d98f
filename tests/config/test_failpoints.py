import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from config.failpoints import POINTS, SETTING, arm, disarm, is_armed
from tests.conftest import ROOT

POINT = "relay.confirmed"
CODE = [path for folder in ("tasks", "web", "workers") for path in sorted((ROOT / folder).rglob("*.py"))]
REACH = "from config.failpoints import reach; "


def run(folder: Path | None, code: str) -> subprocess.CompletedProcess[str]:
    environ = {SETTING: str(folder)} if folder else {}
    command = [sys.executable, "-c", REACH + code]
    return subprocess.run(command, cwd=ROOT, env=environ, capture_output=True, text=True, check=False)


def names_in_the_code() -> Iterator[str]:
    for path in CODE:
        text = path.read_text()
        yield from re.findall(r'\breach\("([^"]+)"\)', text)
        for name in re.findall(r'\btransact(?:ion)?\(.+, "([^"]+)"\)', text):
            yield from (f"{name}.written", f"{name}.committed")


def test_without_the_setting_a_point_is_passed() -> None:
    assert run(None, f"reach('{POINT}'); print('on')").stdout == "on\n"


def test_a_point_that_is_not_armed_is_passed(tmp_path: Path) -> None:
    assert run(tmp_path, f"reach('{POINT}'); print('on')").stdout == "on\n"


def test_who_takes_kill_is_killed_and_the_next_passes(tmp_path: Path) -> None:
    arm(tmp_path, POINT, "kill")
    done = run(tmp_path, f"reach('{POINT}'); print('on')")
    assert (done.returncode, done.stdout) == (-signal.SIGKILL, "")
    assert not is_armed(tmp_path, POINT)
    assert run(tmp_path, f"reach('{POINT}'); print('on')").stdout == "on\n"


def test_who_takes_stop_stands_still_until_it_may_go_on(tmp_path: Path) -> None:
    arm(tmp_path, POINT, "stop")
    command = [sys.executable, "-c", f"{REACH} reach('{POINT}')"]
    with subprocess.Popen(command, cwd=ROOT, env={SETTING: str(tmp_path)}) as process:
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(2)
        assert not is_armed(tmp_path, POINT)
        process.send_signal(signal.SIGCONT)
        assert process.wait(10) == 0


def test_fail_raises_and_sleep_goes_on(tmp_path: Path) -> None:
    arm(tmp_path, POINT, "fail")
    assert f"config.failpoints.Failpoint: {POINT}" in run(tmp_path, f"reach('{POINT}')").stderr
    arm(tmp_path, POINT, "sleep:0.2")
    took = run(tmp_path, f"import time; t = time.monotonic(); reach('{POINT}'); print(time.monotonic() - t)").stdout
    assert float(took) >= 0.2


def test_a_count_is_for_the_arrival_of_that_number(tmp_path: Path) -> None:
    arm(tmp_path, POINT, "kill@3")
    done = run(tmp_path, f"[print(n, flush=True) for n in range(9) if reach('{POINT}') is None]")
    assert (done.returncode, done.stdout) == (-signal.SIGKILL, "0\n1\n")


def test_every_stays_armed_until_it_is_disarmed(tmp_path: Path) -> None:
    arm(tmp_path, POINT, "every fail@2")
    assert run(tmp_path, f"reach('{POINT}')").returncode == 0
    assert run(tmp_path, f"reach('{POINT}')").returncode == 1
    assert run(tmp_path, f"reach('{POINT}')").returncode == 1
    assert disarm(tmp_path, POINT)
    assert not disarm(tmp_path, POINT)
    assert run(tmp_path, f"reach('{POINT}')").returncode == 0


def test_of_many_who_come_at_once_exactly_one_takes_it(tmp_path: Path) -> None:
    arm(tmp_path, POINT, "kill@20")
    code = f"""
import threading
threads = [threading.Thread(target=lambda: [reach('{POINT}') for _ in range(3)]) for _ in range(4)]
[each.start() for each in threads]
[each.join() for each in threads]"""
    with ThreadPoolExecutor(4) as pool:
        codes = [done.returncode for done in pool.map(lambda _: run(tmp_path, code), range(4))]
    assert codes.count(-signal.SIGKILL) == 1
    assert not is_armed(tmp_path, POINT)


@pytest.mark.parametrize("word", ["", "die", "sleep", "kill@", "kill@x", "every", "stop 3"])
def test_a_word_that_nobody_knows_arms_nothing(tmp_path: Path, word: str) -> None:
    with pytest.raises(ValueError, match="is none of kill"):
        arm(tmp_path, POINT, word)
    assert not is_armed(tmp_path, POINT)


def test_a_point_that_is_nowhere_cannot_be_armed_nor_reached(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="there is no point"):
        arm(tmp_path, "relay.done", "kill")
    assert "there is no point" in run(tmp_path, "reach('relay.done')").stderr


def test_every_point_of_the_table_is_somewhere_in_the_code_and_none_is_missing_there() -> None:
    assert set(names_in_the_code()) == set(POINTS)


def test_a_process_says_that_its_points_can_be_armed(tmp_path: Path) -> None:
    code = "from config import logging, settings; logging.configure(settings.Logging(process='links'))"
    assert '"failpoints can be armed here' in run(tmp_path, code).stderr
    assert run(None, code).stderr == ""
