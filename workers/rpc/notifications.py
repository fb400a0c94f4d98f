"""Answers about channels and deliveries, and channels made and deleted."""

from __future__ import annotations

import uuid
from collections.abc import Mapping

import grpc

from config.settings import NOTIFICATIONS_KEY, Database, Notifications, load
from contracts import notifications_pb2 as pb
from contracts import notifications_pb2_grpc
from tasks import database
from tasks.notifications import changes, queries
from tasks.vault import Vault
from workers.rpc.messages import to_proto
from workers.rpc.translate import answering, invalid, not_found, page, uuid_of


def register(server: grpc.Server, environ: Mapping[str, str]) -> str:
    """Host this service; returns its full name."""
    sessions = database.connect(load(Database, environ, "notifications").url, "pranala notifications rpc")
    servicer = NotificationsServicer(sessions, Vault(load(Notifications, environ).key, NOTIFICATIONS_KEY))
    notifications_pb2_grpc.add_NotificationsServicer_to_server(servicer, server)
    return pb.DESCRIPTOR.services_by_name["Notifications"].full_name


class NotificationsServicer(notifications_pb2_grpc.NotificationsServicer):
    """Each call is one transaction on a session of its own."""

    def __init__(self, sessions: database.Sessions, vault: Vault) -> None:
        self._sessions = sessions
        self._vault = vault

    def CreateChannel(  # noqa: N802
        self, request: pb.CreateChannelRequest, context: grpc.ServicerContext
    ) -> pb.CreatedChannel:
        """A new channel, with its secret told this once."""
        with answering("CreateChannel", context), self._sessions.begin() as session:
            workspace = uuid_of(request.workspace_id, "workspace")
            wanted = changes.Wanted(request.kind, request.name, request.target)
            try:
                channel, secret = changes.create_channel(
                    session, workspace, wanted, _caller(request.caller), self._vault
                )
            except changes.InvalidChannel as error:
                raise invalid(str(error)) from error
            return pb.CreatedChannel(channel=to_proto(queries.channel_view(channel), pb.Channel), secret=secret)

    def GetChannel(self, request: pb.GetChannelRequest, context: grpc.ServicerContext) -> pb.Channel:  # noqa: N802
        """One channel."""
        with answering("GetChannel", context), database.reading(self._sessions) as session:
            workspace, channel = uuid_of(request.workspace_id, "workspace"), uuid_of(request.id, "channel")
            found = queries.get_channel(session, workspace, channel)
            if found is None:
                raise not_found("channel")
            return to_proto(found, pb.Channel)

    def ListChannels(  # noqa: N802
        self, request: pb.ListChannelsRequest, context: grpc.ServicerContext
    ) -> pb.ChannelPage:
        """Every channel of a workspace."""
        with answering("ListChannels", context), database.reading(self._sessions) as session:
            workspace = uuid_of(request.workspace_id, "workspace")
            items, after = queries.list_channels(session, workspace, request.limit, request.after)
            return page(items, after, pb.Channel, pb.ChannelPage)

    def DeleteChannel(  # noqa: N802
        self, request: pb.DeleteChannelRequest, context: grpc.ServicerContext
    ) -> pb.Channel:
        """The channel as it was."""
        with answering("DeleteChannel", context), self._sessions.begin() as session:
            workspace, channel = uuid_of(request.workspace_id, "workspace"), uuid_of(request.id, "channel")
            deleted = changes.delete_channel(session, workspace, channel, _caller(request.caller))
            if deleted is None:
                raise not_found("channel")
            return to_proto(queries.channel_view(deleted), pb.Channel)

    def ListDeliveries(  # noqa: N802
        self, request: pb.ListDeliveriesRequest, context: grpc.ServicerContext
    ) -> pb.DeliveryPage:
        """Deliveries by filter."""
        with answering("ListDeliveries", context), database.reading(self._sessions) as session:
            wanted = queries.DeliveryFilter(
                channel_id=_optional(request.channel_id, "channel"),
                state=request.state,
                link_id=_optional(request.link_id, "link"),
            )
            workspace = uuid_of(request.workspace_id, "workspace")
            items, after = queries.list_deliveries(session, workspace, request.limit, request.after, wanted)
            return page(items, after, pb.Delivery, pb.DeliveryPage)


def _caller(caller: pb.Caller) -> changes.Caller:
    return changes.Caller(caller.actor, caller.ip, caller.user_agent)


def _optional(text: str, what: str) -> uuid.UUID | None:
    return uuid_of(text, what) if text else None
