"""Links and their history."""

from __future__ import annotations

import uuid
from typing import Any

from flask import Response
from sqlalchemy.orm import Session

from contracts import links_pb2 as pb
from tasks.intake import queries
from tasks.intake.submissions import INTERACTIVE, Line, accept_links
from tasks.links.messages import link_id
from tasks.urls import InvalidUrl, normalise
from web import answers, bodies, paging, proto, rpc
from web.accepting import Work, accept
from web.access import caller
from web.blueprint import Blueprint
from web.front import front
from web.problems import Fault, invalid, not_found
from web.schemas.fields import Page
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
    line = Line(1, url, wanted["interval_s"], tags, wanted["external_id"])
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
@blueprint.gives(200, LinkSchema)
def get_link(id: uuid.UUID) -> Response:
    """Get a link"""
    request = pb.GetLinkRequest(workspace_id=str(caller().workspace_id), id=str(id))
    try:
        return answers.json(proto.to_json(front().services.links.call("GetLink", request)))
    except rpc.Missing:
        return answers.json(_pending(_accepted(id)))


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


def _write(session: Session, line: Line) -> Work:
    accepted = accept_links(session, caller(), [line], front().intake_settings, INTERACTIVE)
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
    return unknown | known
