"""Answers about what happened."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime

import grpc
from google.protobuf.timestamp_pb2 import Timestamp

from config.settings import Database, load
from contracts import audit_pb2 as pb
from contracts import audit_pb2_grpc
from tasks import database
from tasks.audit import queries
from workers.rpc.translate import answering, page, uuid_of


def register(server: grpc.Server, environ: Mapping[str, str]) -> str:
    """Host this service; returns its full name."""
    sessions = database.connect(load(Database, environ, "audit").url, "pranala audit rpc")
    audit_pb2_grpc.add_AuditServicer_to_server(AuditServicer(sessions), server)
    return pb.DESCRIPTOR.services_by_name["Audit"].full_name


class AuditServicer(audit_pb2_grpc.AuditServicer):
    """Each call is one query on a session of its own."""

    def __init__(self, sessions: database.Sessions) -> None:
        self._sessions = sessions

    def SearchEvents(self, request: pb.SearchEventsRequest, context: grpc.ServicerContext) -> pb.EventPage:  # noqa: N802
        """Events by filter."""
        with answering("SearchEvents", context), database.reading(self._sessions) as session:
            workspace = uuid_of(request.workspace_id, "workspace") if request.workspace_id else None
            items, after = queries.search(session, workspace, request.limit, request.after, _filter(request))
            return page(items, after, pb.Event, pb.EventPage)


def _filter(request: pb.SearchEventsRequest) -> queries.EventFilter:
    return queries.EventFilter(
        actor=request.actor,
        action=request.action,
        resource=request.resource,
        outcome=request.outcome,
        # `from` is a word of Python's own.
        since=_time(getattr(request, "from")) if request.HasField("from") else None,
        until=_time(request.to) if request.HasField("to") else None,
        q=request.q,
        trace_id=request.trace_id,
    )


def _time(timestamp: Timestamp) -> datetime:
    return timestamp.ToDatetime(tzinfo=UTC)
