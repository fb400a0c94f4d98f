import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import grpc
import pytest
from sqlalchemy import select

from config.settings import LINKS_KEY
from contracts import links_pb2 as pb
from contracts.links_pb2_grpc import LinksStub, add_LinksServicer_to_server
from tasks.database import Sessions
from tasks.links.messages import link_id
from tasks.links.models import Outbox
from tasks.links.verdict import Reason
from tasks.vault import Vault
from tests.conftest import MakeDatabase
from tests.tasks.links.test_handlers import NOON, URL, WORKSPACE, Answers, after, check, part, run
from tests.workers.rpc.serving import serving
from workers.rpc.links import LinksServicer

LINK = str(link_id(WORKSPACE, URL))
ONE: Any = {"workspace_id": str(WORKSPACE), "id": LINK}
CALLER = pb.Caller(actor="key:admin", ip="192.0.2.1", user_agent="curl/8")
WINDOW = pb.WindowSettings(name="night", host="a.example", duration_s=3600, rrule="FREQ=DAILY", timezone="UTC")
WINDOW.starts_at.FromDatetime(datetime.now(UTC) - timedelta(minutes=5))


@pytest.fixture
def sessions(database: MakeDatabase) -> Sessions:
    return database("links")


@pytest.fixture
def links(sessions: Sessions) -> Iterator[LinksStub]:
    with serving(add_LinksServicer_to_server, LinksServicer(sessions, Vault(bytes(32), LINKS_KEY))) as channel:
        yield LinksStub(channel)


def refused(call: Any, request: Any) -> grpc.StatusCode:
    with pytest.raises(grpc.RpcError) as error:
        call(request)
    code: grpc.StatusCode = error.value.code()
    return code


def told(sessions: Sessions) -> list[str]:
    with sessions() as session:
        return [name for name in session.scalars(select(Outbox.name).order_by(Outbox.id)) if name != "LinksChanged"]


def test_a_link_is_edited_and_removed_as_of_its_version(sessions: Sessions, links: LinksStub) -> None:
    check(sessions, Answers(), part(URL))
    muted = pb.LinkSettings(interval_s=60, tags=["docs"])
    muted.muted_until.FromDatetime(datetime(2027, 1, 1, tzinfo=UTC))
    changed = ["interval_s", "tags", "muted_until", "external_id"]
    request = pb.EditLinkRequest(**ONE, versions=[1], changed=changed, settings=muted, caller=CALLER)
    edited = links.EditLink(request)
    assert (edited.version, edited.interval_s, list(edited.tags)) == (2, 60, ["docs"])
    assert edited.muted_until.ToJsonString() == "2027-01-01T00:00:00Z"
    assert not edited.HasField("external_id")
    assert refused(links.EditLink, request) is grpc.StatusCode.ABORTED
    assert refused(links.RemoveLink, pb.RemoveLinkRequest(**ONE, versions=[1])) is grpc.StatusCode.ABORTED
    links.RemoveLink(pb.RemoveLinkRequest(**ONE, versions=[2], caller=CALLER))
    assert refused(links.GetLink, pb.GetLinkRequest(**ONE)) is grpc.StatusCode.NOT_FOUND
    assert refused(links.RemoveLink, pb.RemoveLinkRequest(**ONE)) is grpc.StatusCode.NOT_FOUND
    assert told(sessions) == ["LinksEdited", "LinksRemoved"]


def test_what_checks_find_cannot_be_edited(sessions: Sessions, links: LinksStub) -> None:
    check(sessions, Answers(), part(URL))
    request = pb.EditLinkRequest(**ONE, changed=["state"], caller=CALLER)
    assert refused(links.EditLink, request) is grpc.StatusCode.INVALID_ARGUMENT


