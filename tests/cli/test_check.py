"""The command against a real front API, whose links service checks by the look of a URL."""

import csv
import io
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import click.testing
import grpc
import msgspec
import pytest
import structlog
from sqlalchemy import select
from werkzeug.serving import make_server

from cli.check import check
from cli.client import key_of, url_of
from contracts import links_pb2
from tasks.database import Sessions
from tasks.intake.models import Part
from tasks.links.messages import CheckLinks, link_id
from tests.conftest import ROOT
from tests.web.conftest import neighbours, sessions, settings_for  # noqa: F401  # fixtures
from tests.web.neighbours import Neighbours
from web import rpc
from web.app import create_app

OK, MOVED, GONE, SHY = (f"https://e.org/{name}" for name in ("fine", "moved", "gone", "shy"))
VERDICTS = {
    "moved": ("degraded", "redirected_permanent", 200),
    "gone": ("broken", "http_410", 410),
    "shy": ("inconclusive", "forbidden", 403),
}
Environ = dict[str, str]
Run = Callable[..., click.testing.Result]


def result_of(job_id: str, workspace_id: uuid.UUID, url: str) -> links_pb2.Check:
    verdict, reason, status = VERDICTS.get(url.rpartition("/")[2], ("ok", "ok", 200))
    found = links_pb2.Check(
        id=str(uuid.uuid4()),
        link_id=str(link_id(workspace_id, url)),
        job_id=job_id,
        url=url,
        verdict=verdict,
        reason=reason,
        status_code=status,
        final_url=f"{url}/now" if verdict == "degraded" else url,
    )
    found.hops.add(url=url, status=status)
    if verdict == "degraded":
        found.hops.add(url=f"{url}/now", status=200)
    found.checked_at.GetCurrentTime()
    return found


@pytest.fixture
def checked(sessions: Sessions, neighbours: Neighbours) -> None:  # noqa: F811  # fixtures
    """A links service that has finished every job when it is asked for it."""

    def finish(job_id: str) -> None:
        with sessions() as session:
            bodies = session.scalars(select(Part.body).where(Part.submission_id == uuid.UUID(job_id))).all()
        messages = [msgspec.json.decode(body, type=CheckLinks) for body in bodies]
        results = [result_of(job_id, each.workspace_id, spec.url) for each in messages for spec in each.links]
        job = links_pb2.Job(id=job_id, state="finished", total=len(results), done=len(results))
        for result in results:
            job.verdicts[result.verdict] += 1
        if job_id not in neighbours.jobs:
            neighbours.checks += results
        neighbours.jobs[job_id] = job

    neighbours.before_job = finish


@pytest.fixture
def quiet() -> Iterator[None]:
    """The server shares this process and its standard output with the command."""
    structlog.configure(logger_factory=structlog.ReturnLoggerFactory())
    yield
    structlog.reset_defaults()


@pytest.fixture
def environ(quiet: None, sessions: Sessions, neighbours: Neighbours) -> Iterator[Environ]:  # noqa: F811  # fixtures
    """The environment of a command that may use a running front API."""
    settings = settings_for(neighbours.address)
    app = create_app(settings, sessions, rpc.connect(settings))
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    key = neighbours.give_key("links:read", "links:write")
    yield {"PRANALA_URL": f"http://127.0.0.1:{server.port}", "PRANALA_TOKEN": key}
    server.shutdown()
    thread.join()


@pytest.fixture
def run(environ: Environ) -> Run:
    """Call with the command's arguments."""

    def call(*arguments: str, stdin: str | None = None, **changes: str) -> click.testing.Result:
        runner = click.testing.CliRunner(env={"PRANALA_DATA_DIR": "/nowhere", **environ, **changes})
        return runner.invoke(check, arguments, input=stdin)

    return call


@pytest.mark.usefixtures("checked")
def test_links_that_are_fine_print_nothing_but_a_summary(run: Run) -> None:
    result = run(OK, f"{OK}?2", OK)
    assert (result.exit_code, result.stdout) == (0, "")
    assert result.stderr.startswith("2 links · 2 ok · 1 repeated · ")


