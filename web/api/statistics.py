"""Uptime and latency of links over a time."""

from __future__ import annotations

import uuid
from typing import Any

from flask import Response

from contracts import links_pb2 as pb
from web import answers, proto
from web.access import caller
from web.blueprint import Blueprint
from web.front import front
from web.schemas.statistics import (
    WINDOWS_S,
    LatencySchema,
    OverTimeSchema,
    SummaryQuerySchema,
    SummarySchema,
    UptimeSchema,
)

blueprint = Blueprint("statistics", __name__, url_prefix="/api/v1", description="Uptime and latency")


@blueprint.route("/links/<uuid:id>/uptime", scope="links:read")
@blueprint.takes(OverTimeSchema, location="query")
@blueprint.gives(200, UptimeSchema)
def get_uptime(arguments: dict[str, Any], id: uuid.UUID) -> Response:
    """Get a link's uptime

    It is the time outside of incidents; an incident lasts from the first failure to the first good check after it.
    """
    return _answer("GetUptime", _over_time(arguments, id))


@blueprint.route("/links/<uuid:id>/latency", scope="links:read")
@blueprint.takes(OverTimeSchema, location="query")
@blueprint.gives(200, LatencySchema)
def get_latency(arguments: dict[str, Any], id: uuid.UUID) -> Response:
    """Get a link's latency, as a whole and as a series

    A point stands for an hour in windows of up to a week, else for a day. Only checks that were answered count.
    """
    return _answer("GetLatency", _over_time(arguments, id))


@blueprint.route("/summary", scope="links:read")
@blueprint.takes(SummaryQuerySchema, location="query")
@blueprint.gives(200, SummarySchema)
def get_summary(arguments: dict[str, Any]) -> Response:
    """Get uptime and latency of all links together, or of those with a tag

    Hours are counted some ten minutes after they are over; a link counts for the tags that it had then.
    """
    window_s = WINDOWS_S[arguments["window"]]
    request = pb.SummaryRequest(workspace_id=str(caller().workspace_id), tag=arguments["tag"], window_s=window_s)
    return _answer("GetSummary", request)


def _over_time(arguments: dict[str, Any], identity: uuid.UUID) -> pb.OverTimeRequest:
    window_s = WINDOWS_S[arguments["window"]]
    return pb.OverTimeRequest(workspace_id=str(caller().workspace_id), id=str(identity), window_s=window_s)


def _answer(method: str, request: pb.OverTimeRequest | pb.SummaryRequest) -> Response:
    return answers.json(proto.to_json(front().services.links.call(method, request)))
