"""Links, their checks, batches and jobs."""

from __future__ import annotations

from marshmallow import fields, validate

from web.limits import CONFIRM_LONGEST_S, EXTERNAL_ID_LONGEST, INTERVAL_LONGEST_S, INTERVAL_SHORTEST_S, URL_LONGEST
from web.schemas.fields import Input, Output, Page, Tags, Text, UtcTime, Word, one_of, page_of
from web.schemas.options import CheckOptionsSchema
from web.schemas.words import VERDICTS

STATES = ("pending", "up", "degraded", "failing", "broken", "recovering", "unverifiable")


class NewLinkSchema(Input):
    """A link to keep alive."""

    url = fields.String(
        required=True,
        validate=validate.Length(1, URL_LONGEST),
        metadata={"description": "An absolute URL.", "example": "https://example.com/guide"},
    )
    interval_s = fields.Integer(
        strict=True,
        load_default=None,
        allow_none=True,
        validate=validate.Range(INTERVAL_SHORTEST_S, INTERVAL_LONGEST_S),
        metadata={"description": "Seconds between two checks."},
    )
    tags = Tags(load_default=None, allow_none=True)
    external_id = Word(
        load_default=None,
        allow_none=True,
        validate=validate.Length(max=EXTERNAL_ID_LONGEST),
        metadata={"description": "Your own name for it."},
    )
    full = fields.Boolean(
        truthy={True},
        falsy={False},
        load_default=False,
        metadata={"description": "Ask for the page itself, this time."},
    )
    confirm_hard = fields.Integer(
        strict=True,
        load_default=None,
        allow_none=True,
        validate=validate.Range(1, 100),
        metadata={"description": "Hard failures in a row that break it."},
    )
    confirm_transient = fields.Integer(
        strict=True,
        load_default=None,
        allow_none=True,
        validate=validate.Range(1, 100),
        metadata={"description": "Transient failures in a row that break it."},
    )
    min_confirm_s = fields.Float(
        load_default=None,
        allow_none=True,
        validate=validate.Range(0, CONFIRM_LONGEST_S),
        metadata={"description": "Seconds from the first failure before it may break."},
    )
    options = fields.Nested(
        CheckOptionsSchema,
        load_default=None,
        allow_none=True,
        metadata={"description": "All of them: of a link that exists already they replace those it has."},
    )


class AcceptedLinkSchema(Output):
    """A link that will be checked."""

    id = fields.UUID(required=True)
    job_id = fields.UUID(required=True)
    url = fields.String(required=True, metadata={"description": "The URL in its normal form."})
    state = fields.String(required=True, validate=validate.OneOf(["pending"]))


class UrlsSchema(Input):
    """A batch of URLs."""

    urls = fields.List(fields.String(), required=True, validate=validate.Length(min=1))


class LinksSchema(Input):
    """A batch of links with their settings."""

    links = fields.List(fields.Nested(NewLinkSchema), required=True, validate=validate.Length(min=1))


class RejectionSchema(Output):
    """A line that was not accepted."""

    line = fields.Integer(required=True, metadata={"description": "Counted from 1."})
    input = fields.String(required=True, metadata={"description": "The beginning of the line."})
    reason = fields.String(required=True)


class BatchSchema(Output):
    """What came of a batch."""

    job_id = fields.UUID(required=True)
    accepted = fields.Integer(
        required=True,
        allow_none=True,
        metadata={"description": "Null for a page or sitemap, which has yet to be read; the job's `total` will say."},
    )
    duplicates = fields.Integer(required=True, metadata={"description": "Lines that repeat an earlier one."})
    rejected_count = fields.Integer(required=True)
    rejected = fields.List(
        fields.Nested(RejectionSchema), required=True, metadata={"description": "The first 1,000 of them."}
    )


class SurveySchema(Output):
    """What would come of a batch."""

    new = fields.Integer(required=True, metadata={"description": "Links that would be added."})
    known = fields.Integer(required=True, metadata={"description": "Links that are registered already."})
    duplicates = fields.Integer(required=True)
    rejected_count = fields.Integer(required=True)
    rejected = fields.List(fields.Nested(RejectionSchema), required=True)


class BatchQuerySchema(Input):
    """How a batch is taken."""

    dry_run = fields.Boolean(
        load_default=False, metadata={"description": "Accept nothing; say what would be new, known and rejected."}
    )
    keep = fields.Boolean(
        load_default=True,
        metadata={"description": "`false` checks the links for this job alone: none is added, moved or told about."},
    )


class MarkdownSchema(Input):
    """A Markdown document whose links are the batch."""

    markdown = fields.String(required=True, validate=validate.Length(min=1))


class SitemapSchema(Input):
    """A sitemap, or an index of sitemaps, whose pages are the batch. It is fetched by a worker."""

    sitemap = fields.String(
        required=True,
        validate=validate.Length(1, URL_LONGEST),
        metadata={"description": "XML, text or gzip.", "example": "https://example.com/sitemap.xml"},
    )


class PageSchema(Input):
    """An HTML page; what it links to, loads and embeds is the batch. It is fetched by a worker."""

    page = fields.String(
        required=True, validate=validate.Length(1, URL_LONGEST), metadata={"example": "https://example.com/"}
    )


class JobSourceSchema(Output):
    """What came of reading the page or sitemap whose links a job checks."""

    kind = fields.String(required=True, validate=validate.OneOf(["sitemap", "page"]))
    url = fields.String(required=True)
    error = fields.String(
        required=True, metadata={"description": "Why it could not be read, or not all of it; empty where it could."}
    )
    duplicates = fields.Integer(required=True)
    rejected_count = fields.Integer(required=True, metadata={"description": "What it names that is no URL."})
    new = fields.Integer(
        required=True, allow_none=True, metadata={"description": "Of a dry run: links that would be added."}
    )
    known = fields.Integer(
        required=True, allow_none=True, metadata={"description": "Of a dry run: links that are there already."}
    )


