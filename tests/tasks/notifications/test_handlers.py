import uuid
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime
from itertools import permutations

import pytest

from config import telemetry
from config.settings import NOTIFICATIONS_KEY
from tasks.links.messages import HostBroke, LinkRecovered
from tasks.notifications.channels.sending import Envelope, Outcome
from tasks.notifications.deliveries import delivery_id
from tasks.vault import Vault
from tests.conftest import MakeDatabase
from tests.tasks.notifications.desk import BAD, SETTINGS, WORKSPACE, Desk, broke

TRACEPARENT = "00-" + "a" * 32 + "-" + "b" * 16 + "-01"


@pytest.fixture
def desk(database: MakeDatabase) -> Desk:
    return Desk(database("notifications"))


def test_every_channel_of_the_workspace_hears_once_that_a_link_broke(desk: Desk) -> None:
    channels = {desk.channel("email"), desk.channel("webhook")}
    desk.channel(workspace_id=uuid.uuid4())
    message = broke()
    desk.tell(message)
    desk.tell(message)
    desk.work()
    assert {each.channel_id for each in desk.deliveries()} == channels
    assert {(each.state, each.subject, each.link_id) for each in desk.deliveries()} == {
        ("succeeded", "link.broken", message.link_id)
    }
    assert len(desk.sender.sent) == len(desk.told("Deliver")) == 2


def test_a_recovery_is_told_too(desk: Desk) -> None:
    desk.channel()
    now, gone = datetime.now(UTC), broke()
    desk.tell(LinkRecovered(uuid.uuid4(), WORKSPACE, gone.link_id, gone.incident_id, gone.url, "ok", now, now, 60.0))
    desk.work()
    assert desk.delivery().subject == "link.recovered"
    assert "works again" in desk.sender.sent[0].body


@pytest.mark.parametrize("order", sorted(set(permutations("brb"))))
def test_in_whatever_order_and_however_often_events_come_each_is_told_once(desk: Desk, order: tuple[str, ...]) -> None:
    desk.channel()
    now, gone = datetime.now(UTC), broke()
    back = LinkRecovered(uuid.uuid4(), WORKSPACE, gone.link_id, gone.incident_id, gone.url, "ok", now, now, 60.0)
    for each in order:
        desk.tell(gone if each == "b" else back)
    desk.work()
    assert sorted(each.subject for each in desk.deliveries()) == ["link.broken", "link.recovered"]
    assert len(desk.sender.sent) == 2


def test_a_link_that_broke_with_others_of_its_host_is_told_with_them(desk: Desk) -> None:
    desk.channel()
    group, now = uuid.uuid4(), datetime.now(UTC)
    gone = broke(group_id=group)
    desk.tell(gone)
    desk.tell(
        LinkRecovered(
            uuid.uuid4(), WORKSPACE, gone.link_id, gone.incident_id, gone.url, "ok", now, now, 60.0, group_id=group
        )
    )
    assert desk.deliveries() == []
    told = HostBroke(uuid.uuid4(), WORKSPACE, group, "e.org", "http_404", {"http_404": 3}, 3, now, now, (gone.url,))
    for _ in range(2):
        desk.tell(told)
    desk.work()
    assert [(each.subject, each.state) for each in desk.deliveries()] == [("host.broken", "succeeded")]


def test_a_workspace_without_a_channel_hears_nothing_of_links(desk: Desk) -> None:
    desk.tell(broke())
    assert desk.deliveries() == []


def test_a_notification_of_ones_own_goes_to_the_channel_it_names_or_to_all(desk: Desk) -> None:
    first, second = desk.channel(), desk.channel()
    desk.send(first)
    desk.send()
    assert [each.channel_id for each in desk.deliveries(channel_id=first)] == [first, first]
    assert len(desk.deliveries(channel_id=second)) == 1
    assert len(desk.told("NotificationQueued")) == 2


