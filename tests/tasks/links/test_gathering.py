"""Links of one host break and recover together, on a real database: what people hear, and how often."""

import uuid
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest
from sqlalchemy import select, update

from tasks.database import Sessions
from tasks.links import changes, gathering, groups, incidents
from tasks.links.callers import Caller
from tasks.links.checking import check_links
from tasks.links.groups import GroupFilter, GroupView
from tasks.links.incidents import IncidentFilter
from tasks.links.messages import HostBroke, LinkSpec, link_id
from tasks.links.models import HeldBreak, Link, Outbox
from tasks.links.verdict import Reason
from tests.conftest import MakeDatabase
from tests.tasks.links.test_handlers import NOON, SETTINGS, WORKSPACE, Answers, after, part

ME, YOU = Caller("key:me", "192.0.2.1", "curl/8"), Caller("key:you")
RULES = gathering.rules_of(SETTINGS)
GONE = Reason.HTTP_404
REFUSED = Reason.CONNECTION_REFUSED
EAGER = replace(SETTINGS, confirm_hard=1, confirm_transient=1, min_confirm_s=0.0)


@pytest.fixture
def sessions(database: MakeDatabase) -> Sessions:
    return database("links")


def urls(count: int, host: str = "a.example", first: int = 0) -> list[str]:
    return [f"https://{host}/{number}" for number in range(first, first + count)]


def check(sessions: Sessions, wanted: Sequence[str], minutes: float, reason: Reason, settings: Any = EAGER) -> None:
    message = part(*wanted, at=NOON + timedelta(minutes=minutes))
    full = replace(message, links=tuple(LinkSpec(spec.url, full=True) for spec in message.links))
    check_links(full, sessions=sessions, checker=after(minutes, reason), settings=settings)


def tick(sessions: Sessions, later_s: float = 0) -> None:
    with sessions.begin() as session:
        gathering.settle(session, datetime.now(UTC) + timedelta(seconds=later_s), RULES)


def heard(sessions: Sessions) -> list[tuple[str, Any]]:
    """What people hear, by name, with the URL or the number of links."""
    with sessions() as session:
        rows = session.execute(select(Outbox.name, Outbox.body).order_by(Outbox.id))
        said = [(row.name, msgspec.json.decode(row.body)) for row in rows]
    return [
        (name, body.get("links", body.get("url")))
        for name, body in said
        if name in ("HostBroke", "HostRecovered")
        or (name in ("LinkBroke", "LinkRecovered") and body["group_id"] is None)
    ]


def recorded(sessions: Sessions, name: str) -> int:
    with sessions() as session:
        return len(session.scalars(select(Outbox.id).where(Outbox.name == name)).all())


def listed(sessions: Sessions, state: str = "") -> list[GroupView]:
    with sessions() as session:
        return groups.list_groups(session, WORKSPACE, 10, "", GroupFilter(state=state))[0]


def in_group(sessions: Sessions, group: uuid.UUID) -> set[str]:
    with sessions() as session:
        found, _ = incidents.list_incidents(session, WORKSPACE, 200, "", IncidentFilter(group=group))
    return {each.url for each in found}


def test_links_of_a_host_that_break_together_are_told_of_once_and_recover_once(sessions: Sessions) -> None:
    check(sessions, urls(37), 0, Reason.OK)
    check(sessions, urls(37), 10, REFUSED)
    tick(sessions)
    tick(sessions)
    assert heard(sessions) == [("HostBroke", 37)]
    assert recorded(sessions, "LinkBroke") == 37
    [group] = listed(sessions, "open")
    assert (group.host, group.reason, group.links, group.open) == ("a.example", "connection_refused", 37, 37)
    assert in_group(sessions, group.id) == set(urls(37))
    for minutes in (20, 21):
        check(sessions, urls(36), minutes, Reason.OK)
    tick(sessions)
    assert heard(sessions) == [("HostBroke", 37)]
    assert listed(sessions)[0].open == 1
    for minutes in (22, 23):
        check(sessions, urls(1, first=36), minutes, Reason.OK)
    tick(sessions)
    tick(sessions)
    assert heard(sessions) == [("HostBroke", 37), ("HostRecovered", 37)]
    assert recorded(sessions, "LinkRecovered") == 37
    [group] = listed(sessions, "resolved")
    assert group.duration_s == 12 * 60


def test_mail_links_have_no_host_in_common_and_are_told_of_one_by_one(sessions: Sessions) -> None:
    links = [f"mailto:me@{name}.example" for name in "abcd"]
    check(sessions, links, 0, Reason.DNS_NXDOMAIN)
    tick(sessions)
    assert sorted(heard(sessions)) == [("LinkBroke", link) for link in links]
    assert listed(sessions) == []


