import uuid
from datetime import UTC, datetime

import msgspec
import pytest

from config.broker import LISTENS
from tasks import wire
from tasks.accounts.messages import KeyCreated
from tasks.audit.record import audit_events
from tasks.links.messages import JobFinished, LinkBroke, LinkChange, LinkRecovered, LinksChanged
from tasks.notifications.messages import ChannelChanged, DeliveryFailed, DeliverySucceeded, RetryDeliveries

AT = datetime(2026, 11, 21, 23, 5, tzinfo=UTC)
TRACE = "a" * 32
WORKSPACE, LINK, INCIDENT, JOB, DELIVERY, CHANNEL, KEY = (uuid.uuid4() for _ in range(7))
URL = "https://example.com/page"


def id_() -> uuid.UUID:
    return uuid.uuid4()


HEARD = [
    (
        LinkBroke(id_(), WORKSPACE, LINK, INCIDENT, URL, "http_404", AT, AT, 404, "gone"),
        ("links", "service:links", "link.broke", "success", "http_404", "link", str(LINK), URL),
        {"incident_id": str(INCIDENT), "started_at": AT.isoformat(), "status_code": 404, "detail": "gone"},
    ),
    (
        LinkRecovered(id_(), WORKSPACE, LINK, INCIDENT, URL, "ok", AT, AT, 0.0, ("docs",)),
        ("links", "service:links", "link.recovered", "success", "ok", "link", str(LINK), URL),
        {"incident_id": str(INCIDENT), "started_at": AT.isoformat(), "duration_s": 0.0, "tags": ("docs",)},
    ),
    (
        JobFinished(id_(), WORKSPACE, JOB, 3, {"ok": 3}, AT),
        ("links", "service:links", "job.finished", "success", "", "job", str(JOB), ""),
        {"total": 3, "verdicts": {"ok": 3}},
    ),
    (
        DeliverySucceeded(id_(), WORKSPACE, DELIVERY, CHANNEL, "email", "link.broken", "Broken link", 2, AT, LINK),
        (
            "notifications",
            "service:notifications",
            "delivery.succeeded",
            "success",
            "",
            "delivery",
            str(DELIVERY),
            "Broken link",
        ),
        {"channel_id": str(CHANNEL), "channel_kind": "email", "subject": "link.broken", "attempts": 2}
        | {"link_id": str(LINK)},
    ),
    (
        DeliveryFailed(id_(), WORKSPACE, DELIVERY, None, "", "notification", "Hello", 0, AT, "there is none"),
        (
            "notifications",
            "service:notifications",
            "delivery.failed",
            "failure",
            "there is none",
            "delivery",
            str(DELIVERY),
            "Hello",
        ),
        {"subject": "notification", "attempts": 0},
    ),
    (
        ChannelChanged(id_(), WORKSPACE, CHANNEL, "webhook", "ops", "deleted", AT, "key:admin", "192.0.2.1", "curl/8"),
        ("notifications", "key:admin", "channel.deleted", "success", "", "channel", str(CHANNEL), "ops"),
        {"channel_kind": "webhook"},
    ),
    (
        KeyCreated(id_(), WORKSPACE, KEY, "ci", ("admin",), AT),
        ("accounts", "operator", "key.created", "success", "", "key", str(KEY), "ci"),
        {"scopes": ("admin",)},
    ),
]


@pytest.mark.parametrize(("message", "facts", "details"), HEARD, ids=[each[0].name() for each in HEARD])
def test_an_event_becomes_who_did_what_to_which_thing(
    message: wire.Event, facts: tuple[str, ...], details: dict[str, object]
) -> None:
    [event] = audit_events(message, TRACE)
    assert (
        event.service,
        event.actor,
        event.action,
        event.outcome,
        event.reason,
        event.resource_kind,
        event.resource_id,
        event.resource_name,
    ) == facts
    assert event.details == details
    assert (event.workspace_id, event.occurred_at, event.trace_id) == (WORKSPACE, AT, TRACE)
    assert event.event_id == message.event_id  # type: ignore[attr-defined]  # every event has one


def test_each_change_of_a_part_is_an_event_in_its_own_links_trace() -> None:
    changes = (
        LinkChange(id_(), LINK, URL, "up", "failing", "broken", "http_404", "b" * 32),
        LinkChange(id_(), uuid.uuid4(), URL, "pending", "up", "ok", "ok"),
    )
    first, second = audit_events(LinksChanged(id_(), WORKSPACE, AT, changes, JOB), TRACE)
    assert [first.event_id, second.event_id] == [each.event_id for each in changes]
    assert (first.trace_id, second.trace_id) == ("b" * 32, TRACE)
    assert (first.action, first.resource_id, first.reason) == ("link.state_changed", str(LINK), "http_404")
    assert first.details == {"before": "up", "after": "failing", "verdict": "broken", "job_id": str(JOB)}


def test_where_a_change_came_from_is_kept() -> None:
    [event] = audit_events(HEARD[5][0], TRACE)
    assert (event.ip, event.user_agent) == ("192.0.2.1", "curl/8")


def test_every_event_that_audit_hears_has_its_words() -> None:
    assert {each[0].name() for each in HEARD} | {"LinksChanged"} == set(LISTENS["audit"])


def test_what_becomes_of_an_event_survives_the_wire() -> None:
    for message, _, _ in HEARD:
        assert msgspec.json.encode(audit_events(message, TRACE))


def test_nothing_is_on_record_of_what_is_no_event() -> None:
    with pytest.raises(TypeError, match="RetryDeliveries"):
        audit_events(RetryDeliveries(), TRACE)  # type: ignore[arg-type]  # the fault is the point