def test_a_notification_asked_for_twice_is_sent_once_and_finished_twice(desk: Desk) -> None:
    channel, part = desk.channel(), uuid.uuid4()
    desk.send(channel, part)
    desk.send(channel, part)
    assert len(desk.told("Deliver")) == 1
    assert [told["part_id"] for told in desk.told("NotificationQueued")] == [str(part)] * 2


@pytest.mark.parametrize(
    ("wanted", "error"), [(uuid.uuid4(), "there is no such channel"), (None, "the workspace has no channel")]
)
def test_a_notification_for_nobody_is_finished_and_is_on_record_as_failed(
    desk: Desk, wanted: uuid.UUID | None, error: str
) -> None:
    part = uuid.uuid4()
    desk.channel(workspace_id=uuid.uuid4())
    desk.send(wanted, part)
    desk.send(wanted, part)
    [failed] = desk.told("DeliveryFailed")
    assert (failed["error"], failed["attempts"]) == (error, 0)
    assert failed["channel_id"] == (str(wanted) if wanted else None)
    assert (desk.delivery().state, desk.delivery().error) == ("failed", error)
    assert len(desk.told("NotificationQueued")) == 2
    assert desk.told("Deliver") == []


def test_another_workspaces_channel_is_no_such_channel(desk: Desk) -> None:
    desk.send(desk.channel(workspace_id=uuid.uuid4()))
    assert desk.delivery().error == "there is no such channel"


def test_a_success_is_written_down_and_announced(desk: Desk) -> None:
    channel, message = desk.channel("webhook"), broke()
    desk.tell(message)
    desk.work()
    delivery = desk.delivery()
    [attempt] = delivery.attempts
    assert (attempt.number, attempt.ok, attempt.status) == (1, True, 204)
    assert delivery.finished_at
    assert delivery.next_attempt_at is None
    [told] = desk.told("DeliverySucceeded")
    assert (told["delivery_id"], told["channel_id"]) == (str(delivery.id), str(channel))
    assert (told["channel_kind"], told["attempts"]) == ("webhook", 1)
    assert (told["subject"], told["link_id"]) == ("link.broken", str(message.link_id))


def test_a_webhook_is_given_its_secret_and_its_id_stays_over_all_attempts(desk: Desk) -> None:
    desk.channel("webhook")
    desk.sender.outcomes = [BAD]
    desk.tell(broke())
    desk.work()
    desk.pass_time(10)
    desk.work()
    first, second = desk.sender.sent
    assert first.id == second.id == desk.delivery().id
    assert first.secret.startswith("whsec_")
    assert first.payload == second.payload


def test_a_failure_is_tried_again_after_the_back_off_and_not_before(desk: Desk) -> None:
    desk.channel()
    desk.sender.outcomes = [BAD]
    desk.tell(broke())
    desk.work()
    delivery = desk.delivery()
    assert (delivery.state, delivery.error) == ("pending", "out of order")
    assert delivery.next_attempt_at
    assert 4 < (delivery.next_attempt_at - delivery.attempts[0].at).total_seconds() < 8
    desk.tick()
    desk.deliver(delivery.id)
    assert len(desk.sender.sent) == 1
    desk.pass_time(8)
    desk.tick()
    assert len(desk.told("Deliver")) == 2
    desk.work()
    assert (desk.delivery().state, len(desk.delivery().attempts)) == ("succeeded", 2)
    assert desk.told("DeliverySucceeded")[0]["attempts"] == 2


def test_what_a_receiver_asks_for_is_waited_for(desk: Desk) -> None:
    desk.channel()
    desk.sender.outcomes = [Outcome(ok=False, status=429, answer="slow down", retry_after_s=120)]
    desk.tell(broke())
    desk.work()
    delivery = desk.delivery()
    assert delivery.next_attempt_at
    assert 118 < (delivery.next_attempt_at - delivery.attempts[0].at).total_seconds() < 150


