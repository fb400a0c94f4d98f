import uuid

import pytest
from flask.testing import FlaskClient
from google.protobuf.timestamp_pb2 import Timestamp

from contracts import links_pb2
from tests.web.conftest import WORKSPACE
from tests.web.neighbours import Neighbours

GROUP = str(uuid.uuid4())


def at(text: str) -> Timestamp:
    found = Timestamp()
    found.FromJsonString(text)
    return found


@pytest.fixture
def incident(neighbours: Neighbours) -> links_pb2.Incident:
    """An incident that is open."""
    story = links_pb2.IncidentStory(
        incident=links_pb2.Incident(
            id=str(uuid.uuid4()),
            link_id=str(uuid.uuid4()),
            url="https://e.org/",
            host="e.org",
            group=GROUP,
            state="open",
            reason="http_404",
            status_code=404,
            started_at=at("2026-11-21T10:00:00Z"),
            opened_at=at("2026-11-21T10:05:00Z"),
        ),
        timeline=[
            links_pb2.IncidentMoment(at=at("2026-11-21T10:00:00Z"), kind="first_failure", reason="http_404"),
            links_pb2.IncidentMoment(at=at("2026-11-21T10:05:00Z"), kind="opened", reason="http_404", status_code=404),
        ],
    )
    neighbours.incidents.append(story)
    return story.incident


def test_incidents_are_listed_by_every_filter(
    client: FlaskClient, neighbours: Neighbours, incident: links_pb2.Incident
) -> None:
    filters = {"state": "open", "link_id": incident.link_id, "host": "e.org", "group": GROUP}
    [found] = client.get("/api/v1/incidents", query_string=filters).json["items"]
    assert (found["id"], found["status_code"], found["resolved_at"]) == (incident.id, 404, None)
    assert found["group"] == GROUP
    [request] = neighbours.calls("ListIncidents")
    assert {name: getattr(request, name) for name in filters} == filters
    assert request.workspace_id == str(WORKSPACE)  # type: ignore[attr-defined]


@pytest.mark.parametrize("query", ["state=ended", "link_id=x", "group=x", "reason=http_404"])
def test_a_filter_that_means_nothing_is_an_error(client: FlaskClient, query: str) -> None:
    assert client.get(f"/api/v1/incidents?{query}").status_code == 422


def test_an_incident_has_its_timeline(client: FlaskClient, incident: links_pb2.Incident) -> None:
    found = client.get(f"/api/v1/incidents/{incident.id}").json
    assert (found["url"], found["started_at"]) == ("https://e.org/", "2026-11-21T10:00:00Z")
    assert [each["kind"] for each in found["timeline"]] == ["first_failure", "opened"]
    assert found["timeline"][0]["status_code"] is None


def test_an_incident_is_acknowledged_by_who_asks(
    client: FlaskClient, neighbours: Neighbours, incident: links_pb2.Incident
) -> None:
    response = client.post(f"/api/v1/incidents/{incident.id}/acknowledge", headers={"User-Agent": "curl/8"})
    assert (response.status_code, response.json["acknowledged_by"]) == (200, "key:test")
    [request] = neighbours.calls("AcknowledgeIncident")
    assert (request.caller.ip, request.caller.user_agent) == ("127.0.0.1", "curl/8")  # type: ignore[attr-defined]


def test_an_incident_that_is_not_there_is_not_found(client: FlaskClient) -> None:
    path = f"/api/v1/incidents/{uuid.uuid4()}"
    assert client.get(path).status_code == client.post(f"{path}/acknowledge").status_code == 404


@pytest.fixture
def group(neighbours: Neighbours) -> links_pb2.IncidentGroup:
    """A host of which three links are broken."""
    found = links_pb2.IncidentGroup(
        id=GROUP,
        host="e.org",
        state="open",
        reason="connection_refused",
        links=4,
        open=3,
        started_at=at("2026-11-21T10:00:00Z"),
        opened_at=at("2026-11-21T10:05:00Z"),
    )
    neighbours.groups.append(found)
    return found


def test_incident_groups_are_listed_by_state_and_host(
    client: FlaskClient, neighbours: Neighbours, group: links_pb2.IncidentGroup
) -> None:
    filters = {"state": "open", "host": "e.org"}
    [found] = client.get("/api/v1/incident-groups", query_string=filters).json["items"]
    assert (found["id"], found["links"], found["open"], found["resolved_at"]) == (GROUP, 4, 3, None)
    [request] = neighbours.calls("ListIncidentGroups")
    assert {name: getattr(request, name) for name in filters} == filters
    assert client.get("/api/v1/incident-groups?state=ended").status_code == 422


def test_an_incident_group_is_acknowledged_by_who_asks(
    client: FlaskClient, neighbours: Neighbours, group: links_pb2.IncidentGroup
) -> None:
    path = f"/api/v1/incident-groups/{GROUP}"
    assert client.get(path).json["reason"] == "connection_refused"
    assert client.post(f"{path}/acknowledge").json["acknowledged_by"] == "key:test"
    [request] = neighbours.calls("AcknowledgeIncidentGroup")
    assert request.caller.ip == "127.0.0.1"  # type: ignore[attr-defined]
    other = f"/api/v1/incident-groups/{uuid.uuid4()}"
    assert client.get(other).status_code == client.post(f"{other}/acknowledge").status_code == 404
