import json
import subprocess
import sys

SCRIPT = """
import logging
import structlog
from config import logging as ours, telemetry
from config.settings import Logging

ours.configure(Logging(process="links"))
with telemetry.span("work", {"request_id": "r1"}):
    logging.getLogger("somebody.elses").warning("theirs %s", 1)
    structlog.get_logger("ours").info("ours", count=2)
    try:
        password = "hunter2"
        raise ValueError("no")
    except ValueError:
        structlog.get_logger("ours").exception("failed")
"""


def test_every_line_is_json_with_process_request_and_trace_and_never_a_local_variable() -> None:
    done = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True, check=True)
    lines = [json.loads(line) for line in done.stderr.splitlines()]
    assert [line["event"] for line in lines] == ["theirs 1", "ours", "failed"]
    assert {line["service"] for line in lines} == {"links"}
    assert {line["request_id"] for line in lines} == {"r1"}
    assert len({line["trace_id"] for line in lines}) == 1
    assert "hunter2" not in done.stderr
