"""The services behind RPC as real gRPC servers, with little behind them: what a test put there."""

from __future__ import annotations

import time
import uuid
from collections import defaultdict
from collections.abc import Callable
from concurrent import futures
from typing import Any

import grpc
from google.protobuf.json_format import MessageToDict, ParseDict
from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp
from grpc_health.v1 import health, health_pb2, health_pb2_grpc

from contracts import (
    accounts_pb2,
    accounts_pb2_grpc,
    audit_pb2,
    audit_pb2_grpc,
    links_pb2,
    links_pb2_grpc,
    monitor_pb2,
    monitor_pb2_grpc,
    notifications_pb2,
    notifications_pb2_grpc,
)
from tasks.accounts import keys

TOKEN = "rpc-token"
SERVICES = ("links", "notifications", "audit", "accounts", "monitor")


class Neighbours:
    """All services on one address. `failing` answers every call to a service with that status,
    every call takes `delay_s`,
    and `before_job` is called before a job is looked for."""

    def __init__(self) -> None:
        self.principals: dict[str, accounts_pb2.Principal] = {}
        self.links: list[links_pb2.Link] = []
        self.checks: list[links_pb2.Check] = []
        self.incidents: list[links_pb2.IncidentStory] = []
        self.groups: list[links_pb2.IncidentGroup] = []
        self.windows: list[links_pb2.Window] = []
        self.badges: list[links_pb2.Badge] = []
        self.readings: dict[str, links_pb2.BadgeReading] = {}
        self.policies: dict[str, links_pb2.Policy] = {}
        self.jobs: dict[str, links_pb2.Job] = {}
        self.channels: dict[str, list[notifications_pb2.Channel]] = defaultdict(list)
        self.deliveries: list[notifications_pb2.Delivery] = []
        self.events: list[audit_pb2.Event] = []
        self.workers: list[monitor_pb2.Worker] = []
        self.queues: list[monitor_pb2.Queue] = []
        self.dead_letters: list[monitor_pb2.DeadLetterStory] = []
        self.failing: dict[str, grpc.StatusCode] = {}
        self.delay_s = 0.0
        self.before_job: Callable[[str], None] = lambda _job_id: None
        self.asked: list[tuple[str, Message, dict[str, str]]] = []
        self.health = health.HealthServicer()
        self.address = "127.0.0.1:0"
        self.start()

    def start(self) -> None:
        """Listen, on the same address as before."""
        self._server = grpc.server(futures.ThreadPoolExecutor(8), options=(("grpc.so_reuseport", 0),))
        accounts_pb2_grpc.add_AccountsServicer_to_server(_Accounts(self), self._server)
        links_pb2_grpc.add_LinksServicer_to_server(_Links(self), self._server)
        notifications_pb2_grpc.add_NotificationsServicer_to_server(_Notifications(self), self._server)
        audit_pb2_grpc.add_AuditServicer_to_server(_Audit(self), self._server)
        monitor_pb2_grpc.add_MonitorServicer_to_server(_Monitor(self), self._server)
        health_pb2_grpc.add_HealthServicer_to_server(self.health, self._server)
        for name in SERVICES:
            self.health.set(f"pranala.{name}.v1.{name.capitalize()}", health_pb2.HealthCheckResponse.SERVING)
        port = self._server.add_insecure_port(self.address)
        self.address = f"127.0.0.1:{port}"
        self._server.start()

    def stop(self) -> None:
        """Be gone."""
        self._server.stop(grace=None).wait()

    def give_key(self, *scopes: str, workspace_id: uuid.UUID | None = None, name: str = "test") -> str:
        """A key that accounts knows."""
        key = keys.new_key()
        self.principals[keys.hash_of(key)] = accounts_pb2.Principal(
            workspace_id=str(workspace_id or uuid.uuid4()), key_id=str(uuid.uuid4()), name=name, scopes=scopes
        )
        return key

    def calls(self, method: str) -> list[Message]:
        """The requests that this method was called with."""
        return [request for name, request, _ in self.asked if name == method]

    def heard(self, service: str, method: str, request: Message, context: grpc.ServicerContext) -> None:
        """What every call begins with."""
        metadata = {key: str(value) for key, value in context.invocation_metadata()}
        self.asked.append((method, request, metadata))
        time.sleep(self.delay_s)
        if metadata.get("authorization") != f"Bearer {TOKEN}":
            context.abort(grpc.StatusCode.PERMISSION_DENIED, "no token")
        if service in self.failing:
            context.abort(self.failing[service], f"{service} does not work")


