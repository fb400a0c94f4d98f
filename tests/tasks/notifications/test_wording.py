import json
import uuid
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tasks.links.messages import (
    ChecksFrozen,
    HostBroke,
    HostRecovered,
    LinkBroke,
    LinkFlapping,
    LinkRecovered,
    LinkUnverifiable,
)
from tasks.links.verdict import JUDGEMENTS, Verdict
from tasks.notifications.messages import RetryDeliveries, SendNotification
from tasks.notifications.reasons import REASONS, explain
from tasks.notifications.wording import LARGEST_PAYLOAD, encode, notice

AT = datetime(2026, 11, 21, 23, 5, tzinfo=UTC)
WORKSPACE = uuid.uuid4()
BROKE = LinkBroke(
    event_id=uuid.uuid4(),
    workspace_id=uuid.uuid4(),
    link_id=uuid.uuid4(),
    incident_id=uuid.uuid4(),
    url="https://example.com/page",
    reason="http_404",
    started_at=AT,
    broke_at=AT + timedelta(minutes=6),
    status_code=404,
    tags=("docs", "eu"),
)
RECOVERED = LinkRecovered(
    event_id=uuid.uuid4(),
    workspace_id=BROKE.workspace_id,
    link_id=BROKE.link_id,
    incident_id=BROKE.incident_id,
    url=BROKE.url,
    reason="ok",
    started_at=AT,
    recovered_at=AT + timedelta(hours=2, minutes=5, seconds=9),
    duration_s=7509.0,
)


def payload(message: LinkBroke | LinkRecovered | SendNotification) -> Any:
    return json.loads(notice(message).payload)


def test_a_broken_link_is_told_with_what_since_when_why_and_what_to_do() -> None:
    said = notice(BROKE)
    assert said.title == "Broken link: https://example.com/page"
    for words in (
        "https://example.com/page\nhas been broken since 21 November 2026, 23:05 UTC.",
        "Why: The server says that there is no such page (HTTP 404 Not Found).",
        "What to do: Correct the address",
        "Tags: docs, eu",
        str(BROKE.link_id),
    ):
        assert words in said.body
    assert (said.subject, said.link_id) == ("link.broken", BROKE.link_id)


def test_links_of_a_host_that_broke_together_are_told_with_how_many_and_which() -> None:
    group, urls = uuid.uuid4(), tuple(f"https://example.com/{number}" for number in range(10))
    reasons = {"connection_refused": 36, "timeout_connect": 1}
    broke = HostBroke(uuid.uuid4(), WORKSPACE, group, "example.com", "connection_refused", reasons, 37, AT, AT, urls)
    said = notice(broke)
    assert (said.subject, said.title, said.link_id) == (
        "host.broken",
        "37 links of example.com broke: connection_refused",
        None,
    )
    for words in (
        "37 links of example.com broke together since 21 November 2026, 23:05 UTC.",
        explain("connection_refused", None).why,
        "Causes: connection_refused (36), timeout_connect (1)",
        "https://example.com/9\nand 27 more",
        str(group),
    ):
        assert words in said.body
    assert "You heard before" not in said.body
    assert json.loads(said.payload)["data"]["links"] == 37
    assert "You heard before of 7; there are many more by now." in notice(replace(broke, told_before=7)).body
    few = notice(replace(broke, links=10, reasons={"connection_refused": 10}))
    assert "Causes:" not in few.body
    assert "more" not in few.body


def test_a_host_whose_links_all_recovered_is_told_with_how_long_it_took() -> None:
    said = notice(HostRecovered(uuid.uuid4(), WORKSPACE, uuid.uuid4(), "e.org", "http_5xx", 1_037, AT, AT, 7509.0))
    assert (said.subject, said.title) == ("host.recovered", "1,037 links of e.org work again")
    assert "It took 2 hours 5 minutes" in said.body


def test_an_unsteady_link_is_told_with_what_becomes_of_its_messages() -> None:
    said = notice(LinkFlapping(uuid.uuid4(), uuid.uuid4(), BROKE.link_id, BROKE.url, "http_404", 5, AT, ("docs",)))
    assert (said.subject, said.title, said.link_id) == ("link.flapping", f"Unsteady link: {BROKE.url}", BROKE.link_id)
    for words in ("went 5 times", "You are not told of each any more", "Tags: docs"):
        assert words in said.body


