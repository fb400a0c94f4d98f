"""Answers about what checks came to over a time."""

from __future__ import annotations

from datetime import timedelta

import grpc

from contracts import links_pb2 as pb
from tasks import clock, database
from tasks.links import statistics
from workers.rpc.messages import to_proto
from workers.rpc.translate import answering, not_found, uuid_of


class Statistics:
    """Each call is one transaction that only reads."""

    _sessions: database.Sessions

    def GetUptime(self, request: pb.OverTimeRequest, context: grpc.ServicerContext) -> pb.Uptime:  # noqa: N802
        """How much of the time a link was up."""
        with answering("GetUptime", context), database.reading(self._sessions) as session:
            workspace, link = uuid_of(request.workspace_id, "workspace"), uuid_of(request.id, "link")
            found = statistics.get_uptime(session, workspace, link, _window(request.window_s), clock.now())
            if found is None:
                raise not_found("link")
            return to_proto(found, pb.Uptime)

    def GetLatency(self, request: pb.OverTimeRequest, context: grpc.ServicerContext) -> pb.Latency:  # noqa: N802
        """How long a link took to answer."""
        with answering("GetLatency", context), database.reading(self._sessions) as session:
            workspace, link = uuid_of(request.workspace_id, "workspace"), uuid_of(request.id, "link")
            found = statistics.get_latency(session, workspace, link, _window(request.window_s), clock.now())
            if found is None:
                raise not_found("link")
            return to_proto(found, pb.Latency)

    def GetSummary(self, request: pb.SummaryRequest, context: grpc.ServicerContext) -> pb.Summary:  # noqa: N802
        """Many links together."""
        with answering("GetSummary", context), database.reading(self._sessions) as session:
            workspace, window = uuid_of(request.workspace_id, "workspace"), _window(request.window_s)
            found = statistics.get_summary(session, workspace, request.tag, window, clock.now())
            return to_proto(found, pb.Summary)


def _window(seconds: int) -> timedelta:
    return timedelta(seconds=seconds)
