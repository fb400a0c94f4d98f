"""Badges: pictures of how links are, for anybody, where somebody wants it so."""

from __future__ import annotations

import hashlib
import math
from typing import Any

from flask import Response, request

from contracts import links_pb2 as pb
from web import answers, paging, proto, rpc, shield
from web.access import OPEN
from web.asking import asked, asker, call
from web.blueprint import Blueprint
from web.problems import not_found
from web.schemas.badges import BadgePageSchema, BadgeQuerySchema, BadgeSchema, NewBadgeSchema
from web.schemas.fields import Page

blueprint = Blueprint("badges", __name__, description="How links are, for anybody, where it is switched on")

# Pages that show it ask no more often, and so do the caches between.
MAX_AGE_S = 60
SVG = {"image/svg+xml": {"schema": {"type": "string"}}}
COLOURS = {
    "up": "green",
    "degraded": "yellow",
    "recovering": "yellow",
    "failing": "orange",
    "broken": "red",
}
UPTIME_COLOURS = ((0.999, "green"), (0.99, "yellow"), (0.95, "orange"), (0.0, "red"))


@blueprint.route("/badge/<name>.svg", scope=OPEN)
@blueprint.takes(BadgeQuerySchema, location="query")
@blueprint.documented(responses={"200": {"description": "The picture.", "content": SVG}})
def read_badge(arguments: dict[str, Any], name: str) -> Response:
    """Get a badge, as SVG

    The id is a link's with `badge` switched on, or that of a tag's badge. Whatever else it is, the answer is the same.
    """
    with_uptime = arguments["metric"] == "uptime_30d"
    try:
        found = call("ReadBadge", pb.ReadBadgeRequest(id=name, with_uptime=with_uptime))
    except rpc.Missing:
        raise not_found("badge") from None
    return _picture(found.tag or "link", *(_uptime(found) if with_uptime else _state(found)))


@blueprint.route("/api/v1/badges", methods=["POST"], scope="links:write")
@blueprint.takes(NewBadgeSchema)
@blueprint.gives(201, BadgeSchema, "Location")
def create_badge(wanted: dict[str, Any]) -> Response:
    """Let anybody see how the links of a tag are

    Whoever has the badge's id sees the tag and how many of its links are broken. A tag has one badge.
    """
    badge = call("CreateBadge", pb.CreateBadgeRequest(tag=wanted["tag"], caller=asker(), **asked()))
    return answers.json(_badge(badge), 201, {"Location": _path(badge)})


@blueprint.route("/api/v1/badges", scope="links:read")
@blueprint.takes(Page, location="query")
@blueprint.gives(200, BadgePageSchema)
def list_badges(arguments: dict[str, Any]) -> Response:
    """List the badges of tags"""
    begun = paging.start(arguments)
    page = call("ListBadges", pb.ListBadgesRequest(**begun.query))
    return paging.listed([_badge(each) for each in page.items], page.next, begun)


@blueprint.route("/api/v1/badges/<uuid:id>", methods=["DELETE"], scope="links:write")
@blueprint.gives(204)
def delete_badge(id: Any) -> Response:
    """Let nobody see a badge any more"""
    call("RemoveBadge", pb.RemoveBadgeRequest(id=str(id), caller=asker(), **asked()))
    return Response(status=204)


def _picture(label: str, message: str, colour: str) -> Response:
    svg = shield.render(label, message, colour).encode()
    response = Response(svg, content_type="image/svg+xml; charset=utf-8")
    response.headers["ETag"] = f'"{hashlib.sha256(svg).hexdigest()[:32]}"'
    response.headers["Cache-Control"] = f"public, max-age={MAX_AGE_S}"
    # It is meant to stand on other people's pages.
    response.headers["Cross-Origin-Resource-Policy"] = "cross-origin"
    response.make_conditional(request)
    return response


def _state(found: pb.BadgeReading) -> tuple[str, str]:
    message = f"{found.broken} broken" if found.tag and found.broken else found.state
    return message, COLOURS.get(found.state, "grey")


def _uptime(found: pb.BadgeReading) -> tuple[str, str]:
    if not found.HasField("uptime"):
        return "unknown", "grey"
    # Cut, not rounded: what was down for a minute is not 100 %.
    percent = math.floor(found.uptime * 10_000) / 100
    return f"{percent:g}%", next(colour for least, colour in UPTIME_COLOURS if found.uptime >= least)


def _badge(badge: pb.Badge) -> dict[str, Any]:
    return proto.to_json(badge) | {"path": _path(badge)}


def _path(badge: pb.Badge) -> str:
    return f"/badge/{badge.id}.svg"
