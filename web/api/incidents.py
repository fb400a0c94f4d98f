"""Incidents: what is broken, since when and why, and who is on it."""

from __future__ import annotations

import uuid
from typing import Any

from flask import Response

from contracts import links_pb2 as pb
from web import answers, paging, proto
from web.access import caller
from web.blueprint import Blueprint
from web.front import front
from web.schemas.incidents import IncidentFilterSchema, IncidentPageSchema, IncidentStorySchema

blueprint = Blueprint("incidents", __name__, url_prefix="/api/v1/incidents", description="What is or was broken")


@blueprint.route("", scope="links:read")
@blueprint.takes(IncidentFilterSchema, location="query")
@blueprint.gives(200, IncidentPageSchema)
def list_incidents(arguments: dict[str, Any]) -> Response:
    """List incidents, the latest first"""
    begun = paging.start(
        {name: str(value) if isinstance(value, uuid.UUID) else value for name, value in arguments.items()}
    )
    request = pb.ListIncidentsRequest(**begun.query, **begun.filters)
    return paging.answer(front().services.links.call("ListIncidents", request), begun)


@blueprint.route("/<uuid:id>", scope="links:read")
@blueprint.gives(200, IncidentStorySchema)
def get_incident(id: uuid.UUID) -> Response:
    """Get an incident with its timeline"""
    request = pb.GetIncidentRequest(workspace_id=str(caller().workspace_id), id=str(id))
    return _story(front().services.links.call("GetIncident", request))


@blueprint.route("/<uuid:id>/acknowledge", methods=["POST"], scope="links:write")
@blueprint.gives(200, IncidentStorySchema)
def acknowledge_incident(id: uuid.UUID) -> Response:
    """Say that you have seen an incident

    The first one who does stays on record; doing it again changes nothing.
    """
    asker = pb.Caller(actor=caller().actor, ip=caller().ip, user_agent=caller().user_agent)
    request = pb.AcknowledgeIncidentRequest(workspace_id=str(caller().workspace_id), id=str(id), caller=asker)
    return _story(front().services.links.call("AcknowledgeIncident", request))


def _story(found: pb.IncidentStory) -> Response:
    story = proto.to_json(found)
    return answers.json(story["incident"] | {"timeline": story["timeline"]})
