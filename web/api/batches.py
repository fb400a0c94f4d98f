"""Batches: many links in one request, read line by line."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

import msgspec
from flask import Response, request
from sqlalchemy.orm import Session

from tasks.intake.submissions import Line, accept_links
from web import lines
from web.accepting import Work, accept, job_location
from web.access import caller
from web.answers import JSON
from web.blueprint import Blueprint
from web.front import front
from web.limits import BATCH_JSON_MIB
from web.problems import Fault, Problem, unsupported_media_type
from web.schemas.links import BatchSchema, LinksSchema, UrlsSchema
from web.uploads import Upload, upload_of

STREAMED: dict[str, Callable[[Iterable[bytes]], Iterator[Line]]] = {
    "text/plain": lines.plain_text,
    "text/csv": lines.csv_table,
    "application/x-ndjson": lines.ndjson,
}
ACCEPTED = (JSON, *STREAMED)
FAULTS_SHOWN = 100
EXAMPLES = {
    "text/plain": "https://example.com/\nhttps://example.com/guide\n",
    "text/csv": "url,interval_s,tags,external_id\nhttps://example.com/,3600,docs;public,page-1\n",
    "application/x-ndjson": '{"url": "https://example.com/", "tags": ["docs"]}\n"https://example.com/guide"\n',
}
BODY = {
    "required": True,
    "content": {JSON: {"schema": {"oneOf": [UrlsSchema, LinksSchema]}}}
    | {kind: {"schema": {"type": "string"}, "example": example} for kind, example in EXAMPLES.items()},
}

blueprint = Blueprint("batches", __name__, url_prefix="/api/v1/batches", description="Many links in one request")


@blueprint.route("", methods=["POST"], scope="links:write")
@blueprint.accepts_work
@blueprint.documented(requestBody=BODY)
@blueprint.gives(202, BatchSchema, "Location")
def submit_batch() -> Response:
    """Check many links now and keep them alive from now on

    A URL a line (`#` begins a comment), CSV with a header row or a single column, a JSON value a line, or one JSON
    document of at most 32 MiB. Bad lines are rejected by number and spoil no other. An upload that is cut short is
    not accepted at all.
    """
    if request.mimetype == JSON:
        upload = upload_of(request, BATCH_JSON_MIB, "send it as application/x-ndjson, which is read line by line")
        return accept(upload.fingerprint, lambda session: _write_document(session, upload))
    read = _reader()
    upload = upload_of(request, front().settings.max_body_mb)
    return accept(upload.fingerprint, lambda session: _write(session, read(upload.chunks())))


def _reader() -> Callable[[Iterable[bytes]], Iterator[Line]]:
    read = STREAMED.get(request.mimetype)
    if read is None:
        raise unsupported_media_type(f"Send a batch as {', '.join(ACCEPTED[:-1])} or {ACCEPTED[-1]}.", ACCEPTED)
    charset = request.mimetype_params.get("charset", "utf-8").lower()
    if charset not in ("utf-8", "utf8", "us-ascii"):
        raise unsupported_media_type(f"The charset {charset} is not read; send UTF-8.", ACCEPTED)
    return read


def _write_document(session: Session, upload: Upload) -> Work:
    member, batch = lines.json_document(b"".join(upload.chunks()))
    return _write(session, batch, lambda number: f"/{member}/{number - 1}")


def _write(session: Session, batch: Iterator[Line], pointer: Callable[[int], str] = "/lines/{}".format) -> Work:
    accepted = accept_links(session, caller(), batch, front().intake_settings)
    body: dict[str, Any] = msgspec.to_builtins(accepted)
    if accepted.accepted:
        return Work(body, job_location(accepted.job_id), "links", accepted.accepted)
    faults = [Fault(pointer(each.line), each.reason) for each in accepted.rejected[:FAULTS_SHOWN]]
    detail = "No line of the batch is a link that can be checked." if faults else "The batch is empty."
    # No job was made, so there is none to name.
    more = {name: value for name, value in body.items() if name.startswith("rejected")}
    raise Problem(422, detail, errors=faults or [Fault("", detail)], more=more)
