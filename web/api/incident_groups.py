"""Groups of incidents: the links of a host that broke together, of which people are told as one."""

from __future__ import annotations

import uuid
from typing import Any

from flask import Response

from contracts import links_pb2 as pb
from web import answers, paging, proto
from web.access import caller
from web.blueprint import Blueprint
from web.front import front
from web.schemas.incidents import IncidentGroupFilterSchema, IncidentGroupPageSchema, IncidentGroupSchema

blueprint = Blueprint(
    "incident_groups", __name__, url_prefix="/api/v1/incident-groups", description="Hosts whose links broke together"
)


@blueprint.route("", scope="links:read")
@blueprint.takes(IncidentGroupFilterSchema, location="query")
@blueprint.gives(200, IncidentGroupPageSchema)
def list_incident_groups(arguments: dict[str, Any]) -> Response:
    """List incident groups, the latest first"""
    begun = paging.start(arguments)
    request = pb.ListIncidentGroupsRequest(**begun.query, **begun.filters)
    return paging.answer(front().services.links.call("ListIncidentGroups", request), begun)


@blueprint.route("/<uuid:id>", scope="links:read")
@blueprint.gives(200, IncidentGroupSchema)
def get_incident_group(id: uuid.UUID) -> Response:
    """Get an incident group

    Its incidents are at `/incidents?group=`.
    """
    request = pb.GetIncidentGroupRequest(workspace_id=str(caller().workspace_id), id=str(id))
    return _group(front().services.links.call("GetIncidentGroup", request))


@blueprint.route("/<uuid:id>/acknowledge", methods=["POST"], scope="links:write")
@blueprint.gives(200, IncidentGroupSchema)
def acknowledge_incident_group(id: uuid.UUID) -> Response:
    """Say that you have seen an incident group

    All of its incidents that are open are acknowledged with it. The first one who does stays on record; doing it again
    takes in what has joined since.
    """
    asker = pb.Caller(actor=caller().actor, ip=caller().ip, user_agent=caller().user_agent)
    request = pb.AcknowledgeIncidentGroupRequest(workspace_id=str(caller().workspace_id), id=str(id), caller=asker)
    return _group(front().services.links.call("AcknowledgeIncidentGroup", request))


def _group(found: pb.IncidentGroup) -> Response:
    return answers.json(proto.to_json(found))
