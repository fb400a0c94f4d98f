"""Batches: many links in one request, read line by line."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import msgspec
from flask import Response, request
from sqlalchemy.orm import Session

from contracts import links_pb2 as pb
from tasks.intake.submissions import Line, accept_links
from tasks.intake.survey import survey
from web import answers, documents, lines
from web.accepting import Work, accept, job_location
from web.access import caller
from web.answers import JSON
from web.blueprint import Blueprint
from web.front import front
from web.limits import BATCH_JSON_MIB
from web.problems import Fault, Problem, unsupported_media_type
from web.schemas.links import (
    BatchQuerySchema,
    BatchSchema,
    LinksSchema,
    MarkdownSchema,
    SurveySchema,
    UrlsSchema,
)
from web.uploads import Upload, upload_of

Batch = tuple[Iterator[Line], Callable[[int], str]]

STREAMED: dict[str, Callable[[Iterable[bytes]], Iterator[Line]]] = {
    "text/plain": lines.plain_text,
    "text/csv": lines.csv_table,
    "application/x-ndjson": lines.ndjson,
}
# Read as a whole, because what a document says is not said by its lines.
WHOLE: dict[str, Callable[[bytes], Iterator[Line]]] = {
    "text/markdown": documents.markdown,
    "text/html": documents.page,
    "text/x-opml": documents.opml,
}
ACCEPTED = (JSON, *STREAMED, *WHOLE)
FAULTS_SHOWN = 100
LINE = "/lines/{}".format
EXAMPLES = {
    "text/plain": "https://example.com/\nhttps://example.com/guide\n",
    "text/csv": "url,interval_s,tags,external_id\nhttps://example.com/,3600,docs;public,page-1\n",
    "application/x-ndjson": '{"url": "https://example.com/", "tags": ["docs"]}\n"https://example.com/guide"\n',
    "text/markdown": "See [the guide](https://example.com/guide).\n",
    "text/html": '<DT><A HREF="https://example.com/" TAGS="docs">Example</A>\n',
    "text/x-opml": '<opml version="2.0"><body><outline xmlUrl="https://example.com/feed"/></body></opml>\n',
}
BODY = {
    "required": True,
    "content": {JSON: {"schema": {"oneOf": [UrlsSchema, LinksSchema, MarkdownSchema]}}}
    | {kind: {"schema": {"type": "string"}, "example": example} for kind, example in EXAMPLES.items()},
}

blueprint = Blueprint("batches", __name__, url_prefix="/api/v1/batches", description="Many links in one request")


@blueprint.route("", methods=["POST"], scope="links:write")
@blueprint.accepts_work
@blueprint.documented(requestBody=BODY)
@blueprint.takes(BatchQuerySchema, location="query")
@blueprint.gives(200, SurveySchema)
@blueprint.gives(202, BatchSchema, "Location")
def submit_batch(arguments: dict[str, Any]) -> Response:
    """Check many links now and keep them alive from now on

    A URL a line (`#` begins a comment), CSV with a header row or a single column, a JSON value a line, one JSON
    document of at most 32 MiB, or a document whose links are meant: Markdown, HTML (such as exported bookmarks), OPML.
    Bad lines are rejected by number and spoil no other. An upload that is cut short is not accepted at all.
    `dry_run=true` accepts nothing and answers 200.
    """
    upload, read = _upload()
    if arguments["dry_run"]:
        return answers.json(survey(caller(), read()[0], _count_known))
    keep = arguments["keep"]
    # The same lines mean other work when they are not kept.
    return accept(lambda: f"{keep} {upload.fingerprint()}", lambda session: _write(session, read(), keep))


def _upload() -> tuple[Upload, Callable[[], Batch]]:
    """The body, and what makes lines of it."""
    if request.mimetype == JSON:
        upload = upload_of(request, BATCH_JSON_MIB, "send it as application/x-ndjson, which is read line by line")
        return upload, lambda: _document(b"".join(upload.chunks()))
    _refuse_unread()
    if whole := WHOLE.get(request.mimetype):
        upload = upload_of(request, BATCH_JSON_MIB)
        return upload, lambda: (whole(b"".join(upload.chunks())), LINE)
    upload, streamed = upload_of(request, front().settings.max_body_mb), STREAMED[request.mimetype]
    return upload, lambda: (streamed(upload.chunks()), LINE)


def _refuse_unread() -> None:
    if request.mimetype not in ACCEPTED:
        raise unsupported_media_type(f"Send a batch as {', '.join(ACCEPTED[1:])} or {JSON}.", ACCEPTED)
    charset = request.mimetype_params.get("charset", "utf-8").lower()
    if charset not in ("utf-8", "utf8", "us-ascii"):
        raise unsupported_media_type(f"The charset {charset} is not read; send UTF-8.", ACCEPTED)


def _document(body: bytes) -> Batch:
    member, batch = lines.json_document(body)
    return batch, (lambda number: f"/{member}/{number - 1}") if member != "markdown" else (lambda _: "/markdown")


def _count_known(ids: Sequence[uuid.UUID]) -> int:
    wanted = pb.CountKnownRequest(workspace_id=str(caller().workspace_id), ids=b"".join(each.bytes for each in ids))
    return int(front().services.links.call("CountKnown", wanted).known)


def _write(session: Session, batch: Batch, keep: bool) -> Work:
    accepted = accept_links(session, caller(), batch[0], front().intake_settings, keep=keep)
    body: dict[str, Any] = msgspec.to_builtins(accepted)
    if accepted.accepted:
        return Work(body, job_location(accepted.job_id), "links", accepted.accepted)
    faults = [Fault(batch[1](each.line), each.reason) for each in accepted.rejected[:FAULTS_SHOWN]]
    detail = "No line of the batch is a link that can be checked." if faults else "The batch is empty."
    # No job was made, so there is none to name.
    more = {name: value for name, value in body.items() if name.startswith("rejected")}
    raise Problem(422, detail, errors=faults or [Fault("", detail)], more=more)
