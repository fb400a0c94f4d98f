"""How the links of hosts and workspaces are checked, and secrets sealed for those who have no key."""

from __future__ import annotations

from typing import Any

import grpc
import msgspec

from contracts import links_pb2 as pb
from tasks import database
from tasks.links import policies
from tasks.links.callers import Stale
from tasks.links.sealed import Safe
from tasks.links.validity import InvalidOptions
from tasks.vault import Vault
from workers.rpc.link_changes import caller_of, invalid_options
from workers.rpc.messages import to_proto
from workers.rpc.translate import answering, not_found, page, stale, uuid_of


class Policies:
    """Each call is one transaction; what it does is announced with it."""

    _sessions: database.Sessions
    _vault: Vault

    def GetPolicy(self, request: pb.GetPolicyRequest, context: grpc.ServicerContext) -> pb.Policy:  # noqa: N802
        """The policy of a host or of the workspace."""
        with answering("GetPolicy", context), database.reading(self._sessions) as session:
            found = policies.get(session, uuid_of(request.workspace_id, "workspace"), request.host)
            if found is None:
                raise not_found("policy")
            return to_proto(found, pb.Policy)

    def ListPolicies(self, request: pb.ListPoliciesRequest, context: grpc.ServicerContext) -> pb.PolicyPage:  # noqa: N802
        """The policies of hosts."""
        with answering("ListPolicies", context), database.reading(self._sessions) as session:
            workspace = uuid_of(request.workspace_id, "workspace")
            items, after = policies.list_hosts(session, workspace, request.limit, request.after)
            return page(items, after, pb.Policy, pb.PolicyPage)

    def PutPolicy(self, request: pb.PutPolicyRequest, context: grpc.ServicerContext) -> pb.Policy:  # noqa: N802
        """The policy as it is afterwards."""
        with answering("PutPolicy", context), self._sessions.begin() as session:
            workspace, caller = uuid_of(request.workspace_id, "workspace"), caller_of(request.caller)
            host, wanted = request.policy.host, _wanted(request.policy)
            try:
                put = policies.put(session, workspace, host, wanted, request.versions, caller, self._vault)
            except InvalidOptions as error:
                raise invalid_options(error) from error
            except Stale as error:
                raise stale("policy") from error
            return to_proto(put, pb.Policy)

    def RemovePolicy(self, request: pb.RemovePolicyRequest, context: grpc.ServicerContext) -> pb.Removed:  # noqa: N802
        """The host is like all others again."""
        with answering("RemovePolicy", context), self._sessions.begin() as session:
            workspace, caller = uuid_of(request.workspace_id, "workspace"), caller_of(request.caller)
            try:
                removed = policies.remove(session, workspace, request.host, request.versions, caller)
            except Stale as error:
                raise stale("policy") from error
            if not removed:
                raise not_found("policy")
            return pb.Removed()

    def SealSecrets(self, request: pb.SealSecretsRequest, context: grpc.ServicerContext) -> pb.SealedSecrets:  # noqa: N802
        """Secrets of links, each sealed for its own."""
        with answering("SealSecrets", context):
            workspace = uuid_of(request.workspace_id, "workspace")
            safes = [Safe(self._vault, workspace, uuid_of(each.link_id, "link")) for each in request.items]
            sealed = [safe.lock(each.secrets_json) for safe, each in zip(safes, request.items, strict=True)]
            return pb.SealedSecrets(items=sealed)


def _wanted(policy: pb.Policy) -> policies.Wanted:
    names = policies.RULES_OF_HOST if policy.host else policies.RULES_OF_WORKSPACE
    return policies.Wanted(
        {name: _value(policy, name) for name in names}, msgspec.json.decode(policy.options_json or "{}")
    )


def _value(policy: pb.Policy, name: str) -> Any:
    if name == "confirm_offsets_s":
        return list(policy.confirm_offsets_s)
    return getattr(policy, name) if policy.HasField(name) else None
