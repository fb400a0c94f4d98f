import uuid

import pytest
from flask.testing import FlaskClient

from contracts import links_pb2
from tests.web.conftest import WORKSPACE
from tests.web.neighbours import Neighbours


@pytest.fixture
def link(neighbours: Neighbours) -> str:
    identity = str(uuid.uuid4())
    neighbours.links.append(links_pb2.Link(id=identity, url="https://e.org/", state="up"))
    return f"/api/v1/links/{identity}"


@pytest.mark.parametrize(("window", "seconds"), [("24h", 86_400), ("7d", 604_800), ("90d", 7_776_000)])
def test_uptime_and_latency_are_those_of_a_window(
    client: FlaskClient, neighbours: Neighbours, link: str, window: str, seconds: int
) -> None:
    up = client.get(f"{link}/uptime?window={window}").json
    assert (up["uptime"], up["down_s"], up["checks"]) == (0.75, 21_600, {"ok": 3})
    assert (up["since"], up["until"]) == ("2026-11-21T00:00:00Z", "2026-11-22T00:00:00Z")
    series = client.get(f"{link}/latency?window={window}").json
    assert (series["step_s"], series["p95_ms"], [point["checks"] for point in series["points"]]) == (3600, 20, [3])
    asked = neighbours.calls("GetUptime") + neighbours.calls("GetLatency")
    assert {request.window_s for request in asked} == {seconds}  # type: ignore[attr-defined]
    assert {request.workspace_id for request in asked} == {str(WORKSPACE)}  # type: ignore[attr-defined]


def test_a_summary_is_of_all_links_or_of_a_tag(client: FlaskClient, neighbours: Neighbours) -> None:
    assert client.get("/api/v1/summary").json["uptime"] == 0.5
    assert client.get("/api/v1/summary?tag=docs&window=7d").json["p50_ms"] is None
    asked = neighbours.calls("GetSummary")
    assert [(each.tag, each.window_s) for each in asked] == [("", 2_592_000), ("docs", 604_800)]  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/api/v1/summary?window=1y", 422),
        (f"/api/v1/links/{uuid.UUID(int=9)}/uptime?window=24h", 404),
        (f"/api/v1/links/{uuid.UUID(int=9)}/latency", 404),
    ],
)
def test_what_is_not_there_is_an_error_that_says_so(client: FlaskClient, path: str, status: int) -> None:
    answer = client.get(path)
    assert (answer.status_code, answer.content_type) == (status, "application/problem+json")
