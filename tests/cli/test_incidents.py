"""What is broken, as a person at a terminal sees it, against the front API."""

import json
import uuid

import pytest

from contracts import links_pb2
from tests.cli.test_check import Environ, environ, quiet  # noqa: F401  # fixtures
from tests.cli.test_commands import run
from tests.web.conftest import neighbours, sessions  # noqa: F401  # fixtures
from tests.web.neighbours import Neighbours
from tests.web.test_incidents import GROUP, group, incident  # noqa: F401  # fixtures


def test_open_incidents_are_listed_with_what_to_ask_for_more(
    environ: Environ,  # noqa: F811
    neighbours: Neighbours,  # noqa: F811
    incident: links_pb2.Incident,  # noqa: F811
) -> None:
    line = run(environ, "incidents").stdout
    for words in (incident.id, "open", "2026-11-21T10:00:00Z", "http_404", "https://e.org/"):
        assert words in line
    assert [request.state for request in neighbours.calls("ListIncidents")] == ["open"]  # type: ignore[attr-defined]
    result = run(environ, "incidents", "list", "--host", "e.org", "--group", GROUP, "--format", "jsonl")
    assert json.loads(result.stdout)["id"] == incident.id
    asked = neighbours.calls("ListIncidents")[-1]
    assert (asked.host, asked.group, asked.state) == ("e.org", GROUP, "")  # type: ignore[attr-defined]


def test_an_incident_is_shown_with_its_timeline_and_acknowledged(
    environ: Environ,  # noqa: F811
    incident: links_pb2.Incident,  # noqa: F811
) -> None:
    assert "acknowledged by key:" in run(environ, "incidents", "acknowledge", incident.id).stdout
    shown = run(environ, "incidents", "show", incident.id).stdout
    lines = shown.splitlines()
    assert lines[:2] == ["https://e.org/", "Broken since 2026-11-21T10:00:00Z: http_404 404."]
    assert f"Group: {GROUP}" in lines
    assert lines[-2:] == [
        "2026-11-21T10:00:00Z  first_failure  http_404",
        "2026-11-21T10:05:00Z  opened         http_404  404",
    ]
    assert len(json.loads(run(environ, "incidents", "show", incident.id, "--format", "json").stdout)["timeline"]) == 2


@pytest.mark.usefixtures("group")
def test_a_host_whose_links_broke_together_is_one_line_and_acknowledged_as_one(environ: Environ) -> None:  # noqa: F811
    assert "e.org  3 of 4 links broken\n" in run(environ, "incidents", "groups", "--state", "open").stdout
    assert run(environ, "incidents", "acknowledge", "--group", GROUP).stdout.startswith("e.org  acknowledged by key:")
    assert "(seen by key:" in run(environ, "incidents", "groups").stdout


def test_an_incident_that_is_not_there_is_an_error(environ: Environ) -> None:  # noqa: F811
    result = run(environ, "incidents", "show", str(uuid.uuid4()))
    assert (result.exit_code, result.stdout) == (1, "")
    assert "no such incident" in result.stderr
    assert run(environ, "incidents", "show", "not-an-id").exit_code == 2
