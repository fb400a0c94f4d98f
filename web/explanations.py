"""What each kind of problem means and what helps, as small pages for people: where a problem's `type` leads."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape

from flask import Blueprint, Response

from web.access import OPEN, scoped
from web.problems import not_found

PATH = "/problems"


@dataclass(frozen=True)
class Explanation:
    """One kind of problem: its status, what has happened, and what to do."""

    status: int
    meaning: str
    remedy: str


AGAIN = "Send the request again later; Retry-After says when. With an Idempotency-Key it is done once, however often."

EXPLANATIONS = {
    "bad-cursor": Explanation(
        400,
        "The cursor is none of ours, or was given for another list or other filters.",
        "Take it from next_cursor as it is, and change nothing else of the request; or begin again without one.",
    ),
    "bad-gateway": Explanation(
        502,
        "A service behind the API failed to answer. Nothing is known of what it did.",
        "Send the request again with the same Idempotency-Key. If it stays so, tell the operator the trace_id.",
    ),
    "body-cut-short": Explanation(
        400,
        "The connection ended before the whole body was here. Nothing of it was accepted.",
        "Send it again, whole.",
    ),
    "conflict": Explanation(
        409,
        "What is asked for does not go with the state in which things are.",
        "Read detail, read the resource again, and ask for what is possible now.",
    ),
    "forbidden": Explanation(
        403,
        "The key is good, but has none of the scopes that this needs.",
        "Ask an admin of the workspace for a key with the scope that detail names.",
    ),
    "idempotency-key-in-flight": Explanation(
        409,
        "The first request with this Idempotency-Key is still being answered.",
        "Wait a second and send the same request again: it gets the first one's answer.",
    ),
    "idempotency-key-reused": Explanation(
        422,
        "This Idempotency-Key was used before, with another payload. Nothing was done.",
        "Use a new key for a new request, and the same key only to repeat the same one.",
    ),
    "internal-error": Explanation(
        500,
        "The server failed, and the fault is ours.",
        "Send the request again with the same Idempotency-Key. If it stays so, tell the operator the trace_id.",
    ),
    "invalid-input": Explanation(
        422,
        "The input was read and does not fit.",
        "Each entry of errors says what is wrong, and its pointer (RFC 6901) where. Mend that, and send it again.",
    ),
    "malformed-request": Explanation(
        400,
        "The request could not be read: broken JSON, broken XML, or a header that is none.",
        "Read detail, and compare with the API's description under /docs.",
    ),
    "method-not-allowed": Explanation(
        405, "There is something at this path, but it does not answer this method.", "Allow names those it answers."
    ),
    "no-room": Explanation(
        503,
        "More was accepted than can be done at present, and there is no room for more. Nothing of this was accepted.",
        AGAIN,
    ),
    "not-cancellable": Explanation(
        409, "Work of this kind is done at once or not at all.", "Only jobs of links can be cancelled."
    ),
    "not-found": Explanation(
        404,
        "There is no such thing, or it belongs to another workspace.",
        "Compare the path and the id with what you were given, and the key with the workspace.",
    ),
    "precondition-failed": Explanation(
        412,
        "It is no longer as it was when its ETag was given: somebody else changed it.",
        "Read it again, look whether your change still makes sense, and send that with the new ETag as If-Match.",
    ),
    "precondition-required": Explanation(
        428,
        "A change without saying of what state could undo somebody else's.",
        "Read it first, and send its ETag as If-Match.",
    ),
    "too-large": Explanation(
        413,
        "The body has more bytes, lines or items than are taken in one request. Nothing of it was accepted.",
        "Split it as detail says. Lines of text, CSV and NDJSON may be many more than JSON in one document.",
    ),
    "too-many-requests": Explanation(
        429,
        "Requests come faster than they are taken.",
        "Wait as long as Retry-After says. Many links are best sent as one batch.",
    ),
    "unauthenticated": Explanation(
        401,
        "The request has no key, or one that is unknown, expired or revoked.",
        "Send Authorization: Bearer and the key.",
    ),
    "unavailable": Explanation(
        503, "Something that the request needs is away or has no room. Nothing was done.", AGAIN
    ),
    "unsupported-media-type": Explanation(
        415,
        "The body is of a kind that is not read here, or compressed.",
        "Accept-Post names the kinds that are read. Send it as one of them, in UTF-8 and as it is.",
    ),
    "upload-too-slow": Explanation(
        408,
        "No more of the body came in time. Nothing of it was accepted.",
        "Send it again over a better connection, or in smaller pieces.",
    ),
}


def pages() -> Blueprint:
    """A page for each kind of problem, and one that lists them."""
    blueprint = Blueprint("explanations", __name__, url_prefix=PATH)

    @blueprint.get("")
    @scoped(OPEN)
    def listed() -> Response:
        rows = (f'<li><a href="{PATH}/{slug}">{_title(slug)}</a></li>' for slug in EXPLANATIONS)
        return _page("Problems", f"<ul>{''.join(rows)}</ul>")

    @blueprint.get("/<slug>")
    @scoped(OPEN)
    def explained(slug: str) -> Response:
        if slug not in EXPLANATIONS:
            raise not_found("kind of problem")
        found = EXPLANATIONS[slug]
        body = f"<p>{escape(found.meaning)}</p><p><strong>What helps:</strong> {escape(found.remedy)}</p>"
        return _page(f"{found.status} {_title(slug)}", f'{body}<p><a href="{PATH}">All problems</a></p>')

    return blueprint


def _title(slug: str) -> str:
    return slug.replace("-", " ").capitalize()


def _page(title: str, body: str) -> Response:
    head = f'<meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>{title} · Pranala</title>'
    html = f'<!doctype html><html lang="en"><head>{head}</head><body><h1>{title}</h1>{body}</body></html>\n'
    return Response(html, content_type="text/html; charset=utf-8", headers={"Cache-Control": "max-age=3600"})
