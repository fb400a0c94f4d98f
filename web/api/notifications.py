"""Notifications, the channels they go to, and what was delivered."""

from __future__ import annotations

import uuid
from typing import Any

from flask import Response, request
from google.protobuf.message import Message
from sqlalchemy.orm import Session

from contracts import notifications_pb2 as pb
from tasks.intake.submissions import accept_notification
from web import answers, bodies, paging, proto, rpc
from web.accepting import Work, accept, job_location
from web.access import caller
from web.blueprint import Blueprint
from web.front import front
from web.problems import Fault, Problem, invalid
from web.schemas.fields import Page
from web.schemas.notifications import (
    AcceptedSchema,
    ChannelPageSchema,
    ChannelSchema,
    CreatedChannelSchema,
    DeliveryFilterSchema,
    DeliveryPageSchema,
    NewChannelSchema,
    NewNotificationSchema,
)

blueprint = Blueprint(
    "notifications", __name__, url_prefix="/api/v1", description="Channels, and what was delivered to them"
)


@blueprint.route("/notifications", methods=["POST"], scope="notifications:write")
@blueprint.accepts_work
@blueprint.takes(NewNotificationSchema)
@blueprint.gives(202, AcceptedSchema, "Location")
def submit_notification(wanted: dict[str, Any]) -> Response:
    """Tell one channel something, or all of them"""
    if wanted["channel_id"]:
        _known(wanted["channel_id"])
    return accept(bodies.fingerprint, lambda session: _write(session, wanted))


@blueprint.route("/channels", methods=["POST"], scope="notifications:write")
@blueprint.takes(NewChannelSchema)
@blueprint.gives(201, CreatedChannelSchema, "Location")
def create_channel(wanted: dict[str, Any]) -> Response:
    """Add a channel

    The answer holds a webhook's secret, which is told this once.
    """
    created = _call("CreateChannel", pb.CreateChannelRequest(**wanted, **_asked(), caller=_asker()))
    channel = proto.to_json(created.channel)
    body = channel | {"secret": created.secret or None}
    return answers.json(body, 201, {"Location": f"/api/v1/channels/{channel['id']}"})


@blueprint.route("/channels", scope="notifications:read")
@blueprint.takes(Page, location="query")
@blueprint.gives(200, ChannelPageSchema)
def list_channels(arguments: dict[str, Any]) -> Response:
    """List channels"""
    begun = paging.start(arguments)
    return paging.answer(_call("ListChannels", pb.ListChannelsRequest(**begun.query)), begun)


@blueprint.route("/channels/<uuid:id>", scope="notifications:read")
@blueprint.gives(200, ChannelSchema, "ETag")
def get_channel(id: uuid.UUID) -> Response:
    """Get a channel"""
    return answers.tagged(_channel(id))


@blueprint.route("/channels/<uuid:id>", methods=["DELETE"], scope="notifications:write")
@blueprint.gives(204)
def delete_channel(id: uuid.UUID) -> Response:
    """Remove a channel

    With `If-Match`, only if it is still as its ETag says.
    """
    if request.if_match and not request.if_match.contains(_etag(id)):
        raise Problem(412, "The channel is not as it was when this ETag was given.")
    _call("DeleteChannel", pb.DeleteChannelRequest(id=str(id), **_asked(), caller=_asker()))
    return Response(status=204)


@blueprint.route("/deliveries", scope="notifications:read")
@blueprint.takes(DeliveryFilterSchema, location="query")
@blueprint.gives(200, DeliveryPageSchema)
def list_deliveries(arguments: dict[str, Any]) -> Response:
    """List deliveries with their attempts, newest first"""
    begun = paging.start(arguments)
    wanted = pb.ListDeliveriesRequest(**begun.query)
    for name, value in begun.filters.items():
        setattr(wanted, name, str(value))
    page = _call("ListDeliveries", wanted)
    return paging.listed([_delivery(item) for item in page.items], page.next, begun)


def _delivery(message: pb.Delivery) -> dict[str, Any]:
    delivery = proto.to_json(message)
    return delivery | {"channel_id": delivery["channel_id"] or None}


def _write(session: Session, wanted: dict[str, Any]) -> Work:
    job_id = accept_notification(
        session, caller(), wanted["title"], wanted["body"], wanted["channel_id"], front().intake_settings
    )
    return Work({"job_id": job_id}, job_location(job_id), "notification")


def _known(channel_id: uuid.UUID) -> None:
    """Refuse a channel that is none. Where nobody can tell now, the work is accepted all the same."""
    try:
        _channel(channel_id)
    except rpc.Missing as error:
        raise invalid(Fault("/channel_id", "There is no such channel.")) from error
    except rpc.Away:
        return


def _channel(identity: uuid.UUID) -> dict[str, Any]:
    return proto.to_json(_call("GetChannel", pb.GetChannelRequest(id=str(identity), **_asked())))


def _etag(identity: uuid.UUID) -> str:
    return answers.etag_of(_channel(identity)).strip('"')


def _call(method: str, message: Message) -> Any:
    return front().services.notifications.call(method, message)


def _asked() -> dict[str, str]:
    return {"workspace_id": str(caller().workspace_id)}


def _asker() -> pb.Caller:
    return pb.Caller(actor=caller().actor, ip=caller().ip, user_agent=caller().user_agent)
