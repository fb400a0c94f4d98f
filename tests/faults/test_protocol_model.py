"""Whatever dies between any two steps, and whatever the broker does: what is accepted takes effect once."""

from __future__ import annotations

import uuid
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule, run_state_machine_as_test

from config.failpoints import POINTS
from tasks import wire
from tasks.audit.messages import AuditEvent
from tasks.intake.submissions import Caller
from tests.conftest import MakeDatabase
from tests.faults.model import SERVICES, World

WORKED = ("links.interactive", "links.interactive", "intake", "audit")
AT = datetime(2026, 11, 21, 12, tzinfo=UTC)


def points(*beginnings: str) -> st.SearchStrategy[str]:
    """Nobody dies, or whoever comes to one of these points."""
    return st.sampled_from(["", "", *(point for point in POINTS if point.startswith(beginnings))])


class Protocol(RuleBasedStateMachine):
    """The model: which jobs were accepted, with how many links; each is to be finished, and recorded once."""

    def __init__(self, world: World) -> None:
        super().__init__()
        self.world = world
        world.begin_anew()
        self.caller = Caller(uuid.uuid4(), "key:model")
        self.jobs: dict[uuid.UUID, int] = {}
        self.told: set[uuid.UUID] = set()

    @rule(links=st.integers(1, 5), point=points("front.written", "front.committed"))
    def submit(self, links: int, point: str) -> None:
        urls = [f"https://a.example/{uuid.uuid4().hex}" for _ in range(links)]
        if job := self.world.submit(self.caller, urls, point):
            self.jobs[job] = links

    @rule(point=points("front.written", "front.committed"))
    def tell_audit(self, point: str) -> None:
        event = AuditEvent(wire.new_id(), self.caller.workspace_id, AT, "model", "key:model", "model.event")
        if job := self.world.tell_audit(self.caller, event, point):
            self.jobs[job] = 0
            self.told.add(event.event_id)

    @rule(
        service=st.sampled_from(SERVICES),
        point=points("relay."),
        answers=st.sampled_from(["confirms", "confirms", "dies unheard", "dies amid", "dies mute"]),
    )
    def relay(self, service: str, point: str, answers: str) -> None:
        self.world.relay(service, point, answers)

    @rule(queue=st.sampled_from(WORKED), place=st.integers(0, 30), point=points("links.check.", "intake.f", "audit."))
    def work(self, queue: str, place: int, point: str) -> None:
        self.world.work(queue, place, point)

    @rule(queue=st.sampled_from(WORKED), place=st.integers(0, 30))
    def deliver_twice(self, queue: str, place: int) -> None:
        self.world.broker.duplicate(queue, place)

    @rule()
    def wipe(self) -> None:
        self.world.broker.wipe()

    @rule(point=points("intake.sweep."))
    def sweep(self, point: str) -> None:
        self.world.sweep(point)

    def teardown(self) -> None:
        self.world.come_to_rest()
        self._every_job_is_finished()
        self._every_link_is_recorded_once()
        self._audit_has_everything_once()

    def _every_job_is_finished(self) -> None:
        query = "SELECT id FROM submissions WHERE workspace_id = :workspace AND finished_at IS NOT NULL"
        finished = {row.id for row in self.world.rows("intake", query, workspace=self.caller.workspace_id)}
        assert finished == set(self.jobs)

    def _every_link_is_recorded_once(self) -> None:
        wanted = {job: links for job, links in self.jobs.items() if links}
        query = """
            SELECT job_id, count(*) AS rows, count(DISTINCT link_id) AS links FROM checks
            WHERE workspace_id = :workspace GROUP BY job_id
        """
        found = self.world.rows("links", query, workspace=self.caller.workspace_id)
        assert {row.job_id: row.links for row in found} == wanted
        assert {row.job_id: row.rows for row in found} == wanted
        query = "SELECT id, total, done, finished_at FROM jobs WHERE workspace_id = :workspace"
        counted = self.world.rows("links", query, workspace=self.caller.workspace_id)
        assert {row.id: row.total for row in counted} == wanted
        assert {row.id: row.done for row in counted} == wanted
        assert all(row.finished_at for row in counted)

    def _audit_has_everything_once(self) -> None:
        query = "SELECT event_id, action, resource_id FROM events WHERE workspace_id = :workspace"
        rows = self.world.rows("audit", query, workspace=self.caller.workspace_id)
        submitted = Counter(row.resource_id for row in rows if row.action in ("links.submit", "audit.submit"))
        assert submitted == {str(job): 1 for job in self.jobs}
        assert {row.event_id for row in rows if row.action == "model.event"} == self.told


def test_what_is_accepted_takes_effect_once(database: MakeDatabase, tmp_path: Path) -> None:
    world = World({service: database(service) for service in SERVICES}, tmp_path)
    try:
        run_state_machine_as_test(
            lambda: Protocol(world),
            settings=settings(
                max_examples=20,
                stateful_step_count=30,
                deadline=None,
                # Ids and times are new in each example: one that failed is told as it was.
                phases=[Phase.generate],
                report_multiple_bugs=False,
                suppress_health_check=list(HealthCheck),
            ),
        )
    finally:
        world.close()
