"""What anybody may see, and what is made public."""

from __future__ import annotations

import grpc

from contracts import links_pb2 as pb
from tasks import clock, database
from tasks.links import badges
from workers.rpc.link_changes import caller_of
from workers.rpc.messages import to_proto
from workers.rpc.translate import answering, invalid, not_found, page, uuid_of


class Badges:
    """Each call is one transaction; what it does is announced with it."""

    _sessions: database.Sessions

    def ReadBadge(self, request: pb.ReadBadgeRequest, context: grpc.ServicerContext) -> pb.BadgeReading:  # noqa: N802
        """What a badge shows to anybody."""
        with answering("ReadBadge", context), database.reading(self._sessions) as session:
            badge = uuid_of(request.id, "badge")
            found = badges.read(session, badge, request.with_uptime, clock.now())
            if found is None:
                raise not_found("badge")
            return to_proto(found, pb.BadgeReading)

    def CreateBadge(self, request: pb.CreateBadgeRequest, context: grpc.ServicerContext) -> pb.Badge:  # noqa: N802
        """The badge of a tag."""
        with answering("CreateBadge", context), self._sessions.begin() as session:
            workspace, caller = uuid_of(request.workspace_id, "workspace"), caller_of(request.caller)
            try:
                return to_proto(badges.create(session, workspace, request.tag, caller), pb.Badge)
            except badges.TooManyBadges as error:
                raise invalid(f"tag: a workspace has at most {badges.MOST_BADGES} badges; delete one") from error

    def ListBadges(self, request: pb.ListBadgesRequest, context: grpc.ServicerContext) -> pb.BadgePage:  # noqa: N802
        """The badges of tags."""
        with answering("ListBadges", context), database.reading(self._sessions) as session:
            workspace = uuid_of(request.workspace_id, "workspace")
            items, after = badges.list_badges(session, workspace, request.limit, request.after)
            return page(items, after, pb.Badge, pb.BadgePage)

    def RemoveBadge(self, request: pb.RemoveBadgeRequest, context: grpc.ServicerContext) -> pb.Removed:  # noqa: N802
        """The tag is public no more."""
        with answering("RemoveBadge", context), self._sessions.begin() as session:
            workspace, badge = uuid_of(request.workspace_id, "workspace"), uuid_of(request.id, "badge")
            if not badges.remove(session, workspace, badge, caller_of(request.caller)):
                raise not_found("badge")
            return pb.Removed()
