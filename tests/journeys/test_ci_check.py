"""`pranala check` as a pipeline runs it: over documents, with an exit status, and nothing left behind."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from xml.etree import ElementTree as Xml

import pytest

from tests.conftest import ROOT
from tests.journeys.system import System, fresh, wait_for
from tests.servers.behaviour import BehaviourServer

Done = subprocess.CompletedProcess[str]


@pytest.fixture
def documents(tmp_path: Path, behaviour: BehaviourServer) -> Path:
    """A small site's sources: three bad links on four lines, and good ones."""
    base, run = behaviour.bases["plain"], fresh()
    (tmp_path / "docs").mkdir()
    (tmp_path / "README.md").write_text(
        f"# Site\n\n[ok]({base}/status/200{run}) and [gone]({base}/status/410{run})\n\n[guide](docs/guide.md#start)\n"
    )
    (tmp_path / "docs" / "guide.md").write_text(
        f"# Start\n\n[gone again]({base}/status/410{run})\n[moved]({base}/redirect/1/301{run})\n[no](nowhere.md)\n"
    )
    (tmp_path / "docs" / "page.html").write_text(f'<a href="{base}/status/200{run}&amp;page=1">fine</a>')
    return tmp_path


def environment(system: System) -> dict[str, str]:
    return {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(ROOT),
        "PRANALA_URL": system.product.url,
        "PRANALA_TOKEN": system.key,
    }


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "cli.main", "check", *arguments]


def check(system: System, documents: Path, *arguments: str) -> Done:
    return subprocess.run(
        command(*arguments), cwd=documents, env=environment(system), capture_output=True, text=True, timeout=120
    )


def test_bad_links_are_told_by_file_and_line_and_fail_the_pipeline(system: System, documents: Path) -> None:
    done = check(system, documents, ".")
    assert done.returncode == 3, done.stderr
    assert "at README.md:3\n  at docs/guide.md:3\n" in done.stdout
    assert "docs/nowhere.md is not there\n  at docs/guide.md:5" in done.stdout
    assert "degraded  redirected_permanent  200" in done.stdout
    assert "6 links · 3 ok · 2 broken · 1 degraded · 1 repeated" in done.stderr


def test_nothing_is_left_behind(system: System, documents: Path, behaviour: BehaviourServer) -> None:
    before = {each["id"] for each in system.all("/links")}
    check(system, documents, ".")
    assert {each["id"] for each in system.all("/links")} == before
    check(system, documents, ".", "--keep")
    assert len({each["id"] for each in system.all("/links")} - before) == 4


def test_every_format_of_a_pipeline_names_the_lines(system: System, documents: Path) -> None:
    annotations = check(system, documents, ".", "--format", "github").stdout.splitlines()
    assert sum(line.startswith("::error file=docs/guide.md,line=3,") for line in annotations) == 1
    assert len(annotations) == 4
    sarif = json.loads(check(system, documents, ".", "--format", "sarif").stdout)
    lines = [
        (each["physicalLocation"]["artifactLocation"]["uri"], each["physicalLocation"]["region"]["startLine"])
        for result in sarif["runs"][0]["results"]
        for each in result["locations"]
    ]
    assert sorted(lines) == [("README.md", 3), ("docs/guide.md", 3), ("docs/guide.md", 4), ("docs/guide.md", 5)]
    suites = Xml.fromstring(check(system, documents, ".", "--format", "junit").stdout)
    assert (suites.get("failures"), suites.get("tests")) == ("3", "4")


def test_only_new_problems_fail_where_the_old_ones_are_known(
    system: System, documents: Path, behaviour: BehaviourServer
) -> None:
    assert check(system, documents, ".", "--baseline", "known.json", "--write-baseline").returncode == 0
    again = check(system, documents, ".", "--baseline", "known.json", "--new-only")
    assert (again.returncode, again.stdout) == (0, "")
    with (documents / "README.md").open("a") as file:
        file.write(f"\n[new]({behaviour.bases['plain']}/status/404{fresh()})\n")
    news = check(system, documents, ".", "--baseline", "known.json", "--new-only")
    assert news.returncode == 3
    assert "http_404" in news.stdout
    assert "at README.md:7" in news.stdout
    assert "http_410" not in news.stdout


def test_an_interrupted_check_stops_the_work(system: System, tmp_path: Path, behaviour: BehaviourServer) -> None:
    run = fresh()
    # 64 at once, 0.4 s each: 100 s of work.
    urls = (f"{behaviour.bases['plain']}/pause/400{run}&n={number}\n" for number in range(16_000))
    (tmp_path / "slow.txt").write_text("".join(urls))
    with subprocess.Popen(
        command("-f", "slow.txt"), cwd=tmp_path, env=environment(system), stderr=subprocess.PIPE, text=True
    ) as process:
        time.sleep(3)
        process.send_signal(signal.SIGINT)
        _, stderr = process.communicate(timeout=30)
    assert process.returncode == 130
    assert "Interrupted" in stderr
    [cancelled] = wait_for(lambda: system.all("/audit/events", action="links.cancel")[:1] or None, 30, "the record")
    job = system.get(f"/jobs/{cancelled['resource_id']}")
    assert job["state"] == "cancelled"
    # What was under way is finished, the rest is not begun.
    system.finished(system.submit([f"{behaviour.bases['plain']}/status/200{fresh()}"]), within_s=45)
    assert system.get(f"/jobs/{job['id']}")["done"] < job["total"] / 2


def test_a_listener_hears_a_job_to_its_end(system: System, behaviour: BehaviourServer) -> None:
    job_id = system.submit([f"{behaviour.bases['plain']}/status/200{fresh()}&n={number}" for number in range(600)])
    response = system.call("GET", f"/jobs/{job_id}/events", stream=True)
    told = [line for line in response.iter_lines(decode_unicode=True) if line.startswith(("event:", "id:"))]
    assert told[-2:] == ["id: 602", "event: finished"]
    ids = [int(line.removeprefix("id: ")) for line in told if line.startswith("id:")]
    assert ids == sorted(set(ids))


def test_results_are_exported_whole(system: System, behaviour: BehaviourServer) -> None:
    job_id = system.submit([f"{behaviour.bases['plain']}/status/200{fresh()}&n={number}" for number in range(1200)])
    system.finished(job_id)
    for accept, first in (("application/x-ndjson", "{"), ("text/csv", "url,"), ("application/xml", "<?xml")):
        response = system.call("GET", f"/jobs/{job_id}/results", headers={"Accept": accept})
        assert response.text.startswith(first)
        assert response.text.count("/status/200") >= 1200


def test_a_dry_run_knows_what_is_there(system: System, behaviour: BehaviourServer) -> None:
    urls = [f"{behaviour.bases['plain']}/status/200{fresh()}" for _ in range(3)]
    system.finished(system.submit(urls[:2]))
    response = system.call(
        "POST", "/batches?dry_run=true", data="\n".join([*urls, "nonsense"]), headers={"Content-Type": "text/plain"}
    )
    found = response.json()
    assert (response.status_code, found["new"], found["known"], found["rejected_count"]) == (200, 1, 2, 1)


def test_our_own_documents_lead_somewhere(system: System) -> None:
    """The links to the web are left out: this runs where there is none."""
    done = check(system, ROOT, "README.md", "CONTRIBUTING.md", "CHANGELOG.md", "docs", "--exclude", "^https?://")
    assert done.returncode == 0, done.stdout + done.stderr
    assert " broken" not in done.stderr
    assert " degraded" not in done.stderr
