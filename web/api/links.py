"""Links and their history."""

from __future__ import annotations

import uuid
from typing import Any

import msgspec
from flask import Response
from google.protobuf.message import Message
from sqlalchemy.orm import Session

from contracts import links_pb2 as pb
from tasks.intake import queries
from tasks.intake.reading import Line
from tasks.intake.submissions import INTERACTIVE, accept_links
from tasks.links.messages import link_id
from tasks.urls import InvalidUrl, normalise
from web import answers, bodies, options, paging, proto, rpc, versions
from web.accepting import Work, accept, job_location
from web.access import caller
from web.asking import asked, asker, call
from web.blueprint import Blueprint
from web.front import front
from web.limits import ACTED_ON_AT_ONCE, ACTED_ON_MOST
from web.problems import Fault, Problem, invalid, not_found
from web.schemas.fields import Page
from web.schemas.link_changes import ActedSchema, CheckNowSchema, LinkActionSchema, LinkEditSchema
from web.schemas.links import (
    AcceptedLinkSchema,
    CheckPageSchema,
    LinkFilterSchema,
    LinkPageSchema,
    LinkSchema,
    NewLinkSchema,
)

blueprint = Blueprint("links", __name__, url_prefix="/api/v1/links", description="Links and their history")


@blueprint.route("", methods=["POST"], scope="links:write")
@blueprint.accepts_work
@blueprint.takes(NewLinkSchema)
@blueprint.gives(202, AcceptedLinkSchema, "Location")
def submit_link(wanted: dict[str, Any]) -> Response:
    """Check a link now and keep it alive from now on

    It is readable at once. A link that exists already is checked again, with the settings that are given.
    """
    try:
        url = normalise(wanted["url"])
    except InvalidUrl as error:
        raise invalid(Fault("/url", str(error))) from error
    tags = tuple(wanted["tags"]) if wanted["tags"] is not None else None
    try:
        settings, secrets = options.settings_of(wanted)
    except options.Refused as error:
        raise invalid(*error.faults) from error
    line = Line(1, url, wanted["interval_s"], tags, wanted["external_id"], "", wanted["full"], settings, secrets)
    return accept(bodies.fingerprint, lambda session: _write(session, line))


@blueprint.route("", scope="links:read")
@blueprint.takes(LinkFilterSchema, location="query")
@blueprint.gives(200, LinkPageSchema)
def list_links(arguments: dict[str, Any]) -> Response:
    """List links, newest first"""
    begun = paging.start(arguments)
    request = pb.ListLinksRequest(**begun.query, **begun.filters)
    return paging.answer(front().services.links.call("ListLinks", request), begun)


@blueprint.route("/<uuid:id>", scope="links:read")
@blueprint.gives(200, LinkSchema, "ETag")
def get_link(id: uuid.UUID) -> Response:
    """Get a link"""
    try:
        return versions.tagged(proto.to_json(call("GetLink", pb.GetLinkRequest(id=str(id), **asked()))))
    except rpc.Missing:
        return versions.tagged(_pending(_accepted(id)))


@blueprint.route("/<uuid:id>", methods=["PATCH"], scope="links:write")
@blueprint.documented(parameters=[versions.REQUIRED])
@blueprint.takes(LinkEditSchema)
@blueprint.gives(200, LinkSchema, "ETag")
def edit_link(wanted: dict[str, Any], id: uuid.UUID) -> Response:
    """Change what is set on a link

    Needs the link's ETag in `If-Match`. What checks find meanwhile does not make an ETag stale.
    """
    known = versions.required()
    given = {name: value for name, value in wanted.items() if value is not None}
    if "options" in given:
        given["options_json"] = msgspec.json.encode(given.pop("options")).decode()
    settings = pb.LinkSettings(**given)
    request = pb.EditLinkRequest(
        id=str(id), versions=known, changed=list(wanted), settings=settings, caller=asker(), **asked()
    )
    return versions.tagged(proto.to_json(_change("EditLink", request, id)))


@blueprint.route("/<uuid:id>", methods=["DELETE"], scope="links:write")
@blueprint.documented(parameters=[versions.OPTIONAL])
@blueprint.gives(204)
def delete_link(id: uuid.UUID) -> Response:
    """Remove a link and its history"""
    _change("RemoveLink", pb.RemoveLinkRequest(id=str(id), versions=versions.optional(), caller=asker(), **asked()), id)
    return Response(status=204)


@blueprint.route("/<uuid:id>/check", methods=["POST"], scope="links:write")
@blueprint.accepts_work
@blueprint.gives(202, CheckNowSchema, "Location")
def check_link(id: uuid.UUID) -> Response:
    """Check a link now, by a full GET

    Paused and ignored links are checked as well. The `Location` is the job's.
    """
    try:
        url = call("GetLink", pb.GetLinkRequest(id=str(id), **asked())).url
    except rpc.Missing:
        url = _accepted(id).spec.url
    return accept(lambda: str(id), lambda session: _check_now(session, id, url))