class JobSchema(Output):
    """How far accepted work has come."""

    id = fields.UUID(required=True)
    kind = fields.String(required=True, validate=validate.OneOf(["links", "notification", "audit"]))
    state = fields.String(required=True, validate=validate.OneOf(["queued", "running", "finished", "cancelled"]))
    total = fields.Integer(
        required=True, metadata={"description": "0 until the page or sitemap was read whose links they are."}
    )
    done = fields.Integer(required=True)
    verdicts = fields.Dict(
        keys=fields.String(), values=fields.Integer(), required=True, metadata={"description": "Empty but for links."}
    )
    created_at = UtcTime(required=True)
    started_at = UtcTime(required=True, allow_none=True)
    finished_at = UtcTime(required=True, allow_none=True)
    source = fields.Nested(
        JobSourceSchema,
        required=True,
        allow_none=True,
        metadata={"description": "Of a page or sitemap, once it was read; null for all other jobs."},
    )


class HopSchema(Output):
    """One request of a chain of redirects."""

    url = fields.String(required=True)
    status = fields.Integer(required=True, allow_none=True)
    ip = fields.String(required=True, allow_none=True)


class CheckSchema(Output):
    """One check of one link."""

    id = fields.UUID(required=True)
    link_id = fields.UUID(required=True)
    job_id = fields.UUID(required=True, allow_none=True)
    url = fields.String(required=True)
    verdict = fields.String(required=True, validate=validate.OneOf(VERDICTS))
    reason = fields.String(required=True)
    permanence = fields.String(required=True, allow_none=True)
    status_code = fields.Integer(required=True, allow_none=True)
    final_url = fields.String(required=True, allow_none=True)
    suggested_url = fields.String(required=True, allow_none=True)
    hops = fields.List(fields.Nested(HopSchema), required=True)
    timings_ms = fields.Dict(keys=fields.String(), values=fields.Float(), required=True)
    methods = fields.List(fields.String(), required=True)
    attempts = fields.Integer(required=True)
    bytes_read = fields.Integer(required=True)
    tls_not_after = UtcTime(required=True, allow_none=True)
    detail = fields.String(required=True)
    worker = fields.String(required=True)
    scheduled_at = UtcTime(required=True, allow_none=True)
    started_at = UtcTime(required=True, allow_none=True)
    checked_at = UtcTime(required=True, allow_none=True)


class SuggestionSchema(Output):
    """What to link to instead."""

    kind = fields.String(required=True, validate=validate.OneOf(["archive", "redirect", "https"]))
    url = fields.String(required=True)


class LinkSchema(Output):
    """A link and what is known of it."""

    id = fields.UUID(required=True)
    url = fields.String(required=True)
    state = fields.String(required=True)
    verdict = fields.String(required=True, allow_none=True)
    reason = fields.String(required=True, allow_none=True)
    permanence = fields.String(required=True, allow_none=True)
    since = UtcTime(required=True, allow_none=True, metadata={"description": "Since when it is in this state."})
    last_checked_at = UtcTime(required=True, allow_none=True)
    next_check_at = UtcTime(required=True, allow_none=True)
    interval_s = fields.Integer(required=True, allow_none=True)
    tags = fields.List(fields.String(), required=True)
    external_id = fields.String(required=True, allow_none=True)
    status_code = fields.Integer(required=True, allow_none=True)
    final_url = fields.String(required=True, allow_none=True)
    suggested_url = fields.String(required=True, allow_none=True)
    latency_ms = fields.Float(required=True, allow_none=True)
    suggestion = fields.Nested(
        SuggestionSchema,
        required=True,
        allow_none=True,
        metadata={"description": "What its check found, or a copy in an archive of what will not come back."},
    )
    incident_id = fields.UUID(required=True, allow_none=True)
    created_at = UtcTime(required=True, allow_none=True)
    trace_id = fields.String(required=True, metadata={"description": "Of its last submission."})
    version = fields.Integer(required=True, metadata={"description": "Of what is set on it; in its ETag as well."})
    paused = fields.Boolean(required=True, metadata={"description": "Not checked on its own."})
    ignored = fields.Boolean(required=True, metadata={"description": "Checked; nobody is told."})
    muted_until = UtcTime(required=True, allow_none=True, metadata={"description": "Nobody is told until then."})
    badge = fields.Boolean(required=True, metadata={"description": "Anybody may see how it is."})
    flapping = fields.Boolean(required=True, metadata={"description": "Breaks and recovers again and again."})
    confirm_hard = fields.Integer(required=True, allow_none=True)
    confirm_transient = fields.Integer(required=True, allow_none=True)
    min_confirm_s = fields.Float(required=True, allow_none=True)
    uptime_30d = fields.Float(
        required=True, allow_none=True, metadata={"description": "Outside of incidents, from 0 to 1."}
    )
    options = fields.Nested(CheckOptionsSchema, required=True)


LinkPageSchema = page_of(LinkSchema)
CheckPageSchema = page_of(CheckSchema)


class LinkFilterSchema(Page):
    """Which links."""

    state = fields.String(validate=one_of(*STATES))
    verdict = fields.String(validate=one_of(*VERDICTS))
    reason = Text()
    tag = Text()
    host = Text()
    q = Text(metadata={"description": "A part of the URL."})


class ResultFilterSchema(Page):
    """Which results of a job."""

    verdict = fields.String(validate=one_of(*VERDICTS))
