"""Answers about incidents, and that somebody has seen one."""

from __future__ import annotations

import grpc

from contracts import links_pb2 as pb
from tasks import database
from tasks.links import groups, incidents
from tasks.links.groups import GroupFilter, GroupView
from tasks.links.incidents import IncidentFilter
from workers.rpc.link_changes import caller_of
from workers.rpc.messages import to_proto
from workers.rpc.translate import answering, not_found, page, uuid_of


class Incidents:
    """Each call is one transaction."""

    _sessions: database.Sessions

    def ListIncidents(  # noqa: N802
        self, request: pb.ListIncidentsRequest, context: grpc.ServicerContext
    ) -> pb.IncidentPage:
        """Incidents by filter."""
        with answering("ListIncidents", context), database.reading(self._sessions) as session:
            workspace = uuid_of(request.workspace_id, "workspace")
            link_id = uuid_of(request.link_id, "link") if request.link_id else None
            group = uuid_of(request.group, "group") if request.group else None
            wanted = IncidentFilter(request.state, link_id, request.host, group)
            items, after = incidents.list_incidents(session, workspace, request.limit, request.after, wanted)
            return page(items, after, pb.Incident, pb.IncidentPage)

    def GetIncident(self, request: pb.GetIncidentRequest, context: grpc.ServicerContext) -> pb.IncidentStory:  # noqa: N802
        """One incident with its timeline."""
        with answering("GetIncident", context), database.reading(self._sessions) as session:
            workspace, identity = uuid_of(request.workspace_id, "workspace"), uuid_of(request.id, "incident")
            return _story(incidents.get_story(session, workspace, identity))

    def AcknowledgeIncident(  # noqa: N802
        self, request: pb.AcknowledgeIncidentRequest, context: grpc.ServicerContext
    ) -> pb.IncidentStory:
        """The incident, seen."""
        with answering("AcknowledgeIncident", context), self._sessions.begin() as session:
            workspace, identity = uuid_of(request.workspace_id, "workspace"), uuid_of(request.id, "incident")
            return _story(incidents.acknowledge(session, workspace, identity, caller_of(request.caller)))

    def ListIncidentGroups(  # noqa: N802
        self, request: pb.ListIncidentGroupsRequest, context: grpc.ServicerContext
    ) -> pb.IncidentGroupPage:
        """Groups by filter."""
        with answering("ListIncidentGroups", context), database.reading(self._sessions) as session:
            workspace, wanted = uuid_of(request.workspace_id, "workspace"), GroupFilter(request.state, request.host)
            items, after = groups.list_groups(session, workspace, request.limit, request.after, wanted)
            return page(items, after, pb.IncidentGroup, pb.IncidentGroupPage)

    def GetIncidentGroup(  # noqa: N802
        self, request: pb.GetIncidentGroupRequest, context: grpc.ServicerContext
    ) -> pb.IncidentGroup:
        """One group."""
        with answering("GetIncidentGroup", context), database.reading(self._sessions) as session:
            workspace, identity = uuid_of(request.workspace_id, "workspace"), uuid_of(request.id, "incident group")
            return _group(groups.get_group(session, workspace, identity))

    def AcknowledgeIncidentGroup(  # noqa: N802
        self, request: pb.AcknowledgeIncidentGroupRequest, context: grpc.ServicerContext
    ) -> pb.IncidentGroup:
        """The group, seen."""
        with answering("AcknowledgeIncidentGroup", context), self._sessions.begin() as session:
            workspace, identity = uuid_of(request.workspace_id, "workspace"), uuid_of(request.id, "incident group")
            return _group(groups.acknowledge(session, workspace, identity, caller_of(request.caller)))


def _group(found: GroupView | None) -> pb.IncidentGroup:
    if found is None:
        raise not_found("incident group")
    return to_proto(found, pb.IncidentGroup)


def _story(found: incidents.Story | None) -> pb.IncidentStory:
    if found is None:
        raise not_found("incident")
    return to_proto(found, pb.IncidentStory)
