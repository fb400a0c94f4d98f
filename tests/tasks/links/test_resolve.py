"""Names that resolve, that do not, and that take their time."""

import queue
import socket
import threading
from collections.abc import Sequence

import pytest

from tasks.links.resolve import Answer, Lookup, Resolver, system_lookup
from tasks.links.verdict import Reason


def ask(lookup: Lookup, host: str = "name.example") -> Answer:
    answers: queue.Queue[Answer] = queue.Queue()
    resolver = Resolver(lookup, answers.put)
    resolver.ask(host)
    answer = answers.get(timeout=5)
    resolver.close()
    return answer


def failing(error: Exception) -> Lookup:
    def lookup(host: str) -> Sequence[str]:
        raise error

    return lookup


def test_addresses_come_in_the_order_of_the_system() -> None:
    answer = ask(lambda host: ["2001:db8::1", "192.0.2.1"])
    assert answer.addresses == ("2001:db8::1", "192.0.2.1")
    assert answer.places == "[2001:db8::1],192.0.2.1"


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (socket.gaierror(socket.EAI_NONAME, "Name or service not known"), Reason.DNS_NXDOMAIN),
        (socket.gaierror(socket.EAI_NODATA, "No address"), Reason.DNS_NXDOMAIN),
        (socket.gaierror(socket.EAI_AGAIN, "Temporary failure"), Reason.DNS_SERVFAIL),
        (socket.gaierror(socket.EAI_FAIL, "Failure"), Reason.DNS_SERVFAIL),
        (UnicodeError("label too long"), Reason.DNS_NXDOMAIN),
        (OSError(24, "Too many open files"), Reason.CHECKER_ERROR),
        (RuntimeError("unforeseen"), Reason.CHECKER_ERROR),
    ],
)
def test_a_failed_lookup_has_its_reason(error: Exception, reason: Reason) -> None:
    assert ask(failing(error)).hindrance is reason


def test_a_label_that_is_too_long_is_no_possible_name() -> None:
    assert ask(system_lookup, "a" * 64 + ".example").hindrance is Reason.DNS_NXDOMAIN


def test_the_system_knows_localhost() -> None:
    assert "127.0.0.1" in system_lookup("localhost") or "::1" in system_lookup("localhost")


def test_found_and_missing_names_are_remembered_and_passing_failures_are_not() -> None:
    answers: queue.Queue[Answer] = queue.Queue()
    errors: dict[str, Exception | None] = {
        "found.example": None,
        "missing.example": socket.gaierror(socket.EAI_NONAME, "no"),
        "passing.example": socket.gaierror(socket.EAI_AGAIN, "later"),
    }

    def lookup(host: str) -> Sequence[str]:
        if error := errors[host]:
            raise error
        return ["192.0.2.1"]

    resolver = Resolver(lookup, answers.put)
    for host in errors:
        resolver.ask(host)
    for _ in errors:
        answers.get(timeout=5)
    assert [host for host in errors if resolver.find(host)] == ["found.example", "missing.example"]
    resolver.close()


def test_names_below_invalid_are_never_asked_for() -> None:
    resolver = Resolver(failing(AssertionError("asked")), lambda answer: None)
    for host in ("invalid", "a.invalid", "a.b.invalid"):
        answer = resolver.find(host)
        assert answer is not None
        assert answer.hindrance is Reason.DNS_NXDOMAIN


def test_a_name_that_takes_long_holds_up_no_other() -> None:
    answers: queue.Queue[Answer] = queue.Queue()
    release = threading.Event()

    def lookup(host: str) -> Sequence[str]:
        if host == "slow.example":
            release.wait(5)
        return ["192.0.2.1"]

    resolver = Resolver(lookup, answers.put)
    resolver.ask("slow.example")
    resolver.ask("fast.example")
    assert answers.get(timeout=5).host == "fast.example"
    assert resolver.waiting_since("slow.example") is not None
    release.set()
    assert answers.get(timeout=5).host == "slow.example"
    resolver.close()