@pytest.mark.usefixtures("checked")
def test_problems_are_printed_the_worst_first_and_a_broken_link_is_a_status(run: Run) -> None:
    result = run(OK, MOVED, SHY, GONE)
    assert result.exit_code == 3
    assert [line.split() for line in result.stdout.splitlines()] == [
        ["VERDICT", "REASON", "STATUS", "LINK"],
        ["broken", "http_410", "410", GONE],
        ["degraded", "redirected_permanent", "200", MOVED, "→", f"{MOVED}/now", "(1", "redirect)"],
        ["inconclusive", "forbidden", "403", SHY],
    ]
    assert result.stderr.startswith("4 links · 1 ok · 1 broken · 1 degraded · 1 inconclusive · ")


@pytest.mark.usefixtures("checked")
def test_a_link_that_merely_wants_attention_is_no_failure(run: Run) -> None:
    assert run(OK, MOVED, SHY).exit_code == 0


@pytest.mark.usefixtures("checked")
def test_all_links_are_printed_when_asked_for(run: Run) -> None:
    assert run(OK, "--all").stdout.splitlines()[1].split() == ["ok", "ok", "200", OK]


@pytest.mark.usefixtures("checked")
def test_a_line_that_is_no_link_is_told_by_its_source_and_is_a_failure(run: Run, tmp_path: Path) -> None:
    first, second = tmp_path / "first.txt", tmp_path / "second.txt"
    first.write_text(f"# links\n{OK}")
    second.write_text("\nexample.com/x\x1b[31m\n")
    result = run("-f", str(first), "-f", str(second), "no-scheme")
    assert result.exit_code == 3
    assert f"{second}:2: contains a control character" in result.stdout
    assert "argument 1: has no scheme; write it in full, such as https://no-scheme" in result.stdout
    assert "\x1b" not in result.stdout
    assert result.stderr.startswith("3 links · 1 ok · 2 rejected")


def test_where_no_line_is_a_link_each_is_told(run: Run) -> None:
    result = run("nonsense")
    assert result.exit_code == 3
    assert "has no scheme" in result.stdout


def test_an_empty_file_is_an_error(run: Run) -> None:
    result = run("-", stdin="# nothing\n")
    assert (result.exit_code, result.stderr) == (1, "The batch is empty.\n")


@pytest.mark.usefixtures("checked")
def test_links_are_read_from_standard_input(run: Run) -> None:
    assert run("-", stdin=f"{OK}\r\n{GONE}").stderr.startswith("2 links · 1 ok · 1 broken")


@pytest.mark.usefixtures("checked")
def test_every_format_says_the_same(run: Run) -> None:
    arguments = (OK, GONE, "no-scheme")
    document = json.loads(run(*arguments, "--format", "json").stdout)
    assert document["schema"] == 1
    assert (document["summary"]["ok"], document["summary"]["broken"], document["summary"]["rejected"]) == (1, 1, 1)
    assert [result["url"] for result in document["results"]] == [GONE]
    assert document["rejected"][0]["source"] == "argument 3"
    lines = [json.loads(line) for line in run(*arguments, "--format", "jsonl").stdout.splitlines()]
    assert [line["verdict"] for line in lines] == ["broken", "rejected"]
    rows = list(csv.DictReader(io.StringIO(run(*arguments, "--format", "csv").stdout)))
    assert [(row["url"], row["verdict"], row["status_code"]) for row in rows] == [
        (GONE, "broken", "410"),
        ("no-scheme", "rejected", ""),
    ]
    markdown = run(*arguments, "--format", "markdown").stdout.splitlines()
    assert markdown[2] == f"| broken | http_410 | 410 | <{GONE}> |"


@pytest.mark.usefixtures("checked")
def test_a_spreadsheet_is_given_no_formula(run: Run) -> None:
    [row] = csv.DictReader(io.StringIO(run("=cmd|x", "--format", "csv").stdout))
    assert row["url"] == "'=cmd|x"
    assert "\\|" in run("=cmd|x", "--format", "markdown").stdout


def test_a_job_that_takes_too_long_goes_on_without_us(run: Run) -> None:
    result = run(OK, "--timeout", "0.3")
    assert result.exit_code == 5
    assert "0 of 1 links are checked" in result.stderr
    assert "/api/v1/jobs/" in result.stderr


