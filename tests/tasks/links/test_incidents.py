"""Incidents as they come of checks, on a real database."""

import uuid
from datetime import datetime, timedelta

import msgspec
import pytest
from sqlalchemy import select

from tasks.database import Sessions
from tasks.links import incidents, queries, uptime
from tasks.links.callers import Caller
from tasks.links.incidents import IncidentFilter, Story
from tasks.links.messages import IncidentAcknowledged, link_id
from tasks.links.models import Incident, Link, Outbox
from tasks.links.verdict import Reason
from tests.conftest import MakeDatabase
from tests.tasks.links.test_handlers import NOON, URL, WORKSPACE, Answers, check, part, run

ME, YOU = Caller("key:me", "192.0.2.1", "curl/8"), Caller("key:you")
OTHER = "https://b.example/"
ANY = IncidentFilter()


@pytest.fixture
def sessions(database: MakeDatabase) -> Sessions:
    return database("links")


def live(sessions: Sessions, *story: tuple[float, Reason]) -> None:
    for minutes, reason in story:
        run(sessions, minutes, reason)


BREAKS = ((0, Reason.OK), (10, Reason.HTTP_404), (11, Reason.HTTP_404), (13, Reason.HTTP_404))
RECOVERS = ((20, Reason.OK), (21, Reason.OK))


def story(sessions: Sessions) -> Story:
    with sessions() as session:
        found = incidents.get_story(session, WORKSPACE, session.scalars(select(Incident.id)).one())
    assert found
    return found


def listed(sessions: Sessions, wanted: IncidentFilter = ANY) -> list[str]:
    with sessions() as session:
        return [each.url for each in incidents.list_incidents(session, WORKSPACE, 10, "", wanted)[0]]


def minutes(at: datetime) -> float:
    return (at - NOON) / timedelta(minutes=1)


def test_an_incident_has_its_cause_and_the_failures_that_led_to_it(sessions: Sessions) -> None:
    live(sessions, *BREAKS)
    found = story(sessions)
    incident = found.incident
    assert (incident.state, incident.reason, incident.status_code, incident.url) == ("open", "http_404", 404, URL)
    assert (minutes(incident.started_at), minutes(incident.opened_at)) == (10, 13)
    assert [(each.kind, minutes(each.at)) for each in found.timeline] == [
        ("first_failure", 10),
        ("confirmation", 11),
        ("confirmation", 13),
        ("opened", 13),
    ]


def test_an_incident_goes_on_through_a_relapse_and_ends_with_the_first_good_check(sessions: Sessions) -> None:
    live(sessions, *BREAKS, (20, Reason.OK), (21, Reason.HTTP_5XX), (30, Reason.OK), (31, Reason.OK))
    found = story(sessions)
    later = [(each.kind, minutes(each.at)) for each in found.timeline if minutes(each.at) > 13]
    assert later == [("recovering", 20), ("relapsed", 21), ("recovering", 30), ("resolved", 31)]
    assert found.incident.resolved_at == NOON + timedelta(minutes=30)
    assert (found.incident.state, found.incident.duration_s) == ("resolved", 1200)


def test_the_first_who_acknowledges_an_incident_stays_and_is_told_once(sessions: Sessions) -> None:
    live(sessions, *BREAKS)
    identity = story(sessions).incident.id
    for caller in (ME, YOU):
        with sessions.begin() as session:
            seen = incidents.acknowledge(session, WORKSPACE, identity, caller)
        assert seen
        assert seen.incident.acknowledged_by == "key:me"
        assert [each.actor for each in seen.timeline if each.kind == "acknowledged"] == ["key:me"]
    with sessions() as session:
        bodies = session.scalars(select(Outbox.body).where(Outbox.name == "IncidentAcknowledged")).all()
    [event] = [msgspec.json.decode(body, type=IncidentAcknowledged) for body in bodies]
    assert (event.incident_id, event.url, event.actor, event.ip) == (identity, URL, "key:me", "192.0.2.1")


def test_incidents_are_listed_by_state_link_and_host_latest_first(sessions: Sessions) -> None:
    live(sessions, *BREAKS, *RECOVERS)
    for number in (30, 31, 33):
        at = NOON + timedelta(minutes=number)
        check(sessions, Answers(Reason.HTTP_404, at), part(OTHER, at=at))
    assert listed(sessions) == [OTHER, URL]
    assert listed(sessions, IncidentFilter(state="open")) == [OTHER]
    assert listed(sessions, IncidentFilter(state="resolved")) == [URL]
    assert listed(sessions, IncidentFilter(link_id=link_id(WORKSPACE, URL))) == [URL]
    assert listed(sessions, IncidentFilter(host="b.example")) == [OTHER]
    with sessions() as session:
        first, following = incidents.list_incidents(session, WORKSPACE, 1, "", IncidentFilter())
        second, end = incidents.list_incidents(session, WORKSPACE, 1, following, IncidentFilter())
    assert ([each.url for each in first + second], end) == ([OTHER, URL], "")


def test_another_workspaces_incident_is_not_there(sessions: Sessions) -> None:
    live(sessions, *BREAKS)
    identity = story(sessions).incident.id
    with sessions.begin() as session:
        assert incidents.get_story(session, uuid.uuid4(), identity) is None
        assert incidents.acknowledge(session, uuid.uuid4(), identity, ME) is None
        assert incidents.list_incidents(session, uuid.uuid4(), 10, "", IncidentFilter())[0] == []
    assert story(sessions).incident.acknowledged_at is None


def test_uptime_is_the_time_outside_of_incidents(sessions: Sessions) -> None:
    live(sessions, *BREAKS, *RECOVERS)
    with sessions() as session:
        link = session.scalars(select(Link)).one()
        for now, expected in ((NOON + timedelta(minutes=100), 0.9), (NOON + timedelta(days=90), 1.0)):
            known = uptime.uptimes(session, [link.id], now - uptime.UPTIME_SPAN, now)
            assert known[link.id].share == expected
        found = queries.get_link(session, WORKSPACE, link.id)
    assert found
    assert found.uptime_30d is not None


def test_a_link_that_no_check_could_tell_of_has_no_uptime(sessions: Sessions) -> None:
    live(sessions, (0, Reason.FORBIDDEN))
    with sessions() as session:
        found = queries.get_link(session, WORKSPACE, link_id(WORKSPACE, URL))
    assert found
    assert (found.state, found.uptime_30d) == ("pending", None)
