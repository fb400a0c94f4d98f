import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import text

from tasks.audit.handlers import hear, record_events
from tasks.audit.messages import AuditEvent, RecordEvents
from tasks.audit.queries import EventFilter, search
from tasks.database import Sessions
from tasks.links.messages import LinkChange, LinksChanged
from tasks.notifications.messages import DeliverySucceeded
from tests.conftest import MakeDatabase

AT = datetime(2026, 11, 21, 12, tzinfo=UTC)
WORKSPACE = uuid.uuid4()


@pytest.fixture
def sessions(database: MakeDatabase) -> Sessions:
    return database("audit")


def record(sessions: Sessions, *said: dict[str, Any]) -> None:
    common: dict[str, Any] = {
        "workspace_id": WORKSPACE,
        "occurred_at": AT,
        "service": "web",
        "actor": "key:admin",
        "action": "a",
    }
    events = tuple(AuditEvent(**({"event_id": uuid.uuid4()} | common | each)) for each in said)
    record_events(RecordEvents(events), sessions=sessions)


def found(sessions: Sessions, **wanted: Any) -> list[str]:
    """The actions of what is found, oldest first."""
    with sessions() as session:
        events, _ = search(session, WORKSPACE, 100, "", EventFilter(**wanted))
    return [event.action for event in events][::-1]


@pytest.mark.parametrize(
    ("wanted", "actions"),
    [
        ({"actor": "key:ci"}, ["c"]),
        ({"action": "b"}, ["b"]),
        ({"outcome": "denied"}, ["b", "c"]),
        ({"outcome": "denied", "actor": "key:ci"}, ["c"]),
        ({"resource": "r1"}, ["a", "d"]),
        ({"trace_id": "f" * 32}, ["d"]),
        ({"since": AT + timedelta(seconds=1)}, ["b", "c", "d"]),
        ({"until": AT + timedelta(seconds=1)}, ["a"]),
        ({"since": AT + timedelta(seconds=1), "until": AT + timedelta(seconds=2)}, ["b"]),
        ({"q": "EXAMPLE.com"}, ["a"]),
        ({"q": "100%"}, ["b"]),
        ({"q": "%"}, ["b"]),
        ({"q": "_"}, []),
        ({}, ["a", "b", "c", "d"]),
        ({"actor": "nobody"}, []),
    ],
)
def test_each_filter_finds_its_own(sessions: Sessions, wanted: dict[str, Any], actions: list[str]) -> None:
    record(
        sessions,
        {"action": "a", "resource_id": "r1", "resource_name": "https://example.com/"},
        {"action": "b", "outcome": "denied", "reason": "100% sure", "occurred_at": AT + timedelta(seconds=1)},
        {"action": "c", "outcome": "denied", "actor": "key:ci", "occurred_at": AT + timedelta(seconds=2)},
        {"action": "d", "details": {"link_id": "r1"}, "trace_id": "f" * 32, "occurred_at": AT + timedelta(seconds=3)},
    )
    assert found(sessions, **wanted) == actions


def test_a_link_finds_its_submission_its_changes_and_what_was_told_of_it(sessions: Sessions) -> None:
    link, other = uuid.uuid4(), uuid.uuid4()
    for each in (link, other):
        submitted = {"action": "links.submit", "resource_kind": "job", "resource_id": str(uuid.uuid4())}
        record(sessions, {**submitted, "details": {"accepted": 1, "link_id": str(each)}})
        change = LinkChange(uuid.uuid4(), each, "https://example.com/", "up", "failing", "broken", "http_404")
        hear(LinksChanged(uuid.uuid4(), WORKSPACE, AT, (change,)), sessions=sessions)
        ids = (uuid.uuid4(), WORKSPACE, uuid.uuid4(), uuid.uuid4())
        hear(DeliverySucceeded(*ids, "email", "link.broken", "Broken link", 1, AT, each), sessions=sessions)
    assert found(sessions, resource=str(link)) == ["links.submit", "link.state_changed", "delivery.succeeded"]


def test_pages_are_newest_first_without_a_gap_or_a_double_while_more_is_recorded(sessions: Sessions) -> None:
    record(sessions, *({"action": str(number)} for number in range(7)))
    seen: list[str] = []
    after = ""
    with sessions() as session:
        while True:
            page, after = search(session, WORKSPACE, 3, after, EventFilter())
            seen += [event.action for event in page]
            record(sessions, {"action": "later"})
            if not after:
                break
    assert seen == ["6", "5", "4", "3", "2", "1", "0"]


def test_a_workspace_finds_its_own_and_nobody_elses(sessions: Sessions) -> None:
    record(sessions, {"action": "mine"}, {"action": "theirs", "workspace_id": uuid.uuid4()})
    record(sessions, {"action": "nobodys", "workspace_id": None})
    assert found(sessions) == ["mine"]
    with sessions() as session:
        assert [event.action for event in search(session, None, 10, "", EventFilter())[0]] == ["nobodys"]


def test_a_search_for_a_resource_or_a_trace_uses_its_indexes(sessions: Sessions) -> None:
    record(sessions, {"resource_id": "r1"})
    with sessions() as session:
        session.execute(text("SET enable_seqscan = off; SET enable_indexscan = off"))
        plans = []
        for wanted in (EventFilter(resource="r1"), EventFilter(trace_id="f" * 32)):
            condition = " AND ".join(
                str(each.compile(compile_kwargs={"literal_binds": True})) for each in wanted.clauses()
            )
            plan = session.scalars(text(f"EXPLAIN SELECT * FROM events WHERE {condition}".replace(":", "\\:"))).all()
            plans.append("\n".join(plan))
    assert "events_by_resource" in plans[0]
    assert "events_by_link" in plans[0]
    assert "events_by_links" in plans[0]
    assert "events_by_trace" in plans[1]


def test_a_link_of_an_import_is_found_in_the_event_that_names_many(database: MakeDatabase) -> None:
    sessions = database("audit")
    changes = tuple(
        LinkChange(uuid.uuid4(), uuid.uuid4(), f"https://example.org/{n}", "pending", "up", "ok", "ok")
        for n in range(30)
    )
    hear(LinksChanged(uuid.uuid4(), WORKSPACE, datetime.now(UTC), changes), sessions=sessions)
    with sessions() as session:
        found, _ = search(session, WORKSPACE, 10, "", EventFilter(resource=str(changes[7].link_id)))
    assert [event.action for event in found] == ["link.state_changed"]