def test_when_no_attempt_is_left_the_delivery_fails_and_that_is_announced_once(desk: Desk) -> None:
    desk.channel()
    desk.sender.outcomes = [BAD, BAD, BAD, BAD]
    message = broke()
    desk.tell(message)
    for _ in range(6):
        desk.work()
        desk.pass_time(1_000)
        desk.tick()
    assert (desk.delivery().state, len(desk.delivery().attempts)) == ("failed", 3)
    [told] = desk.told("DeliveryFailed")
    assert (told["attempts"], told["error"], told["link_id"]) == (3, "out of order", str(message.link_id))


def test_a_permanent_failure_ends_at_once(desk: Desk) -> None:
    desk.channel()
    desk.sender.outcomes = [Outcome(ok=False, status=410, permanent=True)]
    desk.tell(broke())
    desk.work()
    assert (desk.delivery().state, desk.delivery().error) == ("failed", "the receiver answered 410")
    assert len(desk.told("DeliveryFailed")) == 1


def test_a_delivery_that_many_are_asked_to_make_is_made_once(desk: Desk) -> None:
    desk.channel()
    desk.tell(broke())
    [job] = desk.told("Deliver")
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(desk.deliver, [uuid.UUID(job["delivery_id"])] * 24))
    assert len(desk.sender.sent) == 1
    assert len(desk.told("DeliverySucceeded")) == 1


def test_an_attempt_whose_worker_was_killed_is_made_again_when_its_lease_is_over(desk: Desk) -> None:
    desk.channel()
    desk.tell(broke())
    delivery_id = desk.delivery().id
    desk.begin(delivery_id)
    desk.tick()
    desk.deliver(delivery_id)
    assert desk.sender.sent == []
    desk.pass_time(SETTINGS.lease_s + 1)
    desk.tick()
    desk.work()
    assert (desk.delivery().state, [each.number for each in desk.delivery().attempts]) == ("succeeded", [2])


def test_a_job_that_the_broker_lost_is_handed_out_again(desk: Desk) -> None:
    desk.channel()
    with telemetry.span("LinkBroke", {"traceparent": TRACEPARENT}):
        desk.tell(broke())
    desk.tick()
    assert len(desk.letters("Deliver")) == 1
    desk.pass_time(SETTINGS.lease_s + 1)
    desk.tick()
    desk.tick()
    first, second = desk.letters("Deliver")
    assert first.body == second.body
    assert {telemetry.trace_id_of(each.traceparent) for each in (first, second)} == {"a" * 32}


def test_two_ticks_at_once_hand_out_each_delivery_once(desk: Desk) -> None:
    desk.channel()
    for _ in range(50):
        desk.tell(broke())
    desk.pass_time(SETTINGS.lease_s + 1)
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: desk.tick(), range(4)))
    assert len(desk.told("Deliver")) == 100


def test_a_worker_that_is_killed_every_time_stops_being_asked(desk: Desk) -> None:
    desk.channel()
    desk.tell(broke())
    delivery_id = desk.delivery().id
    for _ in range(20):
        desk.begin(delivery_id)
        desk.pass_time(SETTINGS.lease_s + 1)
        desk.tick()
    desk.deliver(delivery_id)
    assert (desk.delivery().state, desk.sender.sent) == ("failed", [])
    assert desk.told("DeliveryFailed")[0]["error"] == "no attempt came to an end"


def test_an_attempt_that_outlived_its_lease_counts_where_it_succeeded_and_not_where_it_failed(desk: Desk) -> None:
    desk.channel()
    desk.tell(broke())
    delivery_id = desk.delivery().id
    late_failure = replace_during(desk, delivery_id, BAD)
    assert late_failure == ("sending", 1)
    late_success = replace_during(desk, delivery_id, Outcome(ok=True, status=200))
    assert late_success == ("succeeded", 2)
    assert len(desk.told("DeliverySucceeded")) == 1


def replace_during(desk: Desk, delivery_id: uuid.UUID, outcome: Outcome) -> tuple[str, int]:
    """Make an attempt, in the midst of which another worker takes the delivery over; what is left, and how tried."""

    def outlive(_: Envelope) -> Outcome:
        desk.pass_time(SETTINGS.lease_s + 1)
        desk.tick()
        desk.begin(delivery_id)
        return outcome

    slow = replace(desk, sender=outlive)  # type: ignore[arg-type]  # a sender is any callable
    desk.pass_time(SETTINGS.lease_s + 1)
    desk.tick()
    slow.deliver(delivery_id)
    return desk.delivery().state, len(desk.delivery().attempts)


