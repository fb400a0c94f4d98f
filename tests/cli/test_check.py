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
from tasks.intake.models import Part, Submission
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
    assert result.stdout.splitlines() == [
        "broken  http_410  410",
        f"  {GONE}",
        "  at argument 4",
        "degraded  redirected_permanent  200",
        f"  {MOVED}",
        f"  → {MOVED}/now (1 redirect)",
        "  at argument 2",
        "inconclusive  forbidden  403",
        f"  {SHY}",
        "  at argument 3",
    ]
    assert result.stderr.startswith("4 links · 1 ok · 1 broken · 1 degraded · 1 inconclusive · ")


@pytest.mark.parametrize(
    ("fail_on", "url", "status"),
    [
        ("broken", GONE, 3),
        ("broken", MOVED, 0),
        ("broken", SHY, 0),
        ("degraded", MOVED, 3),
        ("degraded", SHY, 0),
        ("inconclusive", SHY, 3),
        ("none", GONE, 0),
    ],
)
@pytest.mark.usefixtures("checked")
def test_one_says_what_is_bad_enough_to_fail(run: Run, fail_on: str, url: str, status: int) -> None:
    assert run(OK, url, "--fail-on", fail_on).exit_code == status


@pytest.mark.usefixtures("checked")
def test_all_links_are_printed_when_asked_for(run: Run) -> None:
    assert run(OK, "--all").stdout.splitlines()[:2] == ["ok  ok  200", f"  {OK}"]


