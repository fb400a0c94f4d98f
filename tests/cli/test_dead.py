"""Dead letters at a terminal, against the front API."""

import json
import uuid

import pytest

from tests.cli.test_check import Environ, environ, quiet  # noqa: F401  # fixtures
from tests.cli.test_commands import run
from tests.web.conftest import neighbours, sessions  # noqa: F401  # fixtures
from tests.web.neighbours import Neighbours
from tests.web.test_monitor import bury


@pytest.fixture
def operator(environ: Environ, neighbours: Neighbours) -> Environ:  # noqa: F811
    """The environment of who may see and mend the workers' troubles."""
    return {**environ, "PRANALA_TOKEN": neighbours.give_key("monitor:read", "monitor:write")}


def test_dead_letters_are_listed_with_their_reason_and_shown_whole(
    operator: Environ,
    neighbours: Neighbours,  # noqa: F811
) -> None:
    first, second = bury(neighbours, count=2)
    lines = run(operator, "ops", "dead", "list", "--queue", "audit").stdout.splitlines()
    assert len(lines) == 2
    for words in (first.id, "2026-11-22T08:00:00Z", "RecordEvents", "failed", "ValueError: no"):
        assert words in lines[0]
    assert len(json.loads(run(operator, "ops", "dead", "list", "--format", "json", "--limit", "1").stdout)) == 1
    assert (
        json.loads(run(operator, "ops", "dead", "list", "--format", "jsonl").stdout.splitlines()[1])["id"] == second.id
    )
    shown = run(operator, "ops", "dead", "show", first.id).stdout
    for words in ("RecordEvents (version 1), died in audit", "failed: ValueError: no", "Traceback …", "[[], {}, {}]"):
        assert words in shown
    assert json.loads(run(operator, "ops", "dead", "show", first.id, "--format", "json").stdout)["traceback"]
    assert run(operator, "ops", "dead", "show", str(uuid.uuid4())).exit_code == 1


def test_some_or_all_of_a_queue_are_replayed_or_discarded(
    operator: Environ,
    neighbours: Neighbours,  # noqa: F811
) -> None:
    letters = bury(neighbours, count=7)
    done = run(operator, "ops", "dead", "replay", letters[0].id, letters[1].id)
    assert (done.exit_code, json.loads(done.stdout)) == (0, {"action": "replay", "count": 2})
    # The server acts on a few at a time.
    asked = run(operator, "ops", "dead", "discard", "--queue", "audit", stdin="n\n")
    assert (asked.exit_code, len(neighbours.dead_letters)) == (1, 5)
    done = run(operator, "ops", "dead", "discard", "--queue", "audit", "--yes")
    assert (done.exit_code, json.loads(done.stdout)) == (0, {"action": "discard", "count": 5})
    assert run(operator, "ops", "dead", "replay", "--queue", "audit").exit_code == 0


def test_what_cannot_be_done_is_said_by_the_exit_status(operator: Environ) -> None:
    gone = run(operator, "ops", "dead", "replay", str(uuid.uuid4()))
    assert (gone.exit_code, "1 of 1 are no dead letters" in gone.stderr) == (1, True)
    assert run(operator, "ops", "dead", "replay").exit_code == 2
    assert run(operator, "ops", "dead", "discard", str(uuid.uuid4()), "--queue", "audit", "--yes").exit_code == 2
    assert run({**operator, "PRANALA_TOKEN": "wrong"}, "ops", "dead", "list").exit_code == 4
