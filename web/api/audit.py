"""The record of what happened: what others tell it, and what it tells."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from flask import Response
from google.protobuf.timestamp_pb2 import Timestamp
from sqlalchemy.orm import Session

from config import telemetry
from contracts import audit_pb2 as pb
from tasks import clock
from tasks.audit.messages import AuditEvent
from tasks.intake.submissions import accept_audit_events
from tasks.wire import new_id
from web import bodies, paging
from web.accepting import Work, accept, job_location
from web.access import caller, require_admin
from web.answers import JSON
from web.blueprint import Blueprint
from web.front import front
from web.schemas.audit import EventFilterSchema, EventPageSchema, NewEventSchema, NewEventsSchema
from web.schemas.notifications import AcceptedSchema

BODY = {"required": True, "content": {JSON: {"schema": {"oneOf": [NewEventsSchema, NewEventSchema]}}}}

blueprint = Blueprint("audit", __name__, url_prefix="/api/v1/audit", description="The record of what happened")


@blueprint.route("/events", methods=["POST"], scope="audit:write")
@blueprint.accepts_work
@blueprint.documented(requestBody=BODY)
@blueprint.gives(202, AcceptedSchema, "Location")
def submit_events() -> Response:
    """Have events of your own remembered

    One event, or several under `events`.
    """
    wanted = bodies.load(lambda body: NewEventsSchema() if "events" in body else NewEventSchema())
    events = [_event(each) for each in wanted.get("events", [wanted])]
    return accept(bodies.fingerprint, lambda session: _write(session, events))


@blueprint.route("/events", scope="audit:read")
@blueprint.takes(EventFilterSchema, location="query")
@blueprint.gives(200, EventPageSchema)
def search_events(arguments: dict[str, Any]) -> Response:
    """Search events, newest first"""
    begun = paging.start(arguments)
    wanted = pb.SearchEventsRequest(**begun.query)
    if begun.filters.pop("anonymous"):
        require_admin()
        wanted.workspace_id = ""
    for name, value in begun.filters.items():
        if isinstance(value, datetime):
            getattr(wanted, name.rstrip("_")).CopyFrom(_timestamp(value))
        else:
            setattr(wanted, name, value)
    return paging.answer(front().services.audit.call("SearchEvents", wanted), begun)


def _write(session: Session, events: list[AuditEvent]) -> Work:
    job_id = accept_audit_events(session, caller(), events, front().intake_settings)
    return Work({"job_id": job_id}, job_location(job_id), "audit", len(events))


def _event(wanted: dict[str, Any]) -> AuditEvent:
    usual = {"actor": wanted["actor"] or caller().actor, "occurred_at": wanted["occurred_at"] or clock.now()}
    return AuditEvent(
        event_id=new_id(),
        workspace_id=caller().workspace_id,
        ip=caller().ip,
        user_agent=caller().user_agent,
        request_id=caller().request_id,
        trace_id=telemetry.trace_id(),
        **(wanted | usual),
    )


def _timestamp(value: datetime) -> Timestamp:
    found = Timestamp()
    found.FromDatetime(value.astimezone(UTC))
    return found
