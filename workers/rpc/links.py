"""Answers about links, checks and jobs, and all that is done with links."""

from __future__ import annotations

import uuid
from collections.abc import Mapping

import grpc
from sqlalchemy.orm import Session

from config.settings import LINKS_KEY, Database, LinksKey, load
from contracts import links_pb2 as pb
from contracts import links_pb2_grpc
from tasks import database
from tasks.links import queries
from tasks.vault import Vault
from workers.rpc.badges import Badges
from workers.rpc.incidents import Incidents
from workers.rpc.link_changes import LinkChanges
from workers.rpc.messages import to_proto
from workers.rpc.policies import Policies
from workers.rpc.statistics import Statistics
from workers.rpc.translate import answering, not_found, page, uuid_of
from workers.rpc.windows import Windows


def register(server: grpc.Server, environ: Mapping[str, str]) -> str:
    """Host this service; returns its full name."""
    sessions = database.connect(load(Database, environ, "links").url, "pranala links rpc")
    vault = Vault(load(LinksKey, environ).key, LINKS_KEY)
    links_pb2_grpc.add_LinksServicer_to_server(LinksServicer(sessions, vault), server)
    return pb.DESCRIPTOR.services_by_name["Links"].full_name


class LinksServicer(LinkChanges, Incidents, Windows, Policies, Statistics, Badges, links_pb2_grpc.LinksServicer):
    """Each call is one transaction on a session of its own."""

    def __init__(self, sessions: database.Sessions, vault: Vault) -> None:
        self._sessions = sessions
        self._vault = vault

    def GetLink(self, request: pb.GetLinkRequest, context: grpc.ServicerContext) -> pb.Link:  # noqa: N802
        """One link."""
        with answering("GetLink", context), database.reading(self._sessions) as session:
            found = queries.get_link(session, uuid_of(request.workspace_id, "workspace"), uuid_of(request.id, "link"))
            if found is None:
                raise not_found("link")
            return to_proto(found, pb.Link)

    def ListLinks(self, request: pb.ListLinksRequest, context: grpc.ServicerContext) -> pb.LinkPage:  # noqa: N802
        """Links by filter."""
        with answering("ListLinks", context), database.reading(self._sessions) as session:
            wanted = queries.LinkFilter(
                request.state, request.verdict, request.reason, request.tag, request.host, request.q
            )
            workspace = uuid_of(request.workspace_id, "workspace")
            items, after = queries.list_links(session, workspace, request.limit, request.after, wanted)
            return page(items, after, pb.Link, pb.LinkPage)

    def ListChecks(self, request: pb.ListChecksRequest, context: grpc.ServicerContext) -> pb.CheckPage:  # noqa: N802
        """A link's history."""
        with answering("ListChecks", context), database.reading(self._sessions) as session:
            workspace, link = uuid_of(request.workspace_id, "workspace"), uuid_of(request.link_id, "link")
            if queries.get_link(session, workspace, link) is None:
                raise not_found("link")
            return _checks(*queries.list_checks(session, workspace, link, request.limit, request.after))

    def GetJob(self, request: pb.GetJobRequest, context: grpc.ServicerContext) -> pb.Job:  # noqa: N802
        """A job's progress."""
        with answering("GetJob", context), database.reading(self._sessions) as session:
            return _job(session, request.workspace_id, request.id)

    def ListResults(self, request: pb.ListResultsRequest, context: grpc.ServicerContext) -> pb.CheckPage:  # noqa: N802
        """A job's results."""
        with answering("ListResults", context), database.reading(self._sessions) as session:
            workspace, job = uuid_of(request.workspace_id, "workspace"), uuid_of(request.job_id, "job")
            found = queries.list_results(session, workspace, job, request.limit, request.after, request.verdict)
            return _checks(*found)

    def CountKnown(self, request: pb.CountKnownRequest, context: grpc.ServicerContext) -> pb.KnownCount:  # noqa: N802
        """How many of these links there are."""
        with answering("CountKnown", context), database.reading(self._sessions) as session:
            ids = [uuid.UUID(bytes=request.ids[at : at + 16]) for at in range(0, len(request.ids), 16)]
            found = queries.count_known(session, uuid_of(request.workspace_id, "workspace"), ids)
            return pb.KnownCount(known=found)


def _checks(items: list[queries.CheckView], after: str) -> pb.CheckPage:
    return page(items, after, pb.Check, pb.CheckPage)


def _job(session: Session, workspace_id: str, job_id: str) -> pb.Job:
    found = queries.get_job(session, uuid_of(workspace_id, "workspace"), uuid_of(job_id, "job"))
    if found is None:
        raise not_found("job")
    return to_proto(found, pb.Job)
