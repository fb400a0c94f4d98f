"""A machine with nothing installed and no RabbitMQ to be had: the wheels' servers, and Valkey as the broker."""

import os
from pathlib import Path

from cli.local.backing import start_backing
from cli.local.product import Product, read_or_make_key
from tests.journeys.conftest import free_port
from tests.journeys.system import System
from tests.servers.behaviour import BehaviourServer


def test_the_main_job_is_done_over_valkey_and_the_banner_says_what_is_weaker(
    tmp_path: Path, behaviour: BehaviourServer
) -> None:
    settings = {
        "PATH": os.environ["PATH"],
        "PRANALA_PORT": str(free_port()),
        "PRANALA_ALLOW_NETWORKS": "127.0.0.0/8",
        "PRANALA_HOST_INTERVAL_MS": "0",
    }
    with start_backing(tmp_path, durable=False, env={"PRANALA_LOCAL_SKIP": "found,apt"}) as backing:
        assert backing.warnings[0].startswith("NO RABBITMQ")
        product = Product(backing, settings)
        product.migrate()
        key, _ = read_or_make_key(product)
        product.launch()
        try:
            product.wait_ready()
            system = System(product, backing, key)
            job = system.submit([f"{behaviour.bases['plain']}/status/200?valkey={n}" for n in range(600)])
            assert system.finished(job)["verdicts"]["ok"] == 600
            assert len(system.get("/monitor/workers")["items"]) == 6
            assert {each["messages_ready"] for each in system.get("/monitor/queues")["items"]} == {0}
            assert system.all("/audit/events", action="job.finished")
        finally:
            product.stop()
