"""The smaller commands, against the same front API."""

import json
import uuid
from pathlib import Path

import click.testing
import pytest

from cli.main import main
from contracts import links_pb2
from tests.cli.test_check import GONE, OK, Environ, checked, environ, quiet  # noqa: F401  # fixtures
from tests.web.conftest import neighbours, sessions  # noqa: F401  # fixtures
from tests.web.neighbours import Neighbours


def run(environ: Environ, *arguments: str, stdin: str | None = None) -> click.testing.Result:  # noqa: F811  # its value
    runner = click.testing.CliRunner(env={"PRANALA_DATA_DIR": "/nowhere", **environ})
    return runner.invoke(main, arguments, input=stdin)


@pytest.mark.usefixtures("checked")
def test_a_batch_is_submitted_and_its_results_exported_later(environ: Environ, tmp_path: Path) -> None:  # noqa: F811
    (tmp_path / "links.md").write_text(f"[a]({OK}) [b]({GONE})")
    job = json.loads(run(environ, "batch", str(tmp_path / "links.md")).stdout)["job_id"]
    # Asked for once, so that the stand-in has checked it.
    assert run(environ, "export", job, "--format", "markdown").stdout.count("\n") == 4
    assert json.loads(run(environ, "export", job, "--verdict", "broken").stdout)["url"] == GONE
    assert "failures=" in run(environ, "export", job, "--format", "junit").stdout


def test_a_batch_can_be_tried(environ: Environ) -> None:  # noqa: F811
    result = run(environ, "batch", "-", "--dry-run", stdin=f"{OK}\nnonsense\n")
    assert result.exit_code == 0, result.stderr
    answer = json.loads(result.stdout)
    assert (answer["new"], answer["known"], answer["rejected_count"]) == (1, 0, 1)


def test_what_is_not_there_is_an_error(environ: Environ) -> None:  # noqa: F811
    result = run(environ, "export", str(uuid.uuid4()))
    assert (result.exit_code, result.stdout) == (1, "")
    assert "There is no such job" in result.stderr
    assert run(environ, "export", "not-an-id").exit_code == 2
    assert run(environ, "batch", "-", stdin="nonsense").exit_code == 1


def test_links_are_listed_with_how_they_are(environ: Environ, neighbours: Neighbours) -> None:  # noqa: F811
    neighbours.links.append(links_pb2.Link(id=str(uuid.uuid4()), url=f"{OK}\x1b", state="up", reason="ok"))
    assert run(environ, "links", "--state", "up").stdout == f"{'up':<12}  {'ok':<22}  {OK}\N{REPLACEMENT CHARACTER}\n"
    assert json.loads(run(environ, "links", "--format", "jsonl").stdout)["state"] == "up"
    assert neighbours.calls("ListLinks")[0].state == "up"  # type: ignore[attr-defined]  # of links
