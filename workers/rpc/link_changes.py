"""Links edited and removed, one or many at a time."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC
from typing import Any

import grpc
import msgspec

from contracts import links_pb2 as pb
from tasks import database
from tasks.links import changes, queries
from tasks.links.callers import Caller, Stale
from tasks.links.queries import LinkFilter
from tasks.links.validity import InvalidOptions
from tasks.vault import Vault
from workers.rpc.messages import to_proto
from workers.rpc.translate import Refused, answering, invalid, not_found, stale, uuid_of

MOST_AT_ONCE = 5000


class LinkChanges:
    """Each call is one transaction; what it does is announced with it."""

    _sessions: database.Sessions
    _vault: Vault

    def EditLink(self, request: pb.EditLinkRequest, context: grpc.ServicerContext) -> pb.Link:  # noqa: N802
        """The link as it is afterwards."""
        with answering("EditLink", context), self._sessions.begin() as session:
            workspace, link = uuid_of(request.workspace_id, "workspace"), uuid_of(request.id, "link")
            wanted = _settings(request.settings, request.changed)
            try:
                caller = caller_of(request.caller)
                edited = changes.edit(session, workspace, link, request.versions, wanted, caller, self._vault)
            except InvalidOptions as error:
                raise invalid_options(error) from error
            except Stale as error:
                raise stale("link") from error
            if edited is None:
                raise not_found("link")
            return to_proto(edited, pb.Link)

    def RemoveLink(self, request: pb.RemoveLinkRequest, context: grpc.ServicerContext) -> pb.Removed:  # noqa: N802
        """The link is gone, and its history with it."""
        with answering("RemoveLink", context), self._sessions.begin() as session:
            workspace, link = uuid_of(request.workspace_id, "workspace"), uuid_of(request.id, "link")
            try:
                removed = changes.remove(session, workspace, link, request.versions, caller_of(request.caller))
            except Stale as error:
                raise stale("link") from error
            if not removed:
                raise not_found("link")
            return pb.Removed()

    def ActOnLinks(self, request: pb.ActOnLinksRequest, context: grpc.ServicerContext) -> pb.Acted:  # noqa: N802
        """A bounded number of links, and where to go on."""
        with answering("ActOnLinks", context), self._sessions.begin() as session:
            if request.action not in changes.ACTIONS:
                raise invalid(f"action: must be one of {', '.join(changes.ACTIONS)}")
            workspace = uuid_of(request.workspace_id, "workspace")
            bulk = changes.Bulk(request.action, filter_of(request.filter), request.tag)
            limit = _bounded(request.limit)
            count, after = changes.act(session, workspace, bulk, limit, request.after, caller_of(request.caller))
            return pb.Acted(count=count, next=after)

    def CountLinks(self, request: pb.CountLinksRequest, context: grpc.ServicerContext) -> pb.LinkCount:  # noqa: N802
        """How many links there are."""
        with answering("CountLinks", context), database.reading(self._sessions) as session:
            workspace = uuid_of(request.workspace_id, "workspace")
            return pb.LinkCount(count=queries.count_links(session, workspace, filter_of(request.filter)))

    def SelectUrls(self, request: pb.SelectUrlsRequest, context: grpc.ServicerContext) -> pb.UrlPage:  # noqa: N802
        """URLs of links."""
        with answering("SelectUrls", context), database.reading(self._sessions) as session:
            workspace, limit = uuid_of(request.workspace_id, "workspace"), _bounded(request.limit)
            urls, after = queries.select_urls(session, workspace, limit, request.after, filter_of(request.filter))
            return pb.UrlPage(urls=urls, next=after)


def caller_of(caller: pb.Caller) -> Caller:
    """Who asks."""
    return Caller(caller.actor, caller.ip, caller.user_agent)


def invalid_options(error: InvalidOptions) -> Refused:
    """Options that cannot be kept, by their place in the request."""
    return invalid(f"{'/'.join(filter(None, ('options', error.place)))}: {error.detail}")


def filter_of(wanted: pb.LinkFilter) -> LinkFilter:
    """Which links."""
    return LinkFilter(wanted.state, wanted.verdict, wanted.reason, wanted.tag, wanted.host, wanted.q)


def _bounded(limit: int) -> int:
    return min(max(limit, 1), MOST_AT_ONCE)


def _settings(settings: pb.LinkSettings, changed: Sequence[str]) -> dict[str, Any]:
    unknown = set(changed) - {*changes.EDITABLE, "options"}
    if unknown:
        raise invalid(f"{min(unknown)}: cannot be edited")
    return {name: _value(settings, name) for name in changed}


def _value(settings: pb.LinkSettings, name: str) -> Any:
    if name == "options":
        return msgspec.json.decode(settings.options_json) if settings.HasField("options_json") else None
    if name == "tags":
        return list(settings.tags)
    if not settings.HasField(name):
        return None
    value = getattr(settings, name)
    return value.ToDatetime(tzinfo=UTC) if name == "muted_until" else value
