"""How far a job has come and what came of it, asked of those who know; needs no request, so that a stream may ask."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from contracts import links_pb2 as pb
from tasks.database import Sessions
from tasks.intake import queries
from web import proto, rpc
from web.problems import not_found
from web.schemas.words import VERDICTS

PAGE = 500


@dataclass(frozen=True)
class Progress:
    """The jobs of one workspace."""

    intake: Sessions
    links: rpc.Service
    workspace_id: uuid.UUID

    def job(self, identity: uuid.UUID) -> queries.Job:
        """The job as intake knows it, or a `Problem`."""
        with self.intake() as session:
            job = queries.get_job(session, self.workspace_id, identity)
        if job is None:
            raise not_found("job")
        return job

    def document(self, identity: uuid.UUID) -> dict[str, Any]:
        """The job as clients see it."""
        job = self.job(identity)
        progress = self._of_links(job) if job.kind == "links" else _of_intake(job)
        if job.cancelled_at and progress["state"] != "finished":
            progress |= {"state": "cancelled", "finished_at": job.cancelled_at}
        return {"id": job.id, "kind": job.kind, **progress, "created_at": job.created_at}

    def results(self, job: queries.Job, verdict: str) -> Iterator[dict[str, Any]]:
        """Every result, page after page."""
        after = ""
        while job.kind == "links":
            wanted = pb.ListResultsRequest(
                workspace_id=str(self.workspace_id), job_id=str(job.id), limit=PAGE, after=after, verdict=verdict
            )
            try:
                page = self.links.call("ListResults", wanted)
            except rpc.Missing:
                return
            yield from map(proto.to_json, page.items)
            after = page.next
            if not after:
                return

    def _of_links(self, job: queries.Job) -> dict[str, Any]:
        wanted = pb.GetJobRequest(workspace_id=str(self.workspace_id), id=str(job.id))
        try:
            found = proto.to_json(self.links.call("GetJob", wanted))
        except rpc.Missing:
            return _queued(job) | {"verdicts": dict.fromkeys(VERDICTS, 0)}
        found["verdicts"] = dict.fromkeys(VERDICTS, 0) | found["verdicts"]
        return {name: value for name, value in found.items() if name != "id"}


def _of_intake(job: queries.Job) -> dict[str, Any]:
    if job.finished_at is None:
        return _queued(job)
    return {
        "state": "finished",
        "total": job.total,
        "done": job.total,
        "verdicts": {},
        "started_at": job.created_at,
        "finished_at": job.finished_at,
        "source": None,
    }


def _queued(job: queries.Job) -> dict[str, Any]:
    return {
        "state": "queued",
        "total": job.total,
        "done": 0,
        "verdicts": {},
        "started_at": None,
        "finished_at": None,
        "source": None,
    }
