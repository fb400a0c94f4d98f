"""Batches: many links in one request, read line by line."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, repeat
from typing import Any

import msgspec
from flask import Response, request
from sqlalchemy.orm import Session

from contracts import links_pb2 as pb
from tasks.intake.reading import Accepted, Line
from tasks.intake.submissions import accept_links, accept_source
from tasks.intake.survey import survey
from web import answers, documents, lines, options
from web.accepting import Work, accept, job_location
from web.access import caller
from web.answers import JSON
from web.blueprint import Blueprint
from web.front import front
from web.limits import BATCH_JSON_MIB
from web.lines import Source
from web.problems import Fault, Problem, unsupported_media_type
from web.schemas.links import (
    BatchQuerySchema,
    BatchSchema,
    LinksSchema,
    MarkdownSchema,
    PageSchema,
    SitemapSchema,
    SurveySchema,
    UrlsSchema,
)
from web.spool import Spool
from web.uploads import Upload, upload_of


@dataclass(frozen=True)
class Batch:
    """The lines of a body, what points at one by its number, and about how many there are, if that is known."""

    lines: Iterator[Line]
    pointer: Callable[[int], str]
    expected: int = 0


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
    "content": {JSON: {"schema": {"oneOf": [UrlsSchema, LinksSchema, MarkdownSchema, SitemapSchema, PageSchema]}}}
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

    The links of `{"sitemap": URL}` and `{"page": URL}` are those that are found there, by a worker and after the
    answer: the job says when it was read, how many links there are, or why there are none. With `dry_run=true` that
    job counts them and checks none.
    """
    with Spool(_upload()) as spool:
        batch = _batch(spool)
        keep, dry_run = arguments["keep"], arguments["dry_run"]
        if isinstance(batch, Source):
            return accept(
                lambda: f"{keep} {dry_run} {spool.fingerprint()}",
                lambda session: _write_source(session, batch, keep, dry_run),
            )
        if dry_run:
            return answers.json(survey(caller(), batch.lines, _count_known, batch.expected))
        # The same lines mean other work when they are not kept.
        # Its lines can be read once: whoever must write again reads the body again.
        batches = chain([batch], (again for again in map(_batch, repeat(spool)) if isinstance(again, Batch)))
        return accept(lambda: f"{keep} {spool.fingerprint()}", lambda session: _write(session, next(batches), keep))


def _upload() -> Upload:
    """The body, if it is of a kind that is read."""
    if request.mimetype == JSON:
        return upload_of(request, BATCH_JSON_MIB, "send it as application/x-ndjson, which is read line by line")
    _refuse_unread()
    return upload_of(request, BATCH_JSON_MIB if request.mimetype in WHOLE else front().settings.max_body_mb)


def _batch(spool: Spool) -> Batch | Source:
    """What makes lines of the body."""
    most = front().settings.batch_most
    if request.mimetype == JSON:
        return _document(spool.read(), most)
    if whole := WHOLE.get(request.mimetype):
        return Batch(lines.at_most(whole(spool.read()), most), LINE)
    if spool.newlines > most:
        raise lines.too_many(most)
    return Batch(lines.at_most(STREAMED[request.mimetype](spool.chunks()), most), LINE, spool.newlines + 1)


def _refuse_unread() -> None:
    if request.mimetype not in ACCEPTED:
        raise unsupported_media_type(f"Send a batch as {', '.join(ACCEPTED[1:])} or {JSON}.", ACCEPTED)
    charset = request.mimetype_params.get("charset", "utf-8").lower()
    if charset not in ("utf-8", "utf8", "us-ascii"):
        raise unsupported_media_type(f"The charset {charset} is not read; send UTF-8.", ACCEPTED)


def _document(body: bytes, most: int) -> Batch | Source:
    document = lines.json_document(body)
    if isinstance(document, Source):
        return document
    member, found, count = document
    pointer = "/markdown".format if member == "markdown" else lambda number: f"/{member}/{number - 1}"
    return Batch(lines.at_most(found, most), pointer, count)


def _count_known(ids: Sequence[bytes]) -> int:
    wanted = pb.CountKnownRequest(workspace_id=str(caller().workspace_id), ids=b"".join(ids))
    return int(front().services.links.call("CountKnown", wanted).known)


def _write_source(session: Session, source: Source, keep: bool, dry_run: bool) -> Work:
    most = front().settings.batch_most
    job_id = accept_source(
        session, caller(), source.kind, source.url, most, front().intake_settings, keep=keep, dry_run=dry_run
    )
    body = msgspec.to_builtins(Accepted(job_id)) | {"accepted": None}
    return Work(body, job_location(job_id), "sources")


def _write(session: Session, batch: Batch, keep: bool) -> Work:
    found = options.sealed(batch.lines)
    accepted = accept_links(session, caller(), found, front().intake_settings, keep=keep, expected=batch.expected)
    body: dict[str, Any] = msgspec.to_builtins(accepted)
    if accepted.accepted:
        return Work(body, job_location(accepted.job_id), "links", accepted.accepted)
    faults = [Fault(batch.pointer(each.line), each.reason) for each in accepted.rejected[:FAULTS_SHOWN]]
    detail = "No line of the batch is a link that can be checked." if faults else "The batch is empty."
    # No job was made, so there is none to name.
    more = {name: value for name, value in body.items() if name.startswith("rejected")}
    raise Problem(422, detail, errors=faults or [Fault("", detail)], more=more)
