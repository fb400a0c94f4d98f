"""How far jobs have come: parts that are done are counted, and the last one finishes its job."""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from tasks import outbox, wire
from tasks.links import inbox
from tasks.links.messages import CheckLinks, JobFinished
from tasks.links.result import Result
from tasks.rows import as_json
from tasks.service import Told

# Ordered, so that two who count for the same jobs never wait for each other in a circle. The row's lock makes exactly
# one part the last.
COUNT = text("""
    INSERT INTO jobs AS job (id, workspace_id, total, done, verdicts, started_at, finished_at)
    SELECT id, workspace_id, total, done, verdicts, started_at,
           CASE WHEN done >= total THEN greatest(clock_timestamp(), started_at) END
    FROM json_to_recordset(CAST(:jobs AS json)) AS part(
        id uuid, workspace_id uuid, total int, done int, verdicts jsonb, started_at timestamptz)
    ORDER BY id
    ON CONFLICT (id) DO UPDATE SET
        done = job.done + excluded.done,
        verdicts = (
            SELECT coalesce(jsonb_object_agg(name, total), '{}') FROM (
                SELECT key AS name, sum(value::int) AS total
                FROM (SELECT * FROM jsonb_each_text(job.verdicts)
                      UNION ALL SELECT * FROM jsonb_each_text(excluded.verdicts)) AS each
                GROUP BY key) AS sums),
        finished_at = CASE WHEN job.done + excluded.done >= job.total
            THEN greatest(clock_timestamp(), job.started_at) END
    RETURNING id, workspace_id, total, verdicts, finished_at
""")


@dataclass(frozen=True)
class Counted:
    """A part of a job, and the results that count for it."""

    part: CheckLinks
    results: Sequence[Result]
    traceparent: str


def count(session: Session, parts: Sequence[Counted]) -> list[outbox.Draft]:
    """Count parts that are done; returns what there is to tell of that. Those of no job count for nothing."""
    of_jobs = [each for each in parts if each.part.job_id]
    if not of_jobs:
        return []
    traces = {each.part.job_id: each.traceparent for each in of_jobs}
    finished = [row for row in session.execute(COUNT, {"jobs": as_json(_jobs(of_jobs))}) if row.finished_at]
    return [inbox.checked(Told(each.part, each.traceparent)) for each in of_jobs] + [
        outbox.event(_finished(row), traces[row.id]) for row in finished
    ]


def _jobs(parts: Sequence[Counted]) -> list[Mapping[str, Any]]:
    jobs: dict[uuid.UUID | None, list[Counted]] = {}
    for each in parts:
        jobs.setdefault(each.part.job_id, []).append(each)
    return [_job(mine) for mine in jobs.values()]


def _job(parts: Sequence[Counted]) -> Mapping[str, Any]:
    part = parts[0].part
    return {
        "id": part.job_id,
        "workspace_id": part.workspace_id,
        "total": part.job_total,
        "done": sum(len(each.part.links) for each in parts),
        "verdicts": Counter(str(result.verdict) for each in parts for result in each.results),
        "started_at": min(each.part.scheduled_at for each in parts),
    }


def _finished(job: Any) -> JobFinished:
    return JobFinished(wire.new_id(), job.workspace_id, job.id, job.total, job.verdicts, job.finished_at)
