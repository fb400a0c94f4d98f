"""Maintenance windows: times in which links are left alone."""

from __future__ import annotations

import uuid
from typing import Any

from flask import Response

from contracts import links_pb2 as pb
from web import paging, proto, versions
from web.asking import asked, asker, call
from web.blueprint import Blueprint
from web.schemas.fields import Page
from web.schemas.windows import NewWindowSchema, WindowPageSchema, WindowSchema

blueprint = Blueprint("windows", __name__, url_prefix="/api/v1/windows", description="Times of maintenance")


@blueprint.route("", methods=["POST"], scope="links:write")
@blueprint.takes(NewWindowSchema)
@blueprint.gives(201, WindowSchema, "Location", "ETag")
def create_window(wanted: dict[str, Any]) -> Response:
    """Add a maintenance window

    While it is open, the checks of its links are skipped, and what is known of them stays.
    """
    request = pb.CreateWindowRequest(settings=_settings(wanted), caller=asker(), **asked())
    window = proto.to_json(call("CreateWindow", request))
    return versions.tagged(window, 201, {"Location": f"/api/v1/windows/{window['id']}"})


@blueprint.route("", scope="links:read")
@blueprint.takes(Page, location="query")
@blueprint.gives(200, WindowPageSchema)
def list_windows(arguments: dict[str, Any]) -> Response:
    """List maintenance windows, newest first"""
    begun = paging.start(arguments)
    return paging.answer(call("ListWindows", pb.ListWindowsRequest(**begun.query)), begun)


@blueprint.route("/<uuid:id>", scope="links:read")
@blueprint.gives(200, WindowSchema, "ETag")
def get_window(id: uuid.UUID) -> Response:
    """Get a maintenance window"""
    return versions.tagged(proto.to_json(call("GetWindow", pb.GetWindowRequest(id=str(id), **asked()))))


@blueprint.route("/<uuid:id>", methods=["PUT"], scope="links:write")
@blueprint.documented(parameters=[versions.REQUIRED])
@blueprint.takes(NewWindowSchema)
@blueprint.gives(200, WindowSchema, "ETag")
def replace_window(wanted: dict[str, Any], id: uuid.UUID) -> Response:
    """Change a maintenance window

    Needs its ETag in `If-Match`.
    """
    request = pb.ReplaceWindowRequest(
        id=str(id), versions=versions.required(), settings=_settings(wanted), caller=asker(), **asked()
    )
    return versions.tagged(proto.to_json(call("ReplaceWindow", request)))


@blueprint.route("/<uuid:id>", methods=["DELETE"], scope="links:write")
@blueprint.gives(204)
def delete_window(id: uuid.UUID) -> Response:
    """Remove a maintenance window"""
    call("RemoveWindow", pb.RemoveWindowRequest(id=str(id), caller=asker(), **asked()))
    return Response(status=204)


def _settings(wanted: dict[str, Any]) -> pb.WindowSettings:
    return pb.WindowSettings(**{name: value for name, value in wanted.items() if value is not None})
