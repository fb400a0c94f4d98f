"""One running product for all journeys, with confirmation rules short enough to watch."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.journeys.system import System, running
from tests.servers.behaviour import BehaviourServer
from tests.servers.host import Host
from tests.servers.mail import Mailbox


@pytest.fixture(scope="session")
def mailbox() -> Iterator[Mailbox]:
    """A real SMTP server."""
    with Mailbox() as mailbox:
        yield mailbox


@pytest.fixture(scope="session")
def behaviour() -> Iterator[BehaviourServer]:
    """The server that behaves as badly as servers do."""
    with BehaviourServer() as server:
        yield server


@pytest.fixture(scope="session")
def system(tmp_path_factory: pytest.TempPathFactory, mailbox: Mailbox, behaviour: BehaviourServer) -> Iterator[System]:
    """The whole product, ready."""
    settings = {
        "PRANALA_ALLOW_NETWORKS": "127.0.0.0/8",
        "PRANALA_CA_FILE": behaviour.ca_file,
        "PRANALA_MIN_CONFIRM_S": "1",
        "PRANALA_CONFIRM_OFFSETS_S": "1,2,3",
        "PRANALA_TICK_S": "1",
        "PRANALA_SWEEP_LEASE_S": "8",
        "PRANALA_SWEEP_LEASE_MAX_S": "16",
        "PRANALA_HOST_CONCURRENCY": "64",
        "PRANALA_HOST_INTERVAL_MS": "0",
        # All behaviours live on one host, and one of them refuses.
        "PRANALA_BACKOFF_CAP_S": "0",
        "PRANALA_CONNECT_TIMEOUT_S": "2",
        "PRANALA_TOTAL_TIMEOUT_S": "5",
        # For the same reason, whatever breaks here would be one fault of one host.
        "PRANALA_GROUP_LEAST": "0",
        "PRANALA_DELIVERY_BACKOFF_S": "1,1,2,2",
        "PRANALA_SMTP_URL": f"smtp://127.0.0.1:{mailbox.port}",
        "PRANALA_SMTP_FROM": "pranala@example.org",
    }
    with running(tmp_path_factory.mktemp("system"), settings) as system:
        yield system


@pytest.fixture(scope="session")
def outside() -> Iterator[Host]:
    """What the nervous system takes for the internet: while it is down, we are offline."""
    with Host("127.0.0.9") as host:
        yield host


@pytest.fixture(scope="session")
def nervous(tmp_path_factory: pytest.TempPathFactory, outside: Host) -> Iterator[System]:
    """The whole product with two workers for parts and so little patience that every false alarm would be given."""
    settings = {
        "PRANALA_ALLOW_NETWORKS": "127.0.0.0/8",
        "PRANALA_CONFIRM_HARD": "2",
        "PRANALA_CONFIRM_TRANSIENT": "2",
        "PRANALA_MIN_CONFIRM_S": "1",
        "PRANALA_CONFIRM_OFFSETS_S": "1,2,3",
        "PRANALA_CONNECTIVITY_PROBES": outside.place,
        "PRANALA_GROUP_WAIT_S": "5",
        "PRANALA_TICK_S": "0.5",
        "PRANALA_LEASE_S": "20",
        "PRANALA_SWEEP_LEASE_S": "8",
        "PRANALA_SWEEP_LEASE_MAX_S": "16",
        "PRANALA_HOST_INTERVAL_MS": "0",
        "PRANALA_BACKOFF_CAP_S": "0",
        "PRANALA_CONNECT_TIMEOUT_S": "2",
        "PRANALA_TOTAL_TIMEOUT_S": "5",
        "PRANALA_RETRIES": "0",
    }
    with running(tmp_path_factory.mktemp("nervous"), settings) as system:
        yield system
