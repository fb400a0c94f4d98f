"""What is told of many links at once, and what of each."""

import uuid
from collections.abc import Sequence
from datetime import UTC, datetime

import msgspec
import pytest

from tasks.links import announcing, record
from tasks.links.messages import CheckLinks, LinksChanged, LinkSpec
from tasks.links.record import Outcome
from tasks.links.settling import Checked
from tasks.links.state import ConfirmRules
from tasks.links.verdict import Reason
from tests.tasks.links.results import result

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
PART = CheckLinks(uuid.uuid4(), uuid.uuid4(), NOON, ())
TRACE = f"00-{'a' * 32}-{'b' * 16}-01"


def first_check(reason: Reason, traceparent: str = TRACE) -> Outcome:
    identity = uuid.uuid4()
    url = f"https://a.example/{identity}"
    row = record.new_link(PART.workspace_id, identity, LinkSpec(url), NOON, 3600, traceparent)
    return record.apply(row, result(reason, NOON, url), NOON, ConfirmRules())


def checked(outcomes: Sequence[Outcome]) -> dict[str, Checked]:
    urls = [outcome.row["url"] for outcome in outcomes]
    return {url: Checked(LinkSpec(url), result(Reason.OK, NOON, url), PART, TRACE) for url in urls}


def told(outcomes: Sequence[Outcome]) -> LinksChanged:
    [draft] = announcing.drafts(checked(outcomes), outcomes)
    return msgspec.json.decode(draft.body, type=LinksChanged)


def test_new_links_that_work_are_told_together_by_their_ids() -> None:
    outcomes = [first_check(Reason.OK) for _ in range(10)]
    message = told(outcomes)
    [born] = message.born
    assert born.link_ids == tuple(outcome.row["id"] for outcome in outcomes)
    assert (born.after, born.verdict, born.reason, born.trace_id) == ("up", "ok", "ok", "a" * 32)
    assert message.changes == ()


@pytest.mark.parametrize(
    "outcomes",
    [
        [first_check(Reason.OK) for _ in range(9)],
        [first_check(Reason.HTTP_404) for _ in range(10)],
        [first_check(Reason.OK, TRACE.replace("a", str(n))) for n in range(10)],
        [first_check((Reason.OK, Reason.REDIRECTED_TEMPORARY)[n % 2]) for n in range(12)],
    ],
    ids=["too few", "they fail", "of other traces", "of two kinds, too few each"],
)
def test_all_others_are_told_one_by_one(outcomes: list[Outcome]) -> None:
    message = told(outcomes)
    assert message.born == ()
    assert {change.link_id for change in message.changes} == {outcome.row["id"] for outcome in outcomes}


def test_of_links_that_stay_as_they_were_there_is_nothing_to_tell() -> None:
    row = first_check(Reason.OK).row | {"paused": False, "ignored": False, "muted_until": None, "flapping": False}
    later = datetime(2026, 11, 21, 13, tzinfo=UTC)
    again = record.apply(row, result(Reason.OK, later), later, ConfirmRules())
    assert announcing.drafts(checked([again]), [again]) == []