def test_fewer_than_a_group_are_told_of_one_by_one_at_once(sessions: Sessions) -> None:
    check(sessions, [*urls(2), *urls(2, "b.example")], 0, GONE)
    assert sorted(heard(sessions)) == [("LinkBroke", url) for url in [*urls(2), *urls(2, "b.example")]]
    tick(sessions)
    assert (len(heard(sessions)), listed(sessions)) == (4, [])


def test_who_was_told_of_two_hears_of_the_group_with_the_third_and_of_no_more(sessions: Sessions) -> None:
    for number in range(6):
        check(sessions, urls(1, first=number), number, GONE)
        tick(sessions)
    assert heard(sessions) == [("LinkBroke", urls(1)[0]), ("LinkBroke", urls(1, first=1)[0]), ("HostBroke", 3)]
    assert [each.links for each in listed(sessions)] == [6]


def test_pages_that_go_far_apart_are_told_of_one_by_one_but_a_host_that_refuses_is_one_fault(
    sessions: Sessions,
) -> None:
    for number in range(4):
        check(sessions, urls(1, first=number), 60 * number, GONE)
        check(sessions, urls(1, "b.example", number), 60 * number, REFUSED)
        tick(sessions)
    assert [name for name, what in heard(sessions) if "a.example" in str(what)] == ["LinkBroke"] * 4
    assert [(name, what) for name, what in heard(sessions) if "a.example" not in str(what)] == [
        ("LinkBroke", urls(1, "b.example")[0]),
        ("LinkBroke", urls(1, "b.example", 1)[0]),
        ("HostBroke", 3),
    ]


def test_a_break_waits_while_others_of_its_host_are_in_doubt_and_is_told_alone_if_they_recover(
    sessions: Sessions,
) -> None:
    one, *others = urls(4)
    check(sessions, others, 0, GONE, SETTINGS)
    check(sessions, [one], 1, GONE)
    tick(sessions)
    assert heard(sessions) == []
    check(sessions, others, 2, Reason.OK, SETTINGS)
    tick(sessions)
    tick(sessions)
    assert heard(sessions) == [("LinkBroke", one)]


def test_a_break_that_waited_is_told_with_its_group(sessions: Sessions) -> None:
    one, *others = urls(4)
    check(sessions, others, 0, GONE, SETTINGS)
    check(sessions, [one], 1, GONE)
    for minutes in (1, 2):
        check(sessions, others, minutes, GONE, SETTINGS)
    tick(sessions)
    assert heard(sessions) == [("HostBroke", 4)]
    assert recorded(sessions, "LinkBroke") == 4
    with sessions() as session:
        assert session.scalars(select(HeldBreak)).all() == []


def test_nobody_waits_longer_than_the_settings_say(sessions: Sessions) -> None:
    check(sessions, urls(9, first=10), 0, GONE, SETTINGS)
    check(sessions, urls(1), 1, GONE)
    tick(sessions, later_s=119)
    assert heard(sessions) == []
    tick(sessions, later_s=121)
    assert heard(sessions) == [("LinkBroke", urls(1)[0])]


def test_a_break_that_waited_and_is_over_is_told_before_its_recovery(sessions: Sessions) -> None:
    check(sessions, urls(9, first=10), 0, GONE, SETTINGS)
    check(sessions, urls(1), 1, GONE)
    for minutes in (2, 3):
        check(sessions, urls(1), minutes, Reason.OK)
    tick(sessions, later_s=121)
    assert heard(sessions) == [("LinkBroke", urls(1)[0]), ("LinkRecovered", urls(1)[0])]


def test_a_group_that_has_grown_much_is_told_again_unless_somebody_is_on_it(sessions: Sessions) -> None:
    for host in ("a.example", "b.example"):
        check(sessions, urls(3, host), 0, GONE)
        tick(sessions)
        if host == "b.example":
            with sessions.begin() as session:
                assert groups.acknowledge(session, WORKSPACE, listed(sessions)[0].id, ME)
        check(sessions, urls(11, host, 3), 1, GONE)
        tick(sessions)
        check(sessions, urls(1, host, 14), 2, GONE)
        tick(sessions)
    assert heard(sessions) == [("HostBroke", 3), ("HostBroke", 15), ("HostBroke", 3)]
    with sessions() as session:
        bodies = session.scalars(select(Outbox.body).where(Outbox.name == "HostBroke").order_by(Outbox.id)).all()
    assert [msgspec.json.decode(body, type=HostBroke).told_before for body in bodies] == [0, 3, 0]


