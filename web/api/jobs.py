"""Jobs: how far accepted work has come, and what came of it."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Iterator
from itertools import chain, islice
from typing import Any

from flask import Response, request

from contracts import links_pb2 as pb
from tasks.intake import cancellation
from tasks.intake.queries import Job
from web import answers, events, exports, paging, rpc
from web.access import Scope, caller
from web.blueprint import Blueprint
from web.front import front
from web.problems import Problem, not_found
from web.progress import Progress
from web.schemas.links import CheckPageSchema, JobSchema, ResultFilterSchema

JOB_SCOPES: tuple[Scope, ...] = ("links:read", "notifications:read", "audit:read")
FORMS = {200: {"content": {kind: {"schema": {"type": "string"}} for kind in exports.FORMS}}}
EVENTS = {200: {"description": "OK", "content": {events.CONTENT_TYPE: {"schema": {"type": "string"}}}}}
LAST_EVENT = {
    "in": "header",
    "name": "Last-Event-ID",
    "description": "The id of the last event that was heard.",
    "schema": {"type": "string"},
}

blueprint = Blueprint("jobs", __name__, url_prefix="/api/v1/jobs", description="Accepted work")


@blueprint.route("/<uuid:id>", scope=JOB_SCOPES)
@blueprint.gives(200, JobSchema)
def get_job(id: uuid.UUID) -> Response:
    """Get a job's progress

    A job is kept for a time after it is over, a year unless the operator says otherwise, and then is not found.
    """
    return answers.json(_progress().document(id))


@blueprint.route("/<uuid:id>", methods=["DELETE"], scope="links:write")
@blueprint.gives(200, JobSchema)
def cancel_job(id: uuid.UUID) -> Response:
    """Cancel a job of links

    What is not begun is never begun; what is on record stays. Cancelling again, or what is finished, changes nothing.
    """
    progress = _progress()
    job = progress.job(id)
    # Links alone know whether anything was put back, but while there are parts here it need not be asked.
    if job.kind == "links" and job.finished_at and (seen := progress.document(id))["state"] == "finished":
        return answers.json(seen)
    try:
        with front().intake.begin() as session:
            found = cancellation.cancel(session, caller(), id)
    except cancellation.NotCancellable as error:
        raise Problem(409, "Only jobs of links can be cancelled.", slug="not-cancellable") from error
    if not found:
        raise not_found("job")
    return answers.json(progress.document(id))


@blueprint.route("/<uuid:id>/results", scope="links:read")
@blueprint.documented(responses=FORMS)
@blueprint.takes(ResultFilterSchema, location="query")
@blueprint.gives(200, CheckPageSchema)
def list_results(arguments: dict[str, Any], id: uuid.UUID) -> Response:
    """List a job's results in the order in which they came

    JSON comes in pages. The other forms, which `Accept` asks for, hold all results at once: NDJSON, CSV, JUnit
    (`application/xml`), SARIF and Markdown.
    """
    progress = _progress()
    job = progress.job(id)
    kind = request.accept_mimetypes.best_match([answers.JSON, *exports.FORMS], answers.JSON)
    if kind != answers.JSON:
        return _export(progress, job, exports.FORMS[kind], arguments.get("verdict", ""))
    begun = paging.start(arguments)
    if job.kind != "links":
        return paging.listed([], "", begun)
    wanted = pb.ListResultsRequest(**begun.query, **begun.filters, job_id=str(id))
    try:
        return paging.answer(front().services.links.call("ListResults", wanted), begun)
    except rpc.Missing:
        return paging.listed([], "", begun)


@blueprint.route("/<uuid:id>/events", scope=JOB_SCOPES)
@blueprint.documented(responses=EVENTS, parameters=[LAST_EVENT])
@blueprint.gives(204)
def watch_job(id: uuid.UUID) -> Response:
    """Watch a job's progress as server-sent events

    `progress` whenever it has come further, at last `finished` or `cancelled`; each holds the job. Who has heard the
    last one is answered 204, which tells a browser to stop asking.
    """
    heard, progress = _last_heard(), _progress()
    job = progress.document(id)
    if heard >= events.position(job) > job["total"]:
        return Response(status=204)
    streams = front().streams
    if not streams.take():
        detail = "Too many are listening to events of jobs already; ask for the job itself now and then."
        raise Problem(503, detail, headers={"Retry-After": "5"})
    told = events.stream(lambda: progress.document(id), heard)
    response = Response(told, content_type=events.CONTENT_TYPE, headers={"X-Accel-Buffering": "no"})
    # Called however it ends, even where the client was gone before the first word.
    response.call_on_close(streams.release)
    return response


def _progress() -> Progress:
    return Progress(front().intake, front().services.links, caller().workspace_id)


def _last_heard() -> int:
    given = request.headers.get("Last-Event-ID", "")
    return int(given) if given.isascii() and given.isdigit() and len(given) < 12 else -1


def _export(progress: Progress, job: Job, form: exports.Form, verdict: str) -> Response:
    counts = progress.document(job.id)["verdicts"]
    results = progress.results(job, verdict)
    # Asked for before the answer begins, so that a service that is away is an error and no empty file.
    first = list(islice(results, 1))
    written = form.write(chain(first, results), {verdict: counts.get(verdict, 0)} if verdict else counts)
    name = f'attachment; filename="job-{job.id}.{form.suffix}"'
    return Response(
        _gathered(written),
        content_type=f"{form.content_type}; charset=utf-8",
        headers={"Content-Disposition": name, "Vary": "Accept"},
    )


def _gathered(pieces: Iterable[bytes], size: int = 64 * 1024) -> Iterator[bytes]:
    """The pieces in larger ones: each is written to the network by itself."""
    held = bytearray()
    for piece in pieces:
        held += piece
        if len(held) >= size:
            yield bytes(held)
            held.clear()
    yield bytes(held)