def page_of(items: list[Any], request: Any) -> tuple[list[Any], str]:
    """The items from `after` on, and where the next page starts."""
    start = int(request.after or 0)
    end = start + request.limit
    return items[start:end], str(end) if end < len(items) else ""


def _day() -> dict[str, Timestamp]:
    """The last one of the week."""
    since, until = Timestamp(), Timestamp()
    since.FromJsonString("2026-11-21T00:00:00Z")
    until.FromJsonString("2026-11-22T00:00:00Z")
    return {"since": since, "until": until}


class _Servicer:
    service = ""

    def __init__(self, neighbours: Neighbours) -> None:
        self._all = neighbours

    def _hear(self, method: str, request: Message, context: grpc.ServicerContext) -> None:
        self._all.heard(self.service, method, request, context)


class _Accounts(_Servicer, accounts_pb2_grpc.AccountsServicer):
    service = "accounts"

    def Authenticate(self, request: Any, context: Any) -> accounts_pb2.Principal:  # noqa: N802
        self._hear("Authenticate", request, context)
        if request.key_hash not in self._all.principals:
            context.abort(grpc.StatusCode.UNAUTHENTICATED, "no such key")
        return self._all.principals[request.key_hash]


class _Links(_Servicer, links_pb2_grpc.LinksServicer):
    service = "links"

    def GetLink(self, request: Any, context: Any) -> links_pb2.Link:  # noqa: N802
        self._hear("GetLink", request, context)
        return self._link(request.id, context)

    def ListLinks(self, request: Any, context: Any) -> links_pb2.LinkPage:  # noqa: N802
        self._hear("ListLinks", request, context)
        items, after = page_of(self._all.links, request)
        return links_pb2.LinkPage(items=items, next=after)

    def ListChecks(self, request: Any, context: Any) -> links_pb2.CheckPage:  # noqa: N802
        self._hear("ListChecks", request, context)
        self._link(request.link_id, context)
        items, after = page_of([each for each in self._all.checks if each.link_id == request.link_id], request)
        return links_pb2.CheckPage(items=items, next=after)

    def GetJob(self, request: Any, context: Any) -> links_pb2.Job:  # noqa: N802
        self._hear("GetJob", request, context)
        self._all.before_job(request.id)
        if request.id not in self._all.jobs:
            context.abort(grpc.StatusCode.NOT_FOUND, "no such job")
        return self._all.jobs[request.id]

    def CountKnown(self, request: Any, context: Any) -> links_pb2.KnownCount:  # noqa: N802
        self._hear("CountKnown", request, context)
        ids = {request.ids[at : at + 16] for at in range(0, len(request.ids), 16)}
        return links_pb2.KnownCount(known=sum(uuid.UUID(each.id).bytes in ids for each in self._all.links))

    def ListResults(self, request: Any, context: Any) -> links_pb2.CheckPage:  # noqa: N802
        self._hear("ListResults", request, context)
        results = [each for each in self._all.checks if each.job_id == request.job_id]
        items, after = page_of([each for each in results if request.verdict in ("", each.verdict)], request)
        return links_pb2.CheckPage(items=items, next=after)

    def EditLink(self, request: Any, context: Any) -> links_pb2.Link:  # noqa: N802
        self._hear("EditLink", request, context)
        link = self._link(request.id, context)
        _of_version(link, request, context)
        link.version += 1
        for name in request.changed:
            link.ClearField({"options": "options_json"}.get(name, name))
        ParseDict(MessageToDict(request.settings, preserving_proto_field_name=True), link)
        return link

    def RemoveLink(self, request: Any, context: Any) -> links_pb2.Removed:  # noqa: N802
        self._hear("RemoveLink", request, context)
        link = self._link(request.id, context)
        _of_version(link, request, context)
        self._all.links.remove(link)
        return links_pb2.Removed()

    def ActOnLinks(self, request: Any, context: Any) -> links_pb2.Acted:  # noqa: N802
        self._hear("ActOnLinks", request, context)
        items, after = page_of(self._all.links, request)
        return links_pb2.Acted(count=len(items), next=after)

    def CountLinks(self, request: Any, context: Any) -> links_pb2.LinkCount:  # noqa: N802
        self._hear("CountLinks", request, context)
        return links_pb2.LinkCount(count=len(self._all.links))

    def SelectUrls(self, request: Any, context: Any) -> links_pb2.UrlPage:  # noqa: N802
        self._hear("SelectUrls", request, context)
        items, after = page_of(self._all.links, request)
        return links_pb2.UrlPage(urls=[link.url for link in items], next=after)

    def SealSecrets(self, request: Any, context: Any) -> links_pb2.SealedSecrets:  # noqa: N802
        self._hear("SealSecrets", request, context)
        return links_pb2.SealedSecrets(items=[f"sealed for {each.link_id}" for each in request.items])

    def GetPolicy(self, request: Any, context: Any) -> links_pb2.Policy:  # noqa: N802
        self._hear("GetPolicy", request, context)
        if request.host and request.host not in self._all.policies:
            context.abort(grpc.StatusCode.NOT_FOUND, "no such policy")
        return self._all.policies.get(request.host, links_pb2.Policy(options_json="{}"))

    def ListPolicies(self, request: Any, context: Any) -> links_pb2.PolicyPage:  # noqa: N802
        self._hear("ListPolicies", request, context)
        items, after = page_of([each for host, each in sorted(self._all.policies.items()) if host], request)
        return links_pb2.PolicyPage(items=items, next=after)

    def PutPolicy(self, request: Any, context: Any) -> links_pb2.Policy:  # noqa: N802
        self._hear("PutPolicy", request, context)
        version = self._all.policies.get(request.policy.host, links_pb2.Policy()).version
        if request.versions and version not in request.versions:
            context.abort(grpc.StatusCode.ABORTED, "the policy is of another version")
        if "40x" in request.policy.options_json:
            context.abort(grpc.StatusCode.INVALID_ARGUMENT, "options/verdicts/40x: is no status")
        self._all.policies[request.policy.host] = request.policy
        request.policy.version = version + 1
        return request.policy

    def RemovePolicy(self, request: Any, context: Any) -> links_pb2.Removed:  # noqa: N802
        self._hear("RemovePolicy", request, context)
        if self._all.policies.pop(request.host, None) is None:
            context.abort(grpc.StatusCode.NOT_FOUND, "no such policy")
        return links_pb2.Removed()

    def ListIncidents(self, request: Any, context: Any) -> links_pb2.IncidentPage:  # noqa: N802
        self._hear("ListIncidents", request, context)
        items, after = page_of([each.incident for each in self._all.incidents], request)
        return links_pb2.IncidentPage(items=items, next=after)

    def GetIncident(self, request: Any, context: Any) -> links_pb2.IncidentStory:  # noqa: N802
        self._hear("GetIncident", request, context)
        return _one_of([each for each in self._all.incidents if each.incident.id == request.id], "incident", context)

    def AcknowledgeIncident(self, request: Any, context: Any) -> links_pb2.IncidentStory:  # noqa: N802
        self._hear("AcknowledgeIncident", request, context)
        found = _one_of([each for each in self._all.incidents if each.incident.id == request.id], "incident", context)
        found.incident.acknowledged_by = request.caller.actor
        return found

    def GetUptime(self, request: Any, context: Any) -> links_pb2.Uptime:  # noqa: N802
        self._hear("GetUptime", request, context)
        self._link(request.id, context)
        return links_pb2.Uptime(uptime=0.75, watched_s=86_400, down_s=21_600, incidents=2, checks={"ok": 3}, **_day())

    def GetLatency(self, request: Any, context: Any) -> links_pb2.Latency:  # noqa: N802
        self._hear("GetLatency", request, context)
        self._link(request.id, context)
        point = links_pb2.LatencyPoint(at=_day()["since"], checks=3, p50_ms=10, p95_ms=20, p99_ms=30)
        return links_pb2.Latency(step_s=3600, checks=3, p50_ms=10, p95_ms=20, p99_ms=30, points=[point], **_day())

    def ReadBadge(self, request: Any, context: Any) -> links_pb2.BadgeReading:  # noqa: N802
        self._hear("ReadBadge", request, context)
        return self._all.readings.get(request.id) or context.abort(grpc.StatusCode.NOT_FOUND, "no such badge")

    def CreateBadge(self, request: Any, context: Any) -> links_pb2.Badge:  # noqa: N802
        self._hear("CreateBadge", request, context)
        badge = links_pb2.Badge(id=str(uuid.uuid4()), tag=request.tag, created_at=_day()["since"])
        self._all.badges.append(badge)
        return badge

    def ListBadges(self, request: Any, context: Any) -> links_pb2.BadgePage:  # noqa: N802
        self._hear("ListBadges", request, context)
        items, after = page_of(self._all.badges, request)
        return links_pb2.BadgePage(items=items, next=after)

    def RemoveBadge(self, request: Any, context: Any) -> links_pb2.Removed:  # noqa: N802
        self._hear("RemoveBadge", request, context)
        self._all.badges.remove(_one_of([each for each in self._all.badges if each.id == request.id], "badge", context))
        return links_pb2.Removed()

    def GetSummary(self, request: Any, context: Any) -> links_pb2.Summary:  # noqa: N802
        self._hear("GetSummary", request, context)
        return links_pb2.Summary(links=2, uptime=0.5, watched_s=7200, down_s=3600, checks={"ok": 3}, **_day())

    def ListIncidentGroups(self, request: Any, context: Any) -> links_pb2.IncidentGroupPage:  # noqa: N802
        self._hear("ListIncidentGroups", request, context)
        items, after = page_of(self._all.groups, request)
        return links_pb2.IncidentGroupPage(items=items, next=after)

    def GetIncidentGroup(self, request: Any, context: Any) -> links_pb2.IncidentGroup:  # noqa: N802
        self._hear("GetIncidentGroup", request, context)
        return _one_of([each for each in self._all.groups if each.id == request.id], "incident group", context)

    def AcknowledgeIncidentGroup(self, request: Any, context: Any) -> links_pb2.IncidentGroup:  # noqa: N802
        self._hear("AcknowledgeIncidentGroup", request, context)
        found = _one_of([each for each in self._all.groups if each.id == request.id], "incident group", context)
        found.acknowledged_by = request.caller.actor
        return found

    def CreateWindow(self, request: Any, context: Any) -> links_pb2.Window:  # noqa: N802
        self._hear("CreateWindow", request, context)
        if request.settings.rrule == "FREQ=SECONDLY":
            context.abort(grpc.StatusCode.INVALID_ARGUMENT, "rrule: happens too often")
        window = _window(request.settings, links_pb2.Window(id=str(uuid.uuid4()), version=1))
        window.created_at.GetCurrentTime()
        self._all.windows.append(window)
        return window

    def GetWindow(self, request: Any, context: Any) -> links_pb2.Window:  # noqa: N802
        self._hear("GetWindow", request, context)
        return _one_of([each for each in self._all.windows if each.id == request.id], "window", context)

    def ListWindows(self, request: Any, context: Any) -> links_pb2.WindowPage:  # noqa: N802
        self._hear("ListWindows", request, context)
        items, after = page_of(self._all.windows, request)
        return links_pb2.WindowPage(items=items, next=after)

    def ReplaceWindow(self, request: Any, context: Any) -> links_pb2.Window:  # noqa: N802
        self._hear("ReplaceWindow", request, context)
        window = _one_of([each for each in self._all.windows if each.id == request.id], "window", context)
        _of_version(window, request, context)
        window.version += 1
        return _window(request.settings, window)

    def RemoveWindow(self, request: Any, context: Any) -> links_pb2.Removed:  # noqa: N802
        self._hear("RemoveWindow", request, context)
        self._all.windows.remove(
            _one_of([each for each in self._all.windows if each.id == request.id], "window", context)
        )
        return links_pb2.Removed()

    def _link(self, identity: str, context: Any) -> links_pb2.Link:
        for link in self._all.links:
            if link.id == identity:
                return link
        context.abort(grpc.StatusCode.NOT_FOUND, "no such link")
        raise AssertionError


