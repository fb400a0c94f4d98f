"""A machine with nothing installed and no RabbitMQ to be had: the wheels' servers, and Valkey as the broker."""

from pathlib import Path

from tests.journeys.system import running
from tests.servers.behaviour import BehaviourServer


def test_the_main_job_is_done_over_valkey_and_the_banner_says_what_is_weaker(
    tmp_path: Path, behaviour: BehaviourServer
) -> None:
    settings = {"PRANALA_ALLOW_NETWORKS": "127.0.0.0/8", "PRANALA_HOST_INTERVAL_MS": "0"}
    with running(tmp_path, settings, given={"PRANALA_LOCAL_SKIP": "found,apt"}) as system:
        assert system.backing.warnings[0].startswith("NO RABBITMQ")
        job = system.submit([f"{behaviour.bases['plain']}/status/200?valkey={n}" for n in range(600)])
        assert system.finished(job)["verdicts"]["ok"] == 600
        assert len(system.get("/monitor/workers")["items"]) == 6
        assert {each["messages_ready"] for each in system.get("/monitor/queues")["items"]} == {0}
        assert system.all("/audit/events", action="job.finished")
