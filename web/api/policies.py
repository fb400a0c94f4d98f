"""Policies: how the links of a host, or of the whole workspace, are checked."""

from __future__ import annotations

from typing import Any

import msgspec
from flask import Response, request

from contracts import links_pb2 as pb
from tasks.urls import InvalidUrl, host_of, normalise
from web import paging, proto, rpc, versions
from web.asking import asked, asker, call
from web.blueprint import Blueprint
from web.problems import Fault, Problem, invalid
from web.schemas.fields import Page
from web.schemas.options import (
    HostPolicyInputSchema,
    HostPolicyPageSchema,
    HostPolicySchema,
    WorkspacePolicyInputSchema,
    WorkspacePolicySchema,
)

OF_HOST = tuple(HostPolicySchema._declared_fields)
OF_WORKSPACE = tuple(WorkspacePolicySchema._declared_fields)

blueprint = Blueprint("policies", __name__, url_prefix="/api/v1", description="How hosts and workspaces are checked")


@blueprint.route("/hosts", scope="links:read")
@blueprint.takes(Page, location="query")
@blueprint.gives(200, HostPolicyPageSchema)
def list_host_policies(arguments: dict[str, Any]) -> Response:
    """List the hosts that have a policy, by name"""
    begun = paging.start(arguments)
    found = call("ListPolicies", pb.ListPoliciesRequest(**begun.query))
    return paging.listed([_shown(each, OF_HOST) for each in found.items], found.next, begun)


@blueprint.route("/hosts/<host>/policy", scope="links:read")
@blueprint.gives(200, HostPolicySchema, "ETag")
def get_host_policy(host: str) -> Response:
    """Get a host's policy"""
    return _tagged(call("GetPolicy", pb.GetPolicyRequest(host=_name(host), **asked())), OF_HOST)


@blueprint.route("/hosts/<host>/policy", methods=["PUT"], scope="links:write")
@blueprint.documented(parameters=[versions.REQUIRED_WHERE_SET])
@blueprint.takes(HostPolicyInputSchema)
@blueprint.gives(200, HostPolicySchema, "ETag")
def put_host_policy(wanted: dict[str, Any], host: str) -> Response:
    """Set or replace a host's policy

    The links of the host are checked by it from their next check on, and their own options go over it. Its headers,
    cookies and logins go to this host only, also where a redirect leads to it. Needs the ETag in `If-Match` where
    there is one already. A secret that is sent back as it is shown stays; what is not named goes.
    """
    return _put(wanted, _name(host), OF_HOST)


@blueprint.route("/hosts/<host>/policy", methods=["DELETE"], scope="links:write")
@blueprint.documented(parameters=[versions.OPTIONAL])
@blueprint.gives(204)
def delete_host_policy(host: str) -> Response:
    """Remove a host's policy"""
    call(
        "RemovePolicy",
        pb.RemovePolicyRequest(host=_name(host), versions=versions.optional(), caller=asker(), **asked()),
    )
    return Response(status=204)


@blueprint.route("/policy", scope="links:read")
@blueprint.gives(200, WorkspacePolicySchema, "ETag")
def get_policy() -> Response:
    """Get the workspace's policy"""
    return _tagged(call("GetPolicy", pb.GetPolicyRequest(**asked())), OF_WORKSPACE)


@blueprint.route("/policy", methods=["PUT"], scope="links:write")
@blueprint.documented(parameters=[versions.REQUIRED_WHERE_SET])
@blueprint.takes(WorkspacePolicyInputSchema)
@blueprint.gives(200, WorkspacePolicySchema, "ETag")
def put_policy(wanted: dict[str, Any]) -> Response:
    """Set or replace the workspace's policy

    It stands over the settings; policies of hosts and options of links go over it. Needs the ETag in `If-Match` where
    one was set already. What is not named goes back to the settings' own.
    """
    return _put(wanted, "", OF_WORKSPACE)


def _put(wanted: dict[str, Any], host: str, names: tuple[str, ...]) -> Response:
    options = msgspec.json.encode(wanted.pop("options")).decode()
    rules = {name: value for name, value in wanted.items() if value is not None}
    policy = pb.Policy(host=host, options_json=options, **rules)
    blind = "If-Match" not in request.headers
    # Who names no version may make one where there is none, which undoes nobody's work.
    known = [0] if blind else versions.optional()
    request_ = pb.PutPolicyRequest(policy=policy, versions=known, caller=asker(), **asked())
    try:
        return _tagged(call("PutPolicy", request_), names)
    except rpc.Stale:
        if blind and "If-None-Match" not in request.headers:
            detail = "There is one already: send the ETag that you read in If-Match, so that nobody's change is lost."
            raise Problem(428, detail) from None
        raise


def _name(host: str) -> str:
    """The host as links have it: in ASCII and lower case, without a port."""
    try:
        name = host_of(normalise(f"http://{host}/"))
    except InvalidUrl as error:
        raise invalid(Fault("", f"the host {host!r} cannot be read as one")) from error
    if normalise(f"http://{name}/") != normalise(f"http://{host}/"):
        raise invalid(Fault("", f"name the host alone, such as {name}, without port or path"))
    return name


def _tagged(policy: pb.Policy, names: tuple[str, ...]) -> Response:
    return versions.tagged(_shown(policy, names))


def _shown(policy: pb.Policy, names: tuple[str, ...]) -> dict[str, Any]:
    found = proto.to_json(policy)
    return {name: found[name] for name in names}