@pytest.mark.parametrize("arguments", [(), ("-f", "/nowhere/links.txt"), (OK, "--format", "xml"), ("a\nb",)])
def test_a_command_that_is_not_understood_is_status_2(run: Run, arguments: tuple[str, ...]) -> None:
    assert run(*arguments).exit_code == 2


def test_a_server_that_is_not_there_is_said_to_be_started(run: Run) -> None:
    result = run(OK, PRANALA_URL="http://127.0.0.1:9")
    assert result.exit_code == 1
    assert "pranala up" in result.stderr
    assert "127.0.0.1:9" in result.stderr


def test_a_server_that_is_another_one_is_no_crash(run: Run) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()

        def answer() -> None:
            connection, _ = other.accept()
            connection.recv(65536)
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nhi")
            connection.close()

        thread = threading.Thread(target=answer)
        thread.start()
        result = run(OK, PRANALA_URL=f"http://127.0.0.1:{other.getsockname()[1]}")
        thread.join()
    assert result.exit_code == 1
    assert "is not a Pranala" in result.stderr


def test_a_service_that_is_away_for_a_moment_is_waited_for(
    run: Run,
    neighbours: Neighbours,  # noqa: F811  # a fixture
    checked: None,
) -> None:
    neighbours.failing["links"] = grpc.StatusCode.UNAVAILABLE
    timer = threading.Timer(1.0, neighbours.failing.clear)
    timer.start()
    assert run(OK).exit_code == 0


@pytest.mark.parametrize("token", ["", "pra_wrong"])
def test_without_a_good_key_it_is_not_allowed(run: Run, token: str) -> None:
    result = run(OK, PRANALA_TOKEN=token)
    assert result.exit_code == 4
    assert result.stderr


def test_a_key_without_the_scope_is_not_allowed(
    run: Run,
    neighbours: Neighbours,  # noqa: F811  # a fixture
) -> None:
    result = run(OK, PRANALA_TOKEN=neighbours.give_key("links:read"))
    assert result.exit_code == 4
    assert "links:write" in result.stderr


@pytest.mark.usefixtures("checked")
def test_the_key_of_the_server_on_this_machine_is_found(run: Run, environ: Environ, tmp_path: Path) -> None:
    (tmp_path / "admin.key").write_text(f"{environ['PRANALA_TOKEN']}\n")
    assert run(OK, PRANALA_TOKEN="", PRANALA_DATA_DIR=str(tmp_path)).exit_code == 0


def test_the_key_of_this_machine_is_shown_to_no_other(run: Run, tmp_path: Path) -> None:
    (tmp_path / "admin.key").write_text("pra_local\n")
    result = run(OK, PRANALA_TOKEN="", PRANALA_DATA_DIR=str(tmp_path), PRANALA_URL="https://pranala.example")
    assert result.exit_code == 4
    assert "PRANALA_TOKEN" in result.stderr


def test_where_and_as_whom_is_read_from_the_environment(tmp_path: Path) -> None:
    (tmp_path / "key").write_text("pra_file\n")
    assert url_of({}) == "http://127.0.0.1:8080"
    assert url_of({"PRANALA_PORT": "9000"}) == "http://127.0.0.1:9000"
    assert url_of({"PRANALA_URL": "https://p.example/"}) == "https://p.example"
    assert key_of({"PRANALA_TOKEN_FILE": str(tmp_path / "key")}, "https://p.example") == "pra_file"


def test_an_interrupted_check_says_that_the_work_goes_on(environ: Environ, tmp_path: Path) -> None:
    command = [sys.executable, "-c", "from cli.check import check; check()", OK]
    with subprocess.Popen(
        command, cwd=ROOT, env={"PATH": os.environ["PATH"], **environ}, stderr=subprocess.PIPE, text=True
    ) as process:
        time.sleep(3)
        process.send_signal(signal.SIGINT)
        _, stderr = process.communicate(timeout=20)
    assert process.returncode == 130
    assert "checked all the same" in stderr


def test_its_help_promises_the_statuses(run: Run) -> None:
    text = run("--help").stdout
    for promise in ("a link is broken", "130  interrupted", "PRANALA_TOKEN"):
        assert promise in text
