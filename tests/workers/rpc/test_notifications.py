import uuid
from collections.abc import Iterator

import grpc
import pytest

from config.settings import NOTIFICATIONS_KEY
from contracts import notifications_pb2 as pb
from contracts.notifications_pb2_grpc import NotificationsStub, add_NotificationsServicer_to_server
from tasks.vault import Vault
from tests.conftest import MakeDatabase
from tests.tasks.notifications.desk import BAD, WORKSPACE, Desk, broke
from tests.workers.rpc.serving import serving
from workers.rpc.notifications import NotificationsServicer

CALLER = pb.Caller(actor="key:admin", ip="192.0.2.1", user_agent="curl/8")


@pytest.fixture
def desk(database: MakeDatabase) -> Desk:
    return Desk(database("notifications"))


@pytest.fixture
def notifications(desk: Desk) -> Iterator[NotificationsStub]:
    servicer = NotificationsServicer(desk.sessions, Vault(bytes(32), NOTIFICATIONS_KEY))
    with serving(add_NotificationsServicer_to_server, servicer) as channel:
        yield NotificationsStub(channel)


def create(notifications: NotificationsStub, kind: str, target: str) -> pb.CreatedChannel:
    request = pb.CreateChannelRequest(workspace_id=str(WORKSPACE), kind=kind, name="ops", target=target, caller=CALLER)
    created: pb.CreatedChannel = notifications.CreateChannel(request)
    return created


def test_a_channel_is_created_read_listed_and_deleted(desk: Desk, notifications: NotificationsStub) -> None:
    created = create(notifications, "webhook", "https://example.com/hook")
    assert created.secret.startswith("whsec_")
    one = {"workspace_id": str(WORKSPACE), "id": created.channel.id}
    assert notifications.GetChannel(pb.GetChannelRequest(**one)) == created.channel
    everything = notifications.ListChannels(pb.ListChannelsRequest(workspace_id=str(WORKSPACE), limit=10))
    assert list(everything.items) == [created.channel]
    assert notifications.DeleteChannel(pb.DeleteChannelRequest(**one, caller=CALLER)) == created.channel
    with pytest.raises(grpc.RpcError) as gone:
        notifications.GetChannel(pb.GetChannelRequest(**one))
    assert gone.value.code() is grpc.StatusCode.NOT_FOUND
    assert [each["change"] for each in desk.told("ChannelChanged")] == ["created", "deleted"]
    assert {each["actor"] for each in desk.told("ChannelChanged")} == {"key:admin"}


def test_a_channel_that_cannot_be_is_an_invalid_argument_and_is_not_announced(
    desk: Desk, notifications: NotificationsStub
) -> None:
    with pytest.raises(grpc.RpcError) as refused:
        create(notifications, "email", "not an address")
    assert refused.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert str(refused.value.details()).startswith("target: not a mail address")
    assert desk.told("ChannelChanged") == []


@pytest.mark.parametrize("wanted", [str(uuid.UUID(int=9)), "no id"])
def test_a_channel_that_is_not_there_is_not_found(notifications: NotificationsStub, wanted: str) -> None:
    with pytest.raises(grpc.RpcError) as missing:
        notifications.DeleteChannel(pb.DeleteChannelRequest(workspace_id=str(WORKSPACE), id=wanted, caller=CALLER))
    assert missing.value.code() is grpc.StatusCode.NOT_FOUND


def test_deliveries_arrive_with_their_attempts(desk: Desk, notifications: NotificationsStub) -> None:
    desk.channel()
    desk.sender.outcomes = [BAD]
    message = broke()
    desk.tell(message)
    desk.tell(broke())
    desk.work()
    page = notifications.ListDeliveries(
        pb.ListDeliveriesRequest(workspace_id=str(WORKSPACE), limit=10, link_id=str(message.link_id))
    )
    [delivery] = page.items
    [attempt] = delivery.attempts
    assert (delivery.state, delivery.subject, delivery.error) == ("pending", "link.broken", "out of order")
    assert (attempt.number, attempt.ok, attempt.status, attempt.answer) == (1, False, 500, "out of order")
    assert delivery.HasField("next_attempt_at")
    assert not delivery.HasField("finished_at")
    assert delivery.link_id == str(message.link_id)


def test_a_page_of_deliveries_says_where_the_next_one_starts(desk: Desk, notifications: NotificationsStub) -> None:
    desk.channel()
    for _ in range(3):
        desk.tell(broke())
    request = pb.ListDeliveriesRequest(workspace_id=str(WORKSPACE), limit=2, state="pending")
    first = notifications.ListDeliveries(request)
    request.after = first.next
    second = notifications.ListDeliveries(request)
    assert (len(first.items), len(second.items), second.next) == (2, 1, "")
