from datetime import UTC, datetime, timedelta

import pytest

from tasks.links.grouping import Break, GroupRules, belong, cause, company, has_grown, is_ripe

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
RULES = GroupRules()


def broke(minutes: float, reason: str = "http_404", name: str = "") -> Break[str]:
    return Break(name or f"{reason}@{minutes:g}", NOON + timedelta(minutes=minutes), reason)


@pytest.mark.parametrize(
    ("one", "other", "together"),
    [
        (broke(0), broke(15), True),
        (broke(15), broke(0, "http_5xx"), True),
        (broke(0), broke(15.1), False),
        # Two pages that are gone are two faults; a host that refuses connections does so for all of its pages.
        (broke(0, "http_404"), broke(600, "http_404"), False),
        (broke(0, "http_5xx"), broke(600, "http_5xx"), False),
        (broke(0, "connection_refused"), broke(600, "connection_refused"), True),
        (broke(0, "dns_nxdomain"), broke(600, "dns_nxdomain"), True),
        (broke(0, "tls_expired"), broke(600, "tls_expired"), True),
        (broke(0, "connection_refused"), broke(600, "timeout_connect"), False),
    ],
)
def test_what_is_one_fault(one: Break[str], other: Break[str], together: bool) -> None:
    assert belong(one, other, RULES) is together
    assert belong(other, one, RULES) is together


@pytest.mark.parametrize(
    ("minutes", "least", "members"),
    [
        ((0,), 3, 0),
        ((0, 5), 3, 0),
        ((0, 5, 10), 3, 3),
        ((0, 5, 10, 40), 3, 3),
        ((0, 20, 40), 3, 0),
        ((0, 5), 2, 2),
        ((0, 5, 10), 0, 0),
    ],
)
def test_how_many_make_a_group(minutes: tuple[float, ...], least: int, members: int) -> None:
    breaks = [broke(each) for each in minutes]
    assert len(company(breaks[0], breaks, GroupRules(least=least))) == members


def test_the_cause_is_the_most_frequent_one_whoever_came_first() -> None:
    assert cause({"timeout_connect": 2, "connection_refused": 5}) == "connection_refused"
    assert cause({"http_5xx": 2, "http_404": 2}) == cause({"http_404": 2, "http_5xx": 2}) == "http_404"


@pytest.mark.parametrize(
    ("waited_s", "in_doubt", "ripe"), [(0, False, True), (0, True, False), (119, True, False), (120, True, True)]
)
def test_a_group_is_told_when_no_more_of_its_host_is_in_doubt_or_it_takes_too_long(
    waited_s: float, in_doubt: bool, ripe: bool
) -> None:
    assert is_ripe(NOON, NOON + timedelta(seconds=waited_s), in_doubt, RULES) is ripe


@pytest.mark.parametrize(("links", "told", "grown"), [(14, 3, False), (15, 3, True), (74, 15, False), (75, 15, True)])
def test_people_hear_again_of_what_is_many_times_larger(links: int, told: int, grown: bool) -> None:
    assert has_grown(links, told) is grown