def test_links_of_a_filter_are_counted_read_and_acted_upon_page_by_page(sessions: Sessions, links: LinksStub) -> None:
    check(sessions, Answers(), part(*(f"https://{host}.example/" for host in "abc")))
    ours: Any = {"workspace_id": str(WORKSPACE)}
    wanted = pb.LinkFilter(state="up")
    assert links.CountLinks(pb.CountLinksRequest(**ours, filter=wanted)).count == 3
    assert links.CountLinks(pb.CountLinksRequest(**ours, filter=pb.LinkFilter(host="a.example"))).count == 1
    urls = links.SelectUrls(pb.SelectUrlsRequest(**ours, filter=wanted, limit=2))
    assert (len(urls.urls), bool(urls.next)) == (2, True)
    acting: Any = {**ours, "action": "pause", "filter": wanted, "limit": 2, "caller": CALLER}
    first = links.ActOnLinks(pb.ActOnLinksRequest(**acting))
    second = links.ActOnLinks(pb.ActOnLinksRequest(**acting, after=first.next))
    assert (first.count, second.count, second.next) == (2, 1, "")
    assert refused(links.ActOnLinks, pb.ActOnLinksRequest(**ours, action="explode")) is grpc.StatusCode.INVALID_ARGUMENT


def test_an_incident_is_listed_read_and_acknowledged(sessions: Sessions, links: LinksStub) -> None:
    for minutes in (0, 1, 3):
        run(sessions, minutes, Reason.HTTP_404)
    wanted = pb.ListIncidentsRequest(workspace_id=str(WORKSPACE), limit=10, state="open", link_id=LINK)
    [incident] = links.ListIncidents(wanted).items
    assert (incident.url, incident.host, incident.status_code) == (URL, "a.example", 404)
    one: Any = {"workspace_id": str(WORKSPACE), "id": incident.id}
    assert links.GetIncident(pb.GetIncidentRequest(**one)).timeline[0].kind == "first_failure"
    seen = links.AcknowledgeIncident(pb.AcknowledgeIncidentRequest(**one, caller=CALLER))
    assert seen.incident.acknowledged_by == "key:admin"
    strange: Any = {"workspace_id": str(uuid.uuid4()), "id": incident.id}
    assert refused(links.GetIncident, pb.GetIncidentRequest(**strange)) is grpc.StatusCode.NOT_FOUND
    assert refused(links.AcknowledgeIncident, pb.AcknowledgeIncidentRequest(**strange)) is grpc.StatusCode.NOT_FOUND


def test_incidents_of_one_host_are_a_group_that_is_listed_read_and_acknowledged(
    sessions: Sessions, links: LinksStub
) -> None:
    for minutes in (0, 1, 3):
        message = part(*(f"https://a.example/{number}" for number in range(3)), at=NOON + timedelta(minutes=minutes))
        check(sessions, after(minutes, Reason.HTTP_404), message)
    ours: Any = {"workspace_id": str(WORKSPACE)}
    [group] = links.ListIncidentGroups(pb.ListIncidentGroupsRequest(**ours, limit=10, host="a.example")).items
    assert (group.state, group.reason, group.links, group.open) == ("open", "http_404", 3, 3)
    members = links.ListIncidents(pb.ListIncidentsRequest(**ours, limit=10, group=group.id)).items
    assert [each.group for each in members] == [group.id] * 3
    one: Any = {**ours, "id": group.id}
    assert links.GetIncidentGroup(pb.GetIncidentGroupRequest(**one)) == group
    seen = links.AcknowledgeIncidentGroup(pb.AcknowledgeIncidentGroupRequest(**one, caller=CALLER))
    assert seen.acknowledged_by == "key:admin"
    strange: Any = {"workspace_id": str(uuid.uuid4()), "id": group.id}
    asked = pb.AcknowledgeIncidentGroupRequest(**strange)
    assert refused(links.AcknowledgeIncidentGroup, asked) is grpc.StatusCode.NOT_FOUND
    assert refused(links.GetIncidentGroup, pb.GetIncidentGroupRequest(**strange)) is grpc.StatusCode.NOT_FOUND


