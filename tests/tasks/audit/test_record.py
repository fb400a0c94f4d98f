import uuid
from datetime import UTC, datetime

import msgspec
import pytest

from config.broker import LISTENS
from tasks import wire
from tasks.accounts.messages import KeyCreated
from tasks.audit.record import audit_events
from tasks.links.messages import (
    BadgeChanged,
    ChecksFrozen,
    Edit,
    HostBroke,
    HostRecovered,
    IncidentAcknowledged,
    IncidentGroupAcknowledged,
    JobFinished,
    LinkBroke,
    LinkChange,
    LinkFlapping,
    LinkRecovered,
    LinksBorn,
    LinksChanged,
    LinksEdited,
    LinksRemoved,
    LinkUnverifiable,
    PolicyChanged,
    WindowChanged,
)
from tasks.notifications.messages import ChannelChanged, DeliveryFailed, DeliverySucceeded, RetryDeliveries

AT = datetime(2026, 11, 21, 23, 5, tzinfo=UTC)
TRACE = "a" * 32
WORKSPACE, LINK, INCIDENT, JOB, DELIVERY, CHANNEL, KEY, WINDOW, GROUP = (uuid.uuid4() for _ in range(9))
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
        LinkBroke(id_(), WORKSPACE, LINK, INCIDENT, URL, "http_404", AT, AT, group_id=GROUP),
        ("links", "service:links", "link.broke", "success", "http_404", "link", str(LINK), URL),
        {"incident_id": str(INCIDENT), "started_at": AT.isoformat(), "group_id": str(GROUP)},
    ),
    (
        HostBroke(id_(), WORKSPACE, GROUP, "e.org", "http_404", {"http_404": 2, "http_5xx": 1}, 3, AT, AT, (URL,)),
        ("links", "service:links", "host.broke", "success", "http_404", "incident_group", str(GROUP), "e.org"),
        {"started_at": AT.isoformat(), "links": 3, "reasons": {"http_404": 2, "http_5xx": 1}, "told_before": 0},
    ),
    (
        HostRecovered(id_(), WORKSPACE, GROUP, "e.org", "http_404", 3, AT, AT, 60.0),
        ("links", "service:links", "host.recovered", "success", "http_404", "incident_group", str(GROUP), "e.org"),
        {"started_at": AT.isoformat(), "links": 3, "duration_s": 60.0},
    ),
    (
        IncidentGroupAcknowledged(id_(), WORKSPACE, GROUP, "e.org", 3, AT, "key:admin", "192.0.2.1", "curl/8"),
        ("links", "key:admin", "incident_group.acknowledged", "success", "", "incident_group", str(GROUP), "e.org"),
        {"incidents": 3},
    ),
    (
        LinkFlapping(id_(), WORKSPACE, LINK, URL, "http_404", 5, AT),
        ("links", "service:links", "link.flapping", "success", "http_404", "link", str(LINK), URL),
        {"changes": 5},
    ),
    (
        LinkUnverifiable(id_(), WORKSPACE, LINK, URL, "forbidden", AT, AT, ("docs",)),
        ("links", "service:links", "link.unverifiable", "success", "forbidden", "link", str(LINK), URL),
        {"since": AT.isoformat(), "tags": ("docs",)},
    ),
    (
        ChecksFrozen(id_(), WORKSPACE, AT, 90, 100, 40),
        (
            "links",
            "service:links",
            "checks.frozen",
            "success",
            "too many links failed at once",
            "workspace",
            str(WORKSPACE),
            "",
        ),
        {"failed": 90, "checked": 100, "hosts": 40},
    ),
    (
        IncidentAcknowledged(id_(), WORKSPACE, INCIDENT, LINK, URL, AT, "key:admin", "192.0.2.1", "curl/8"),
        ("links", "key:admin", "incident.acknowledged", "success", "", "incident", str(INCIDENT), URL),
        {"link_id": str(LINK)},
    ),
    (
        WindowChanged(id_(), WORKSPACE, WINDOW, "night", "created", AT, "key:admin", "192.0.2.1", "curl/8"),
        ("links", "key:admin", "window.created", "success", "", "window", str(WINDOW), "night"),
        {},
    ),
    (
        BadgeChanged(id_(), WORKSPACE, WINDOW, "docs", "created", AT, "key:admin", "192.0.2.1", "curl/8"),
        ("links", "key:admin", "badge.created", "success", "", "badge", str(WINDOW), "docs"),
        {},
    ),
    (
        PolicyChanged(
            id_(),
            WORKSPACE,
            WINDOW,
            "a.example",
            "edited",
            AT,
            {"concurrency": (2, 4)},
            "key:admin",
            "192.0.2.1",
            "curl/8",
        ),
        ("links", "key:admin", "policy.edited", "success", "", "policy", str(WINDOW), "a.example"),
        {"changes": {"concurrency": (2, 4)}},
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


@pytest.mark.parametrize(("kind", "action"), [(LinksEdited, "link.edited"), (LinksRemoved, "link.deleted")])
def test_each_link_that_somebody_changed_is_an_event_with_what_it_was_and_is(
    kind: type[LinksEdited] | type[LinksRemoved], action: str
) -> None:
    edits = (Edit(id_(), LINK, URL, {"paused": (False, True)}), Edit(id_(), uuid.uuid4(), URL))
    first, second = audit_events(kind(id_(), WORKSPACE, AT, edits, "key:admin", "192.0.2.1", "curl/8"), TRACE)
    assert [first.event_id, second.event_id] == [each.event_id for each in edits]
    assert (first.action, first.actor, first.resource_id, first.resource_name) == (action, "key:admin", str(LINK), URL)
    assert (first.ip, first.user_agent, first.trace_id) == ("192.0.2.1", "curl/8", TRACE)
    assert (first.details, second.details) == ({"paused": {"before": False, "after": True}}, {})


@pytest.mark.parametrize("message", [each[0] for each in HEARD if hasattr(each[0], "user_agent")])
def test_where_a_change_came_from_is_kept(message: wire.Event) -> None:
    [event] = audit_events(message, TRACE)
    assert (event.ip, event.user_agent) == ("192.0.2.1", "curl/8")


def test_every_event_that_audit_hears_has_its_words() -> None:
    assert {each[0].name() for each in HEARD} | {"LinksChanged", "LinksEdited", "LinksRemoved"} == set(LISTENS["audit"])


def test_what_becomes_of_an_event_survives_the_wire() -> None:
    for message, _, _ in HEARD:
        assert msgspec.json.encode(audit_events(message, TRACE))


def test_nothing_is_on_record_of_what_is_no_event() -> None:
    with pytest.raises(TypeError, match="RetryDeliveries"):
        audit_events(RetryDeliveries(), TRACE)  # type: ignore[arg-type]  # the fault is the point


def test_new_links_that_came_out_alike_are_one_event_that_names_every_one() -> None:
    born = LinksBorn(id_(), "up", "ok", "ok", "", tuple(id_() for _ in range(30)))
    broke = LinkChange(id_(), id_(), "https://example.org/broken", "pending", "failing", "broken", "http_404")
    together, alone = audit_events(LinksChanged(id_(), WORKSPACE, AT, (broke,), JOB, (born,)), TRACE)
    assert together.details["link_ids"] == [str(each) for each in born.link_ids]
    assert (together.details["before"], together.details["after"]) == ("pending", "up")
    assert (together.resource_name, together.trace_id) == ("30 links", TRACE)
    assert alone.resource_id == str(broke.link_id)