def _one_of(found: list[Any], what: str, context: Any) -> Any:
    if not found:
        context.abort(grpc.StatusCode.NOT_FOUND, f"no such {what}")
    return found[0]


def _of_version(thing: Any, request: Any, context: Any) -> None:
    if request.versions and thing.version not in request.versions:
        context.abort(grpc.StatusCode.ABORTED, "it is of another version")


def _window(settings: Any, window: links_pb2.Window) -> links_pb2.Window:
    for field, value in settings.ListFields():
        if field.name == "starts_at":
            window.starts_at.CopyFrom(value)
        else:
            setattr(window, field.name, value)
    return window


class _Notifications(_Servicer, notifications_pb2_grpc.NotificationsServicer):
    service = "notifications"

    def CreateChannel(self, request: Any, context: Any) -> notifications_pb2.CreatedChannel:  # noqa: N802
        self._hear("CreateChannel", request, context)
        if request.kind == "email" and "@" not in request.target:
            context.abort(grpc.StatusCode.INVALID_ARGUMENT, "target: is not a mail address")
        channel = notifications_pb2.Channel(
            id=str(uuid.uuid4()), kind=request.kind, name=request.name, target=request.target
        )
        channel.created_at.GetCurrentTime()
        self._all.channels[request.workspace_id].append(channel)
        return notifications_pb2.CreatedChannel(channel=channel, secret="whsec_x" if request.kind == "webhook" else "")

    def GetChannel(self, request: Any, context: Any) -> notifications_pb2.Channel:  # noqa: N802
        self._hear("GetChannel", request, context)
        for channel in self._all.channels[request.workspace_id]:
            if channel.id == request.id:
                return channel
        context.abort(grpc.StatusCode.NOT_FOUND, "no such channel")
        raise AssertionError

    def ListChannels(self, request: Any, context: Any) -> notifications_pb2.ChannelPage:  # noqa: N802
        self._hear("ListChannels", request, context)
        items, after = page_of(self._all.channels[request.workspace_id], request)
        return notifications_pb2.ChannelPage(items=items, next=after)

    def DeleteChannel(self, request: Any, context: Any) -> notifications_pb2.Channel:  # noqa: N802
        channel = self.GetChannel(request, context)
        self._all.channels[request.workspace_id].remove(channel)
        return channel

    def ListDeliveries(self, request: Any, context: Any) -> notifications_pb2.DeliveryPage:  # noqa: N802
        self._hear("ListDeliveries", request, context)
        items, after = page_of(self._all.deliveries, request)
        return notifications_pb2.DeliveryPage(items=items, next=after)


