import socket
from datetime import UTC, datetime

from tasks.links.connectivity import FRESH_S, Address, Connectivity, reaches
from tasks.links.verdict import Reason
from tests.tasks.links.results import result

NOON = datetime(2030, 1, 1, 12, tzinfo=UTC)
HERE: Address = ("192.0.2.1", 443)
THERE: Address = ("192.0.2.2", 443)
FAILURES = [
    result(reason, NOON) for reason in (Reason.TIMEOUT_CONNECT, Reason.DNS_NXDOMAIN, Reason.HTTP_404, Reason.OK)
]


class Network:
    """Reaches what is `up`, and remembers what was asked for."""

    def __init__(self, *up: Address) -> None:
        self.up = set(up)
        self.asked: list[Address] = []
        self.now_s = 0.0

    def reach(self, address: Address) -> bool:
        self.asked.append(address)
        return address in self.up

    def clock(self) -> float:
        return self.now_s


def guard(network: Network, *probes: Address) -> Connectivity:
    return Connectivity(probes, network.reach, network.clock)


def reasons(found: Connectivity) -> list[Reason]:
    return [each.reason for each in found.believed(list(FAILURES))]


def test_while_nothing_can_be_reached_a_failure_without_an_answer_says_nothing() -> None:
    found = guard(Network(), HERE, THERE).believed(list(FAILURES))
    assert [each.reason for each in found] == [
        Reason.CHECKER_OFFLINE,
        Reason.CHECKER_OFFLINE,
        Reason.HTTP_404,
        Reason.OK,
    ]
    assert found[0].detail == "timeout_connect, while nothing could be reached"
    assert found[0].permanence is None


def test_one_probe_that_answers_is_enough() -> None:
    network = Network(THERE)
    assert reasons(guard(network, HERE, THERE)) == [each.reason for each in FAILURES]
    assert network.asked == [HERE, THERE]


def test_without_a_failure_nothing_is_asked_and_without_a_probe_every_failure_is_believed() -> None:
    network = Network()
    assert guard(network, HERE).believed([result(Reason.OK, NOON)])[0].reason is Reason.OK
    assert reasons(guard(network)) == [each.reason for each in FAILURES]
    assert network.asked == []


def test_an_answer_is_good_for_a_while_and_not_for_ever() -> None:
    network = Network()
    found = guard(network, HERE)
    reasons(found)
    reasons(found)
    assert network.asked == [HERE]
    network.now_s = FRESH_S
    network.up.add(HERE)
    assert reasons(found)[0] is Reason.TIMEOUT_CONNECT


def test_an_address_is_reached_by_connecting_to_it() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        assert reaches(("127.0.0.1", port))
    assert not reaches(("127.0.0.1", port))