def test_a_link_that_cannot_be_verified_is_told_with_since_when_and_why() -> None:
    said = notice(LinkUnverifiable(uuid.uuid4(), uuid.uuid4(), BROKE.link_id, BROKE.url, "forbidden", AT, AT))
    assert (said.subject, said.link_id) == ("link.unverifiable", BROKE.link_id)
    for words in ("could not be verified since 21 November 2026, 23:05 UTC", explain("forbidden", None).why):
        assert words in said.body


def test_a_storm_of_failures_is_told_as_a_fault_of_ours() -> None:
    said = notice(ChecksFrozen(uuid.uuid4(), uuid.uuid4(), AT, 90, 100, 40))
    assert (said.subject, said.link_id) == ("checks.frozen", None)
    assert "90 of 100 links that worked, on 40 hosts, failed at once." in said.body
    assert json.loads(said.payload)["data"]["failed"] == 90


def test_a_recovered_link_is_told_with_how_long_it_was_broken() -> None:
    said = notice(RECOVERED)
    assert said.title == "Link works again: https://example.com/page"
    assert "works again since 22 November 2026, 01:10 UTC." in said.body
    assert "It was broken for 2 hours 5 minutes, from 21 November 2026, 23:05 UTC." in said.body


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0.2, "less than a second"),
        (1, "1 second"),
        (61, "1 minute 1 second"),
        (3600, "1 hour"),
        (90_000, "1 day 1 hour"),
    ],
)
def test_a_duration_is_told_in_its_two_largest_units(seconds: float, words: str) -> None:
    assert f"broken for {words}," in notice(replace(RECOVERED, duration_s=seconds)).body


def test_the_payload_is_type_timestamp_and_data() -> None:
    told = payload(BROKE)
    assert set(told) == {"type", "timestamp", "data"}
    assert (told["type"], told["timestamp"]) == ("link.broken", "2026-11-21T23:11:00Z")
    assert told["data"]["title"] == "Broken link: https://example.com/page"
    assert (told["data"]["link_id"], told["data"]["status_code"]) == (str(BROKE.link_id), 404)
    assert "workspace_id" not in told["data"]


def test_a_notification_of_ones_own_says_what_its_sender_wrote() -> None:
    message = SendNotification(uuid.uuid4(), uuid.uuid4(), "Deploy\r\nBcc: all@example.com", "Done.\0")
    assert notice(message).title == "Deploy Bcc: all@example.com"
    assert notice(message).body == "Done.\N{REPLACEMENT CHARACTER}"
    assert payload(message)["data"] == {"title": "Deploy\r\nBcc: all@example.com", "body": "Done.\0"}


@pytest.mark.parametrize(
    "data",
    [
        {"title": "t", "body": "x" * 100_000},
        {"title": "\0" * 9_000, "body": "é" * 50_000},
        {"title": "t", "tags": ["tag"] * 20_000},
        {"title": "t", "body": '"' * 19_000, "url": "u" * 8_000},
    ],
)
def test_a_payload_stays_small_and_whole(data: dict[str, Any]) -> None:
    text = encode("notification", AT, data)
    assert len(text.encode()) < LARGEST_PAYLOAD
    assert set(json.loads(text)["data"]) == set(data)
    assert json.loads(text)["data"]["title"]


def test_a_very_long_url_makes_a_title_that_is_not() -> None:
    title = notice(replace(BROKE, url="https://example.com/" + "a" * 8_000)).title
    assert len(title) == 300
    assert title.endswith("…")


def test_every_reason_for_which_a_link_breaks_is_explained() -> None:
    assert set(REASONS) == {str(each.reason) for each in JUDGEMENTS.values() if each.verdict is Verdict.BROKEN}


def test_a_reason_that_is_not_known_yet_is_told_by_its_name() -> None:
    assert explain("certificate_revoked", None).why == "The check ended with certificate revoked."
    assert explain("http_4xx", 499).why.endswith("(HTTP 499).")


def test_nobody_is_told_of_a_tick() -> None:
    with pytest.raises(TypeError, match="RetryDeliveries"):
        notice(RetryDeliveries())


def test_a_copy_that_is_known_is_told() -> None:
    copy = "https://web.archive.org/web/20261101000000/https://example.com/page"
    told = notice(replace(BROKE, archived_url=copy))
    assert f"A copy of it: {copy}" in told.body
    assert json.loads(told.payload)["data"]["archived_url"] == copy
    assert "A copy" not in notice(BROKE).body
