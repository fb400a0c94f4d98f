import uuid

import pytest

from tasks.notifications.queries import DeliveryFilter, list_channels, list_deliveries
from tests.conftest import MakeDatabase
from tests.tasks.notifications.desk import BAD, WORKSPACE, Desk, broke


def event_at(millisecond: int) -> uuid.UUID:
    """The id of an event of that moment."""
    return uuid.UUID(int=millisecond << 80 | 7 << 76 | uuid.uuid4().int >> 66)


@pytest.fixture
def desk(database: MakeDatabase) -> Desk:
    return Desk(database("notifications"))


def test_channels_come_newest_first_page_after_page(desk: Desk) -> None:
    made = [desk.channel() for _ in range(5)]
    found, after = [], ""
    with desk.sessions() as session:
        for _ in range(3):
            page, after = list_channels(session, WORKSPACE, 2, after)
            found += [channel.id for channel in page]
    assert found == made[::-1]
    assert after == ""


def test_deliveries_come_newest_first_each_with_all_its_attempts(desk: Desk) -> None:
    desk.channel()
    desk.sender.outcomes = [BAD]
    links = [broke(event_id=event_at(moment)) for moment in range(5)]
    for each in links:
        desk.tell(each)
        desk.work()
    desk.pass_time(10)
    desk.work()
    found, after, pages = [], "", 0
    with desk.sessions() as session:
        while after or not pages:
            page, after = list_deliveries(session, WORKSPACE, 2, after, DeliveryFilter())
            found += page
            pages += 1
    assert [each.link_id for each in found] == [each.link_id for each in links][::-1]
    assert [len(each.attempts) for each in found] == [1, 1, 1, 1, 2]
    assert [each.answer for each in found[-1].attempts] == ["out of order", ""]
    assert pages == 3


def test_deliveries_are_found_by_channel_state_and_link(desk: Desk) -> None:
    first, second = desk.channel(), desk.channel()
    wanted, other = broke(), broke()
    desk.tell(wanted)
    desk.work()
    desk.tell(other)
    assert {each.channel_id for each in desk.deliveries(link_id=wanted.link_id)} == {first, second}
    assert {each.link_id for each in desk.deliveries(state="pending")} == {other.link_id}
    assert len(desk.deliveries(channel_id=first, state="succeeded")) == 1
    assert desk.deliveries(link_id=uuid.uuid4()) == []


def test_another_workspaces_deliveries_are_not_there(desk: Desk) -> None:
    desk.channel()
    desk.tell(broke())
    with desk.sessions() as session:
        assert list_deliveries(session, uuid.uuid4(), 10, "", DeliveryFilter()) == ([], "")