def test_a_window_is_made_changed_and_removed(sessions: Sessions, links: LinksStub) -> None:
    ours: Any = {"workspace_id": str(WORKSPACE)}
    made = links.CreateWindow(pb.CreateWindowRequest(**ours, settings=WINDOW, caller=CALLER))
    assert (made.name, made.host, made.open, made.version, made.HasField("tag")) == (
        "night",
        "a.example",
        True,
        1,
        False,
    )
    assert links.GetWindow(pb.GetWindowRequest(**ours, id=made.id)) == made
    assert list(links.ListWindows(pb.ListWindowsRequest(**ours, limit=10)).items) == [made]
    replacing = pb.ReplaceWindowRequest(**ours, id=made.id, versions=[1], settings=WINDOW, caller=CALLER)
    replacing.settings.name = "day"
    assert links.ReplaceWindow(replacing).name == "day"
    assert refused(links.ReplaceWindow, replacing) is grpc.StatusCode.ABORTED
    links.RemoveWindow(pb.RemoveWindowRequest(**ours, id=made.id, caller=CALLER))
    assert refused(links.GetWindow, pb.GetWindowRequest(**ours, id=made.id)) is grpc.StatusCode.NOT_FOUND
    assert told(sessions) == ["WindowChanged"] * 3


def test_a_window_that_cannot_be_is_an_invalid_argument(links: LinksStub) -> None:
    wrong = pb.WindowSettings()
    wrong.CopyFrom(WINDOW)
    wrong.rrule = "FREQ=SECONDLY"
    request = pb.CreateWindowRequest(workspace_id=str(WORKSPACE), settings=wrong, caller=CALLER)
    assert refused(links.CreateWindow, request) is grpc.StatusCode.INVALID_ARGUMENT


def test_what_checks_came_to_is_told_of_a_link_and_of_all(sessions: Sessions, links: LinksStub) -> None:
    now = datetime.now(UTC)
    check(sessions, Answers(at=now), part(URL, at=now - timedelta(hours=1)))
    day = {**ONE, "window_s": 86_400}
    up = links.GetUptime(pb.OverTimeRequest(**day))
    assert (up.uptime, up.down_s, up.incidents, up.checks["ok"]) == (1, 0, 0, 1)
    assert 3600 <= up.watched_s < 3700
    latency = links.GetLatency(pb.OverTimeRequest(**day))
    assert (latency.step_s, latency.checks, len(latency.points)) == (3600, 1, 1)
    assert latency.p50_ms == pytest.approx(12.5, rel=0.025)
    whole = links.GetSummary(pb.SummaryRequest(workspace_id=str(WORKSPACE), window_s=86_400))
    assert (whole.links, whole.HasField("uptime"), whole.HasField("p50_ms")) == (0, False, False)
    strange = pb.OverTimeRequest(workspace_id=str(uuid.uuid4()), id=LINK, window_s=60)
    assert refused(links.GetUptime, strange) == refused(links.GetLatency, strange) == grpc.StatusCode.NOT_FOUND


def test_a_badge_is_read_without_a_workspace_and_only_where_it_is_switched_on(
    sessions: Sessions, links: LinksStub
) -> None:
    check(sessions, Answers(), part(URL))
    for unknown in (LINK, "docs", str(uuid.uuid4())):
        assert refused(links.ReadBadge, pb.ReadBadgeRequest(id=unknown)) == grpc.StatusCode.NOT_FOUND
    settings = pb.LinkSettings(badge=True)
    assert links.EditLink(pb.EditLinkRequest(**ONE, changed=["badge"], settings=settings, caller=CALLER)).badge
    assert links.ReadBadge(pb.ReadBadgeRequest(id=LINK)).state == "up"
    mine: Any = {"workspace_id": str(WORKSPACE)}
    badge = links.CreateBadge(pb.CreateBadgeRequest(**mine, tag="docs", caller=CALLER))
    reading = links.ReadBadge(pb.ReadBadgeRequest(id=badge.id, with_uptime=True))
    assert (reading.tag, reading.state, reading.HasField("uptime")) == ("docs", "unknown", False)
    assert links.ListBadges(pb.ListBadgesRequest(**mine, limit=10)).items == [badge]
    links.RemoveBadge(pb.RemoveBadgeRequest(**mine, id=badge.id, caller=CALLER))
    assert refused(links.ReadBadge, pb.ReadBadgeRequest(id=badge.id)) == grpc.StatusCode.NOT_FOUND
