"""What is accepted is done, whatever dies meanwhile."""

import time

import psycopg
import pytest

from config.settings import SERVICES
from tests.journeys.system import System, fresh, wait_for
from tests.servers.behaviour import BehaviourServer


def urls(behaviour: BehaviourServer, count: int, path: str = "/status/200") -> list[str]:
    run = fresh()
    return [f"{behaviour.bases['plain']}{path}{run}&n={number}" for number in range(count)]


def every_link_once(system: System, job_id: str, wanted: list[str], within_s: float) -> None:
    job = system.finished(job_id, within_s)
    found = [each["url"] for each in system.all(f"/jobs/{job_id}/results")]
    assert sorted(found) == sorted(wanted)
    assert job["done"] == job["total"] == len(wanted)


def test_a_killed_links_worker_loses_and_doubles_nothing(system: System, behaviour: BehaviourServer) -> None:
    wanted = urls(behaviour, 4_000) + urls(behaviour, 40, "/slow-headers")
    job_id = system.submit(wanted)
    wait_for(lambda: system.get(f"/jobs/{job_id}")["done"] > 0 or None, 20, "the job to begin")
    system.product.kill("links")
    system.product.kill("links-3")
    every_link_once(system, job_id, wanted, within_s=120)


def test_a_broker_that_lost_its_disk_delays_work_and_loses_none(system: System, behaviour: BehaviourServer) -> None:
    wanted = urls(behaviour, 500)
    # With nobody to take them, the messages are in the broker when it dies.
    system.product.stop("links-2")
    accepted = [system.post("/links", {"url": url}) for url in wanted]
    wait_for(lambda: unsent(system) == 0 or None, 30, "the messages to reach the broker")
    assert waiting(system, "links.interactive") > 0
    system.backing.rabbitmq.kill()
    system.backing.rabbitmq.wipe()
    while_away = system.post("/links", {"url": urls(behaviour, 1)[0]})
    system.backing.rabbitmq.start()
    system.product.start("links-2")
    for each in [*accepted, while_away]:
        system.finished(each["job_id"], within_s=120)
        assert len(system.all(f"/jobs/{each['job_id']}/results")) == 1


def unsent(system: System) -> int:
    """How many messages of intake the broker does not have yet."""
    with psycopg.connect(system.backing.database_urls["intake"].replace("+psycopg", "")) as connection:
        found = connection.execute("SELECT count(*) FROM outbox").fetchone()
    assert found
    return int(found[0])


def waiting(system: System, queue: str) -> int:
    """How many messages wait in a queue."""
    [found] = [each for each in system.get("/monitor/queues")["items"] if each["name"] == queue]
    return int(found["messages_ready"])


def test_a_links_database_that_is_away_delays_work_and_loses_none(system: System, behaviour: BehaviourServer) -> None:
    wanted = urls(behaviour, 300)
    with system.database_closed("links"):
        began = time.monotonic()
        job_id = system.submit(wanted)
        query = system.call("GET", "/links")
        assert query.status_code == 503
        assert query.headers["Retry-After"]
        assert query.headers["Content-Type"] == "application/problem+json"
        time.sleep(max(0.0, 20 - (time.monotonic() - began)))
    every_link_once(system, job_id, wanted, within_s=60)


def test_without_the_intake_database_nothing_is_accepted_and_the_client_is_told_when_to_come_back(
    system: System, behaviour: BehaviourServer
) -> None:
    with system.database_closed("intake"):
        refused = system.call("POST", "/links", json={"url": f"{behaviour.bases['plain']}/status/200"})
        assert refused.status_code == 503
        assert int(refused.headers["Retry-After"]) > 0
        assert refused.headers["Content-Type"] == "application/problem+json"
    wait_for(
        lambda: (
            system.call("POST", "/links", json={"url": f"{behaviour.bases['plain']}/status/200"}).status_code == 202
            or None
        ),
        20,
        "submissions to be accepted again",
    )


def test_two_beats_at_once_do_no_harm(system: System, behaviour: BehaviourServer) -> None:
    """The tick is sent twice as often; each due check is still made once."""
    accepted = system.post("/links", {"url": f"{behaviour.bases['plain']}/status/200{fresh()}", "interval_s": 2})
    system.finished(accepted["job_id"])
    time.sleep(6)
    checks = system.all(f"/links/{accepted['id']}/checks")
    started = sorted(each["scheduled_at"] for each in checks)
    assert len(started) == len(set(started))
    assert 2 <= len(checks) <= 8


@pytest.mark.parametrize("service", SERVICES)
def test_a_services_role_is_refused_by_the_others_databases(system: System, service: str) -> None:
    own = system.backing.database_urls[service].replace("+psycopg", "")
    with psycopg.connect(own) as connection:
        assert connection.execute("SELECT current_database()").fetchone() == (f"pranala_{service}",)
    for other in set(SERVICES) - {service}:
        with pytest.raises(psycopg.OperationalError, match="permission denied"):
            psycopg.connect(own, dbname=f"pranala_{other}")


def test_the_monitor_shows_every_worker_and_every_queue(system: System) -> None:
    wait_for(lambda: len(system.get("/monitor/workers")["items"]) >= 6 or None, 30, "six workers")
    workers = {each["name"].split("@")[0]: each for each in system.get("/monitor/workers")["items"]}
    assert set(workers) == {"intake", "links", "links-2", "links-3", "notifications", "audit"}
    assert workers["links-2"]["queues"] == ["links.interactive"]
    queues = {each["name"]: each for each in system.get("/monitor/queues")["items"]}
    assert queues["links.bulk"]["consumers"] == 2
    assert queues["links.bulk"]["dead_letters"] == 0