def test_a_channel_that_fails_is_tried_one_at_a_time_until_it_answers(desk: Desk) -> None:
    channel = desk.channel()
    desk.sender.outcomes = [BAD]
    for _ in range(3):
        desk.tell(broke())
    first, second, third = (uuid.UUID(job["delivery_id"]) for job in desk.told("Deliver"))
    desk.deliver(first)
    assert desk.failures(channel) == 1
    desk.begin(second)
    desk.deliver(third)
    assert len(desk.sender.sent) == 1
    waiting = next(each for each in desk.deliveries() if each.id == third)
    assert (waiting.state, waiting.attempts) == ("pending", ())
    desk.pass_time(31)
    desk.deliver(first)
    assert len(desk.sender.sent) == 1
    desk.pass_time(SETTINGS.lease_s)
    desk.tick()
    desk.work()
    assert desk.failures(channel) == 0
    assert {each.state for each in desk.deliveries()} == {"succeeded"}


def test_a_healthy_channel_takes_many_at_once(desk: Desk) -> None:
    desk.channel()
    for _ in range(3):
        desk.tell(broke())
    first, second, third = (uuid.UUID(job["delivery_id"]) for job in desk.told("Deliver"))
    desk.begin(first)
    desk.deliver(second)
    desk.deliver(third)
    assert len(desk.sender.sent) == 2


def test_what_a_deleted_channel_was_not_told_yet_fails(desk: Desk) -> None:
    channel = desk.channel("webhook")
    desk.tell(broke())
    desk.delete_channel(channel)
    desk.work()
    assert (desk.delivery().state, desk.delivery().error) == ("failed", "the channel was deleted")
    assert desk.sender.sent == []


def test_a_secret_that_cannot_be_opened_is_a_failure_that_the_operator_can_mend(desk: Desk) -> None:
    desk.channel("webhook")
    desk.tell(broke())
    replace(desk, vault=Vault(b"x" * 32, NOTIFICATIONS_KEY)).work()
    assert desk.delivery().state == "pending"
    assert "PRANALA_NOTIFICATIONS_KEY" in desk.delivery().error
    desk.pass_time(10)
    desk.work()
    assert desk.delivery().state == "succeeded"


def test_what_is_delivered_stays_in_the_trace_of_what_happened(desk: Desk) -> None:
    desk.channel()
    with telemetry.span("LinkBroke", {"traceparent": TRACEPARENT}):
        desk.tell(broke())
    assert desk.delivery().trace_id == "a" * 32
    [job] = desk.letters("Deliver")
    with telemetry.span("Deliver", {"traceparent": job.traceparent}):
        desk.work()
    assert telemetry.trace_id_of(desk.sender.sent[0].traceparent) == "a" * 32
    assert telemetry.trace_id_of(desk.letters("DeliverySucceeded")[0].traceparent) == "a" * 32


def test_what_a_server_wrote_may_hold_anything(desk: Desk) -> None:
    desk.channel()
    desk.tell(broke(detail="\0 \x1b[31m 'quoted' \\u0000 é \U0001f600", url="https://example.com/" + "a" * 8_000))
    desk.work()
    assert desk.delivery().state == "succeeded"


def test_a_channel_that_was_made_later_does_not_hear_of_what_is_said_again(desk: Desk) -> None:
    message = broke()
    desk.tell(message)
    desk.channel()
    desk.tell(message)
    assert desk.deliveries() == []


def test_a_delivery_has_the_same_id_whenever_it_is_made(desk: Desk) -> None:
    message = broke()
    channel = desk.channel()
    desk.tell(message)
    assert desk.delivery().id == delivery_id(message.event_id, channel)
    assert desk.delivery().id != delivery_id(message.event_id, uuid.uuid4()) != delivery_id(uuid.uuid4(), channel)