@blueprint.route("/actions", methods=["POST"], scope="links:write")
@blueprint.accepts_work
@blueprint.takes(LinkActionSchema)
@blueprint.gives(200, ActedSchema)
@blueprint.also_gives(202, ActedSchema, "Location")
def act_on_links(wanted: dict[str, Any]) -> Response:
    """Do something with every link that a filter finds

    A request acts on at most 10,000 links; where there are more, ask again with `next_cursor`. `dry_run` counts the
    links that the filter finds and changes nothing. `check` is accepted as a job (202).
    """
    found = pb.LinkFilter(**wanted["filter"])
    if wanted["dry_run"]:
        count = call("CountLinks", pb.CountLinksRequest(filter=found, **asked())).count
        return answers.json(_acted(wanted, count))
    begun = paging.start({"limit": ACTED_ON_MOST, **wanted, "filter": sorted(wanted["filter"].items())})
    if wanted["action"] == "check":
        return _check_many(wanted, found, begun)
    return _act(wanted, found, begun)


@blueprint.route("/<uuid:id>/checks", scope="links:read")
@blueprint.takes(Page, location="query")
@blueprint.gives(200, CheckPageSchema)
def list_checks(arguments: dict[str, Any], id: uuid.UUID) -> Response:
    """List a link's checks, newest first"""
    begun = paging.start(arguments)
    request = pb.ListChecksRequest(**begun.query, link_id=str(id))
    try:
        return paging.answer(front().services.links.call("ListChecks", request), begun)
    except rpc.Missing:
        _accepted(id)
        return paging.listed([], "", begun)


def _act(wanted: dict[str, Any], found: pb.LinkFilter, begun: paging.Start) -> Response:
    count, after = 0, begun.after
    for _ in range(ACTED_ON_MOST // ACTED_ON_AT_ONCE):
        request = pb.ActOnLinksRequest(
            action=wanted["action"],
            filter=found,
            tag=wanted.get("tag", ""),
            limit=ACTED_ON_AT_ONCE,
            after=after,
            caller=asker(),
            **asked(),
        )
        acted = call("ActOnLinks", request)
        count, after = count + acted.count, acted.next
        if not after:
            break
    return answers.json(_acted(wanted, count, paging.cursor(after, begun)))


def _check_many(wanted: dict[str, Any], found: pb.LinkFilter, begun: paging.Start) -> Response:
    urls, after = _urls(found, begun.after)
    if not urls:
        return answers.json(_acted(wanted, 0))
    following = paging.cursor(after, begun)
    lines = [Line(number, url, full=True) for number, url in enumerate(urls, 1)]

    def write(session: Session) -> Work:
        accepted = accept_links(session, caller(), lines, front().intake_settings, registers=False)
        body = _acted(wanted, accepted.accepted, following) | {"job_id": accepted.job_id}
        return Work(body, job_location(accepted.job_id), "links", accepted.accepted)

    return accept(bodies.fingerprint, write)


def _urls(found: pb.LinkFilter, after: str) -> tuple[list[str], str]:
    urls: list[str] = []
    while len(urls) < ACTED_ON_MOST:
        request = pb.SelectUrlsRequest(filter=found, limit=ACTED_ON_AT_ONCE, after=after, **asked())
        page = call("SelectUrls", request)
        urls += page.urls
        after = page.next
        if not after:
            break
    return urls, after


def _acted(wanted: dict[str, Any], count: int, following: str | None = None) -> dict[str, Any]:
    return {
        "action": wanted["action"],
        "dry_run": wanted["dry_run"],
        "count": count,
        "next_cursor": following,
        "job_id": None,
    }


def _check_now(session: Session, identity: uuid.UUID, url: str) -> Work:
    line = Line(1, url, full=True)
    accepted = accept_links(session, caller(), [line], front().intake_settings, INTERACTIVE, registers=False)
    body = {"id": identity, "job_id": accepted.job_id, "url": url}
    return Work(body, job_location(accepted.job_id), "links")


def _change(method: str, request: Message, identity: uuid.UUID) -> Any:
    try:
        return call(method, request)
    except rpc.Missing:
        _accepted(identity)
        detail = "The link was accepted and is not stored yet; ask again in a moment."
        raise Problem(409, detail, headers={"Retry-After": "1"}) from None


def _write(session: Session, line: Line) -> Work:
    lines = options.sealed([line])
    accepted = accept_links(session, caller(), lines, front().intake_settings, INTERACTIVE)
    identity = link_id(caller().workspace_id, line.url)
    body = {"id": identity, "job_id": accepted.job_id, "url": line.url, "state": "pending"}
    return Work(body, f"/api/v1/links/{identity}", "links")


def _accepted(identity: uuid.UUID) -> queries.AcceptedLink:
    """What intake knows of a link that its service has not seen yet."""
    with front().intake() as session:
        found = queries.get_accepted_link(session, caller().workspace_id, identity)
    if found is None:
        raise not_found("link")
    return found


def _pending(link: queries.AcceptedLink) -> dict[str, Any]:
    unknown = proto.to_json(pb.Link())
    known = {
        "id": link.id,
        "url": link.spec.url,
        "state": "pending",
        "interval_s": link.spec.interval_s,
        "tags": link.spec.tags or (),
        "external_id": link.spec.external_id,
        "created_at": link.accepted_at,
    }
    if settings := link.spec.settings:
        known |= settings.confirmation | {"options": settings.options or {}}
    return unknown | known
