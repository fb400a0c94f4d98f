"""Which incidents of one host belong together, and when people are told of all of them at once.

A host that goes down takes its links with it, and nobody wants to be told of each. Links that break within a span of
each other belong together; so do those, however far apart their checks are, that fail for a cause which is the whole
host's and not the page's.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Generic, TypeVar

from tasks.links.verdict import Reason

# Causes that lie before any page: whoever finds two of them on one host has found one fault.
HOST_WIDE = frozenset(
    {
        Reason.DNS_NXDOMAIN,
        Reason.DNS_TIMEOUT,
        Reason.DNS_SERVFAIL,
        Reason.TLS_EXPIRED,
        Reason.TLS_HOSTNAME_MISMATCH,
        Reason.TLS_UNTRUSTED,
        Reason.TLS_HANDSHAKE,
        Reason.TIMEOUT_CONNECT,
        Reason.TIMEOUT_TLS,
        Reason.CONNECTION_REFUSED,
        Reason.NETWORK_UNREACHABLE,
    }
)
# Who was told of 3 links hears again at 15, at 75, …: a fault that is another size is news.
GROWN = 5

Id = TypeVar("Id")


@dataclass(frozen=True, slots=True)
class GroupRules:
    """From `least` links on there is a group; 0 never makes one. Whoever is to be told of one link waits up to
    `wait_s` while others of its host are in doubt, and a group as long before it is told."""

    least: int = 3
    span_s: float = 900.0
    wait_s: float = 120.0


@dataclass(frozen=True, slots=True)
class Break(Generic[Id]):
    """An incident, or the latest one of a group: when there was no doubt any more, and why."""

    id: Id
    at: datetime
    reason: str


def belong(one: Break[Id], other: Break[Id], rules: GroupRules) -> bool:
    """Are these two, of one host, the same fault?"""
    if abs(one.at - other.at) <= timedelta(seconds=rules.span_s):
        return True
    return one.reason == other.reason and one.reason in HOST_WIDE


def company(of: Break[Id], others: Iterable[Break[Id]], rules: GroupRules) -> list[Break[Id]]:
    """All that belong to this one, itself among them where it is one of `others`; none where they are too few."""
    found = [each for each in others if belong(of, each, rules)]
    return found if rules.least and len(found) >= rules.least else []


def cause(reasons: Mapping[str, int]) -> str:
    """The most frequent reason; of equals the first by name, so that it does not depend on who came first."""
    return min(reasons, key=lambda reason: (-reasons[reason], reason))


def count(breaks: Iterable[Break[Id]]) -> Mapping[str, int]:
    """How often each reason occurs."""
    return Counter(each.reason for each in breaks)


def is_ripe(formed_at: datetime, now: datetime, in_doubt: bool, rules: GroupRules) -> bool:
    """May it be told now, or is more to come that would be told with it?"""
    return not in_doubt or now - formed_at >= timedelta(seconds=rules.wait_s)


def has_grown(links: int, told: int) -> bool:
    """Is it so much larger than what people were told that they are to hear again?"""
    return links >= GROWN * told