class _Audit(_Servicer, audit_pb2_grpc.AuditServicer):
    service = "audit"

    def SearchEvents(self, request: Any, context: Any) -> audit_pb2.EventPage:  # noqa: N802
        self._hear("SearchEvents", request, context)
        items, after = page_of(self._all.events, request)
        return audit_pb2.EventPage(items=items, next=after)


class _Monitor(_Servicer, monitor_pb2_grpc.MonitorServicer):
    service = "monitor"

    def ListWorkers(self, request: Any, context: Any) -> monitor_pb2.WorkerList:  # noqa: N802
        self._hear("ListWorkers", request, context)
        return monitor_pb2.WorkerList(items=self._all.workers)

    def ListQueues(self, request: Any, context: Any) -> monitor_pb2.QueueList:  # noqa: N802
        self._hear("ListQueues", request, context)
        return monitor_pb2.QueueList(items=self._all.queues)

    def ListDeadLetters(self, request: Any, context: Any) -> monitor_pb2.DeadLetterPage:  # noqa: N802
        self._hear("ListDeadLetters", request, context)
        found = [each.letter for each in self._all.dead_letters if request.queue in ("", each.letter.queue)]
        items, following = page_of(found, request)
        return monitor_pb2.DeadLetterPage(items=items, next=following)

    def GetDeadLetter(self, request: Any, context: Any) -> monitor_pb2.DeadLetterStory:  # noqa: N802
        self._hear("GetDeadLetter", request, context)
        for each in self._all.dead_letters:
            if each.letter.id == request.id:
                return each
        context.abort(grpc.StatusCode.NOT_FOUND, "no such dead letter")
        raise AssertionError("aborted")

    def ActOnDeadLetters(self, request: Any, context: Any) -> monitor_pb2.ActOnDeadLettersAnswer:  # noqa: N802
        """Two at once of a queue, so that a client has to ask again."""
        self._hear("ActOnDeadLetters", request, context)
        kept = self._all.dead_letters
        of_queue = [each for each in kept if each.letter.queue == request.queue][:2]
        chosen = of_queue or [each for each in kept if each.letter.id in request.ids]
        self._all.dead_letters = [each for each in kept if each not in chosen]
        return monitor_pb2.ActOnDeadLettersAnswer(count=len(chosen), remaining=len(self._all.dead_letters))
