"""Jobs: how far accepted work has come, and what came of it."""

from __future__ import annotations

import uuid
from typing import Any

from flask import Response

from contracts import links_pb2 as pb
from tasks.intake import queries
from web import answers, paging, proto, rpc
from web.access import caller
from web.blueprint import Blueprint
from web.front import front
from web.problems import not_found
from web.schemas.links import VERDICTS, CheckPageSchema, JobSchema, ResultFilterSchema

blueprint = Blueprint("jobs", __name__, url_prefix="/api/v1/jobs", description="Accepted work")


@blueprint.route("/<uuid:id>", scope=("links:read", "notifications:read", "audit:read"))
@blueprint.gives(200, JobSchema)
def get_job(id: uuid.UUID) -> Response:
    """Get a job's progress"""
    job = _accepted(id)
    progress = _of_links(job) if job.kind == "links" else _of_intake(job)
    return answers.json({"id": job.id, "kind": job.kind, **progress, "created_at": job.created_at})


@blueprint.route("/<uuid:id>/results", scope="links:read")
@blueprint.takes(ResultFilterSchema, location="query")
@blueprint.gives(200, CheckPageSchema)
def list_results(arguments: dict[str, Any], id: uuid.UUID) -> Response:
    """List a job's results in the order in which they came"""
    job = _accepted(id)
    begun = paging.start(arguments)
    if job.kind != "links":
        return paging.listed([], "", begun)
    request = pb.ListResultsRequest(**begun.query, **begun.filters, job_id=str(id))
    try:
        return paging.answer(front().services.links.call("ListResults", request), begun)
    except rpc.Missing:
        return paging.listed([], "", begun)


def _accepted(identity: uuid.UUID) -> queries.Job:
    with front().intake() as session:
        job = queries.get_job(session, caller().workspace_id, identity)
    if job is None:
        raise not_found("job")
    return job


def _of_links(job: queries.Job) -> dict[str, Any]:
    request = pb.GetJobRequest(workspace_id=str(caller().workspace_id), id=str(job.id))
    try:
        found = proto.to_json(front().services.links.call("GetJob", request))
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
    }


def _queued(job: queries.Job) -> dict[str, Any]:
    return {
        "state": "queued",
        "total": job.total,
        "done": 0,
        "verdicts": {},
        "started_at": None,
        "finished_at": None,
    }
