"""Maintenance windows made, read, changed and deleted."""

from __future__ import annotations

from datetime import UTC

import grpc

from contracts import links_pb2 as pb
from tasks import database
from tasks.links import calendar
from tasks.links.callers import Stale
from tasks.links.windows import InvalidWindow
from workers.rpc.link_changes import caller_of
from workers.rpc.messages import to_proto
from workers.rpc.translate import answering, invalid, not_found, page, stale, uuid_of


class Windows:
    """Each call is one transaction; what it does is announced with it."""

    _sessions: database.Sessions

    def CreateWindow(self, request: pb.CreateWindowRequest, context: grpc.ServicerContext) -> pb.Window:  # noqa: N802
        """A new window."""
        with answering("CreateWindow", context), self._sessions.begin() as session:
            workspace, caller = uuid_of(request.workspace_id, "workspace"), caller_of(request.caller)
            try:
                created = calendar.create(session, workspace, _wanted(request.settings), caller)
            except InvalidWindow as error:
                raise invalid(str(error)) from error
            return to_proto(created, pb.Window)

    def GetWindow(self, request: pb.GetWindowRequest, context: grpc.ServicerContext) -> pb.Window:  # noqa: N802
        """One window."""
        with answering("GetWindow", context), database.reading(self._sessions) as session:
            workspace, window = uuid_of(request.workspace_id, "workspace"), uuid_of(request.id, "window")
            return _found(calendar.get(session, workspace, window))

    def ListWindows(self, request: pb.ListWindowsRequest, context: grpc.ServicerContext) -> pb.WindowPage:  # noqa: N802
        """Every window of a workspace."""
        with answering("ListWindows", context), database.reading(self._sessions) as session:
            workspace = uuid_of(request.workspace_id, "workspace")
            items, after = calendar.list_windows(session, workspace, request.limit, request.after)
            return page(items, after, pb.Window, pb.WindowPage)

    def ReplaceWindow(self, request: pb.ReplaceWindowRequest, context: grpc.ServicerContext) -> pb.Window:  # noqa: N802
        """The window as it is afterwards."""
        with answering("ReplaceWindow", context), self._sessions.begin() as session:
            workspace, window = uuid_of(request.workspace_id, "workspace"), uuid_of(request.id, "window")
            wanted, caller = _wanted(request.settings), caller_of(request.caller)
            try:
                return _found(calendar.replace(session, workspace, window, request.versions, wanted, caller))
            except InvalidWindow as error:
                raise invalid(str(error)) from error
            except Stale as error:
                raise stale("window") from error

    def RemoveWindow(self, request: pb.RemoveWindowRequest, context: grpc.ServicerContext) -> pb.Removed:  # noqa: N802
        """The window is gone."""
        with answering("RemoveWindow", context), self._sessions.begin() as session:
            workspace, window = uuid_of(request.workspace_id, "workspace"), uuid_of(request.id, "window")
            if not calendar.remove(session, workspace, window, caller_of(request.caller)):
                raise not_found("window")
            return pb.Removed()


def _found(window: calendar.WindowView | None) -> pb.Window:
    if window is None:
        raise not_found("window")
    return to_proto(window, pb.Window)


def _wanted(settings: pb.WindowSettings) -> calendar.Wanted:
    return calendar.Wanted(
        name=settings.name,
        host=settings.host if settings.HasField("host") else None,
        tag=settings.tag if settings.HasField("tag") else None,
        starts_at=settings.starts_at.ToDatetime(tzinfo=UTC),
        duration_s=settings.duration_s,
        rrule=settings.rrule,
        timezone=settings.timezone or "UTC",
    )