def test_ignored_and_muted_links_are_in_no_group_until_they_are_spoken_of(sessions: Sessions) -> None:
    check(sessions, urls(6), 0, Reason.OK)
    with sessions.begin() as session:
        quiet = [link_id(WORKSPACE, url) for url in urls(2)]
        session.execute(update(Link).where(Link.id.in_(quiet)).values(ignored=True))
        muted = [link_id(WORKSPACE, url) for url in urls(2, first=2)]
        session.execute(
            update(Link).where(Link.id.in_(muted)).values(muted_until=datetime.now(UTC) + timedelta(days=1))
        )
    check(sessions, urls(6), 10, GONE)
    tick(sessions)
    assert [name for name, _ in heard(sessions)] == ["LinkBroke"] * 2
    with sessions.begin() as session:
        session.execute(update(Link).values(muted_until=None))
    check(sessions, urls(6), 21, GONE)
    tick(sessions)
    assert [name for name, _ in heard(sessions)] == ["LinkBroke", "LinkBroke", "HostBroke"]
    assert heard(sessions)[-1] == ("HostBroke", 4)


def test_removed_links_leave_their_group_and_what_is_left_may_be_over(sessions: Sessions) -> None:
    check(sessions, urls(3), 0, GONE)
    tick(sessions)
    for minutes in (1, 2):
        check(sessions, urls(2), minutes, Reason.OK)
    with sessions.begin() as session:
        assert changes.remove(session, WORKSPACE, link_id(WORKSPACE, urls(1, first=2)[0]), (), ME)
    tick(sessions)
    assert heard(sessions) == [("HostBroke", 3), ("HostRecovered", 2)]


def test_a_group_is_acknowledged_with_all_its_open_incidents_and_the_first_one_stays(sessions: Sessions) -> None:
    check(sessions, urls(3), 0, GONE)
    [group] = listed(sessions)

    def acknowledge(caller: Caller) -> GroupView | None:
        with sessions.begin() as session:
            return groups.acknowledge(session, WORKSPACE, group.id, caller)

    acknowledge(ME)
    check(sessions, urls(1, first=3), 1, GONE)
    seen = acknowledge(YOU)
    acknowledge(YOU)
    assert seen
    assert seen.acknowledged_by == "key:me"
    with sessions() as session:
        found, _ = incidents.list_incidents(session, WORKSPACE, 10, "", IncidentFilter(group=group.id))
        stories = [incidents.get_story(session, WORKSPACE, each.id) for each in found]
        assert groups.acknowledge(session, uuid.uuid4(), group.id, ME) is None
        assert groups.get_group(session, uuid.uuid4(), group.id) is None
    assert sorted(str(each.acknowledged_by) for each in found) == ["key:me"] * 3 + ["key:you"]
    kinds = [each.kind for story in stories if story for each in story.timeline]
    assert kinds.count("acknowledged") == 4
    assert recorded(sessions, "IncidentGroupAcknowledged") == 2


def test_parts_that_break_at_the_same_moment_make_one_group(sessions: Sessions) -> None:
    check(sessions, urls(12), 0, Reason.OK)
    parts: list[Callable[[], None]] = [
        lambda url=url: check(sessions, [url], 10, GONE)  # type: ignore[misc]  # bound as it is
        for url in urls(12)
    ]
    with ThreadPoolExecutor(4) as pool:
        for done in [pool.submit(each) for each in parts]:
            done.result()
    tick(sessions)
    names = [name for name, _ in heard(sessions)]
    assert names == ["LinkBroke", "LinkBroke", "HostBroke"]
    assert [each.links for each in listed(sessions)] == [12]


def test_two_ticks_at_once_tell_a_group_once(sessions: Sessions) -> None:
    check(sessions, urls(5), 0, GONE)
    with ThreadPoolExecutor(4) as pool:
        for done in [pool.submit(tick, sessions) for _ in range(4)]:
            done.result()
    assert heard(sessions) == [("HostBroke", 5)]


def test_of_other_workspaces_and_without_groups_nothing_is_gathered(sessions: Sessions) -> None:
    check(sessions, urls(5), 0, GONE, replace(EAGER, group_least=0))
    tick(sessions)
    assert [name for name, _ in heard(sessions)] == ["LinkBroke"] * 5
    other = replace(part(*urls(2)), workspace_id=uuid.uuid4())
    check_links(other, sessions=sessions, checker=Answers(GONE), settings=EAGER)
    tick(sessions)
    assert "HostBroke" not in [name for name, _ in heard(sessions)]