@pytest.mark.usefixtures("checked")
def test_a_line_that_is_no_link_is_told_by_its_source_and_is_a_failure(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("first.txt").write_text(f"# links\n{OK}")
    Path("second.txt").write_text("\nexample.com/x\x1b[31m\n")
    result = run("-f", "first.txt", "-f", "second.txt")
    assert result.exit_code == 3
    assert "contains a control character" in result.stdout
    assert "at second.txt:2" in result.stdout
    assert "\x1b" not in result.stdout
    assert result.stderr.startswith("2 links · 1 ok · 1 rejected")


def test_where_no_line_is_a_link_each_is_told(run: Run) -> None:
    result = run("-", stdin="nonsense\n")
    assert result.exit_code == 3
    assert "has no scheme; write it in full, such as https://nonsense" in result.stdout
    assert "at standard input:1" in result.stdout


def test_bad_lines_beyond_those_that_are_named_count(run: Run) -> None:
    result = run("-", stdin="".join(f"nonsense-{number}\n" for number in range(1100)))
    assert result.exit_code == 3
    assert result.stderr.startswith("1,100 links · 1,100 rejected")


def test_where_nothing_is_to_be_checked_nobody_is_asked(run: Run) -> None:
    result = run("-", stdin="# nothing\n", PRANALA_URL="http://127.0.0.1:9")
    assert (result.exit_code, result.stderr[:9]) == (0, "0 links ·")


@pytest.mark.usefixtures("checked")
def test_links_are_read_from_standard_input(run: Run) -> None:
    assert run("-", stdin=f"{OK}\r\n{GONE}").stderr.startswith("2 links · 1 ok · 1 broken")
    assert run("-", "--as", "markdown", stdin=f"[x]({OK}) and\n<{GONE}>").stdout.endswith("at standard input:2\n")


@pytest.fixture
def documents(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A small repository, which is also where the command runs."""
    (tmp_path / "docs" / ".hidden").mkdir(parents=True)
    (tmp_path / "README.md").write_text(f"# Title\n\nSee [a]({GONE}), [b](docs/guide.md#use) and [c](missing.md).\n")
    (tmp_path / "docs" / "guide.md").write_text(f"# Use\n\n[again]({GONE})\n[up](../README.md#nothing)\n")
    (tmp_path / "docs" / "page.html").write_text(f'<p>\n<a href="{OK}">x</a><img src="/README.md">')
    (tmp_path / "docs" / ".hidden" / "no.md").write_text("[no](https://e.org/no)")
    (tmp_path / "docs" / "data.json").write_text('"https://e.org/json"')
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.usefixtures("checked", "documents")
def test_documents_are_read_and_a_link_is_told_at_every_place_where_it_stands(run: Run) -> None:
    result = run("README.md", "docs")
    assert result.exit_code == 3
    assert result.stdout.splitlines() == [
        "broken  file_missing",
        "  missing.md",
        "  missing.md is not there",
        "  at README.md:3",
        "broken  http_410  410",
        f"  {GONE}",
        "  at README.md:3",
        "  at docs/guide.md:3",
        "degraded  fragment_missing",
        "  ../README.md#nothing",
        "  README.md has no #nothing",
        "  at docs/guide.md:4",
    ]
    assert result.stderr.startswith("6 links · 3 ok · 2 broken · 1 degraded · 1 repeated")


@pytest.mark.usefixtures("documents")
def test_what_would_be_checked_can_be_looked_at_first(run: Run) -> None:
    assert run(".", "--dump", PRANALA_URL="http://127.0.0.1:9").stdout.split() == [GONE, OK]
    assert run("**/*.html", "--dump").stdout.split() == [OK]
    assert run(".", "--dump", "--exclude-path", "README", "--exclude", "gone").stdout.split() == [OK]
    assert run(".", "--dump", "--exclude", "e.org", "--include", "fine$").stdout.split() == [OK]
    assert (
        "https://base.example/docs/missing.md"
        in run("README.md", "--dump", "--base-url", "https://base.example/docs/").stdout
    )


@pytest.mark.usefixtures("documents", "checked")
def test_patterns_to_leave_out_may_stand_in_a_file(run: Run, documents: Path) -> None:
    (documents / "ignore").write_text("# known\n/gone$\n")
    result = run("docs/guide.md", "--exclude-file", "ignore")
    assert (result.exit_code, result.stderr[:9]) == (0, "1 link · ")
    assert "1 excluded" in result.stderr


@pytest.mark.usefixtures("documents", "checked")
def test_files_are_checked_without_a_server(run: Run) -> None:
    result = run("README.md", "--exclude", "e.org", PRANALA_URL="http://127.0.0.1:9")
    assert result.exit_code == 3
    assert "missing.md is not there" in result.stdout
    assert run("README.md", "--exclude", "e.org", "--fallback-suffix", ".x", "--fail-on", "none").exit_code == 0


@pytest.mark.usefixtures("documents", "checked")
def test_known_problems_are_no_failure_until_one_is_new(run: Run, documents: Path) -> None:
    written = run("docs/guide.md", "--baseline", "known.json", "--write-baseline")
    assert written.exit_code == 0
    first = (documents / "known.json").read_text()
    again = run("docs/guide.md", "--baseline", "known.json")
    assert again.exit_code == 0
    assert "broken  http_410  410 (known)" in again.stdout
    assert "2 known" in again.stderr
    assert run("docs/guide.md", "--baseline", "known.json", "--new-only").stdout == ""
    news = run("README.md", "docs", "--baseline", "known.json", "--new-only")
    assert news.exit_code == 3
    assert "missing.md" in news.stdout
    assert GONE not in news.stdout
    assert (documents / "known.json").read_text() == first
    (documents / "known.json").write_text("{}")
    assert run("docs", "--baseline", "known.json").exit_code == 1


@pytest.mark.usefixtures("checked")
def test_links_stay_only_when_they_are_to_be_kept(run: Run, sessions: Sessions) -> None:  # noqa: F811  # a fixture
    run(OK)
    run(OK, "--keep")
    with sessions() as session:
        bodies = session.scalars(select(Part.body).order_by(Part.id)).all()
    assert [msgspec.json.decode(body, type=CheckLinks).keep for body in bodies] == [False, True]


@pytest.mark.usefixtures("checked")
def test_every_format_says_the_same(run: Run) -> None:
    arguments, stdin = ("-", "--format"), f"{OK}\n{GONE}\nno-scheme\n"
    document = json.loads(run(*arguments, "json", stdin=stdin).stdout)
    assert document["schema"] == 1
    assert (document["summary"]["ok"], document["summary"]["broken"], document["summary"]["rejected"]) == (1, 1, 1)
    assert [(each["url"], each["places"]) for each in document["results"]] == [
        (GONE, ["standard input:2"]),
        ("no-scheme", ["standard input:3"]),
    ]
    lines = [json.loads(line) for line in run(*arguments, "jsonl", stdin=stdin).stdout.splitlines()]
    assert [line["verdict"] for line in lines] == ["broken", "rejected"]
    rows = list(csv.DictReader(io.StringIO(run(*arguments, "csv", stdin=stdin).stdout)))
    assert [(row["url"], row["verdict"], row["status_code"]) for row in rows] == [
        (GONE, "broken", "410"),
        ("no-scheme", "rejected", ""),
    ]
    markdown = run(*arguments, "markdown", stdin=stdin).stdout.splitlines()
    assert markdown[2] == f"| broken | http_410 | 410 | `{GONE}` | `standard input:2` |"
    for name in ("junit", "sarif", "github"):
        text = run(*arguments, name, stdin=stdin).stdout
        assert GONE in text
        assert "no-scheme" in text


@pytest.mark.usefixtures("checked", "documents")
def test_a_report_may_go_to_a_file_beside_the_table(run: Run, documents: Path) -> None:
    result = run("README.md", "--format", "sarif", "-o", "report.sarif")
    assert result.stdout.startswith("broken  file_missing")
    assert json.loads((documents / "report.sarif").read_text())["version"] == "2.1.0"


def test_a_job_that_takes_too_long_is_cancelled(run: Run, sessions: Sessions) -> None:  # noqa: F811  # a fixture
    result = run(OK, "--timeout", "0.3")
    assert result.exit_code == 5
    assert "0 of 1 links are checked" in result.stderr
    assert "/api/v1/jobs/" in result.stderr
    assert cancelled(sessions) == 1


def cancelled(sessions: Sessions) -> int:  # noqa: F811  # a fixture
    with sessions() as session:
        return len(session.scalars(select(Submission).where(Submission.cancelled_at.is_not(None))).all())


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        ("-f", "/nowhere/links.txt"),
        ("nonsense",),
        ("docs/nowhere.md",),
        (OK, "--format", "xml"),
        (OK, "--exclude", "("),
        (OK, "--new-only"),
        (OK, "--base-url", "docs/"),
        ("a\nb",),
    ],
)
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


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_check_cancels_its_job(
    environ: Environ,
    sessions: Sessions,  # noqa: F811  # a fixture
    number: int,
) -> None:
    command = [sys.executable, "-c", "from cli.check import check; check()", OK]
    with subprocess.Popen(
        command, cwd=ROOT, env={"PATH": os.environ["PATH"], **environ}, stderr=subprocess.PIPE, text=True
    ) as process:
        time.sleep(3)
        process.send_signal(number)
        _, stderr = process.communicate(timeout=20)
    assert process.returncode == 130
    assert "Interrupted" in stderr
    assert cancelled(sessions) == 1


def test_its_help_promises_the_statuses(run: Run) -> None:
    text = run("--help").stdout
    for promise in ("a link is broken", "130  interrupted", "PRANALA_TOKEN"):
        assert promise in text


@pytest.mark.usefixtures("checked")
def test_one_says_how_links_are_asked_for(run: Run, sessions: Sessions, tmp_path: Path) -> None:  # noqa: F811
    token = tmp_path / "token"
    token.write_text("sesame\n")
    asking = ("--header", f"X-Token: @{token}", "--header", "Accept-Language:de", "--accept", "403,429", "--method=GET")
    assert run(OK, *asking, "--user-agent", "Us/1", "--link-timeout", "5", "--no-robots").exit_code == 0
    with sessions() as session:
        [body] = session.scalars(select(Part.body))
    [spec] = msgspec.json.decode(body, type=CheckLinks).links
    assert spec.settings is not None
    assert spec.settings.options == {
        "request_headers": {"X-Token": {"set": True}, "Accept-Language": "de"},
        "verdicts": {"403": "ok", "429": "ok"},
        "method": "GET",
        "user_agent": "Us/1",
        "timeout_s": 5.0,
        "robots": False,
    }
    assert "sesame" not in body


@pytest.mark.usefixtures("checked")
def test_mailto_links_that_are_asked_for_are_judged(run: Run, sessions: Sessions, tmp_path: Path) -> None:  # noqa: F811
    page = tmp_path / "page.html"
    page.write_text(f'<a href="{OK}">a</a><a href="mailto:a@example.org">b</a>')
    run(str(page), "--include-mail")
    with sessions() as session:
        [body] = session.scalars(select(Part.body))
    specs = {spec.url: spec for spec in msgspec.json.decode(body, type=CheckLinks).links}
    mail = specs.pop("mailto:a@example.org").settings
    assert mail is not None
    assert mail.options == {"mailto": True}
    assert [spec.settings for spec in specs.values()] == [None]


@pytest.mark.parametrize(
    ("arguments", "status", "said"),
    [
        (("--header", "X-Token"), 2, "has no value"),
        (("--header", "X-Token: @/nowhere/token"), 2, "cannot be read"),
        (("--header", "Host: e.org"), 1, "options/request_headers/Host"),
        (("--accept", "40x"), 1, "options/verdicts/40x"),
        (("--link-timeout", "0"), 2, "--link-timeout"),
    ],
)
def test_what_cannot_be_asked_so_is_no_fault_of_the_links(
    run: Run, arguments: tuple[str, ...], status: int, said: str
) -> None:
    result = run(OK, *arguments)
    assert (result.exit_code, said in result.stderr) == (status, True), result.output
