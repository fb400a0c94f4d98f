import datetime

from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class CountKnownRequest(_message.Message):
    __slots__ = ("workspace_id", "ids")
    WORKSPACE_ID_FIELD_NUMBER: _ClassVar[int]
    IDS_FIELD_NUMBER: _ClassVar[int]
    workspace_id: str
    ids: bytes
    def __init__(self, workspace_id: _Optional[str] = ..., ids: _Optional[bytes] = ...) -> None: ...

class KnownCount(_message.Message):
    __slots__ = ("known",)
    KNOWN_FIELD_NUMBER: _ClassVar[int]
    known: int
    def __init__(self, known: _Optional[int] = ...) -> None: ...

class GetLinkRequest(_message.Message):
    __slots__ = ("workspace_id", "id")
    WORKSPACE_ID_FIELD_NUMBER: _ClassVar[int]
    ID_FIELD_NUMBER: _ClassVar[int]
    workspace_id: str
    id: str
    def __init__(self, workspace_id: _Optional[str] = ..., id: _Optional[str] = ...) -> None: ...

class ListLinksRequest(_message.Message):
    __slots__ = ("workspace_id", "limit", "after", "state", "verdict", "reason", "tag", "host", "q")
    WORKSPACE_ID_FIELD_NUMBER: _ClassVar[int]
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    AFTER_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    VERDICT_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    TAG_FIELD_NUMBER: _ClassVar[int]
    HOST_FIELD_NUMBER: _ClassVar[int]
    Q_FIELD_NUMBER: _ClassVar[int]
    workspace_id: str
    limit: int
    after: str
    state: str
    verdict: str
    reason: str
    tag: str
    host: str
    q: str
    def __init__(self, workspace_id: _Optional[str] = ..., limit: _Optional[int] = ..., after: _Optional[str] = ..., state: _Optional[str] = ..., verdict: _Optional[str] = ..., reason: _Optional[str] = ..., tag: _Optional[str] = ..., host: _Optional[str] = ..., q: _Optional[str] = ...) -> None: ...

class ListChecksRequest(_message.Message):
    __slots__ = ("workspace_id", "link_id", "limit", "after")
    WORKSPACE_ID_FIELD_NUMBER: _ClassVar[int]
    LINK_ID_FIELD_NUMBER: _ClassVar[int]
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    AFTER_FIELD_NUMBER: _ClassVar[int]
    workspace_id: str
    link_id: str
    limit: int
    after: str
    def __init__(self, workspace_id: _Optional[str] = ..., link_id: _Optional[str] = ..., limit: _Optional[int] = ..., after: _Optional[str] = ...) -> None: ...

class Caller(_message.Message):
    __slots__ = ("actor", "ip", "user_agent")
    ACTOR_FIELD_NUMBER: _ClassVar[int]
    IP_FIELD_NUMBER: _ClassVar[int]
    USER_AGENT_FIELD_NUMBER: _ClassVar[int]
    actor: str
    ip: str
    user_agent: str
    def __init__(self, actor: _Optional[str] = ..., ip: _Optional[str] = ..., user_agent: _Optional[str] = ...) -> None: ...

class LinkSettings(_message.Message):
    __slots__ = ("interval_s", "tags", "external_id", "paused", "ignored", "muted_until", "confirm_hard", "confirm_transient", "min_confirm_s", "options_json", "badge")
    INTERVAL_S_FIELD_NUMBER: _ClassVar[int]
    TAGS_FIELD_NUMBER: _ClassVar[int]
    EXTERNAL_ID_FIELD_NUMBER: _ClassVar[int]
    PAUSED_FIELD_NUMBER: _ClassVar[int]
    IGNORED_FIELD_NUMBER: _ClassVar[int]
    MUTED_UNTIL_FIELD_NUMBER: _ClassVar[int]
    CONFIRM_HARD_FIELD_NUMBER: _ClassVar[int]
    CONFIRM_TRANSIENT_FIELD_NUMBER: _ClassVar[int]
    MIN_CONFIRM_S_FIELD_NUMBER: _ClassVar[int]
    OPTIONS_JSON_FIELD_NUMBER: _ClassVar[int]
    BADGE_FIELD_NUMBER: _ClassVar[int]
    interval_s: int
    tags: _containers.RepeatedScalarFieldContainer[str]
    external_id: str
    paused: bool
    ignored: bool
    muted_until: _timestamp_pb2.Timestamp
    confirm_hard: int
    confirm_transient: int
    min_confirm_s: float
    options_json: str
    badge: bool
    def __init__(self, interval_s: _Optional[int] = ..., tags: _Optional[_Iterable[str]] = ..., external_id: _Optional[str] = ..., paused: _Optional[bool] = ..., ignored: _Optional[bool] = ..., muted_until: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., confirm_hard: _Optional[int] = ..., confirm_transient: _Optional[int] = ..., min_confirm_s: _Optional[float] = ..., options_json: _Optional[str] = ..., badge: _Optional[bool] = ...) -> None: ...

class EditLinkRequest(_message.Message):
    __slots__ = ("workspace_id", "id", "versions", "changed", "settings", "caller")
    WORKSPACE_ID_FIELD_NUMBER: _ClassVar[int]
    ID_FIELD_NUMBER: _ClassVar[int]
    VERSIONS_FIELD_NUMBER: _ClassVar[int]
    CHANGED_FIELD_NUMBER: _ClassVar[int]
    SETTINGS_FIELD_NUMBER: _ClassVar[int]
    CALLER_FIELD_NUMBER: _ClassVar[int]
    workspace_id: str
    id: str
    versions: _containers.RepeatedScalarFieldContainer[int]
    changed: _containers.RepeatedScalarFieldContainer[str]
    settings: LinkSettings
    caller: Caller
    def __init__(self, workspace_id: _Optional[str] = ..., id: _Optional[str] = ..., versions: _Optional[_Iterable[int]] = ..., changed: _Optional[_Iterable[str]] = ..., settings: _Optional[_Union[LinkSettings, _Mapping]] = ..., caller: _Optional[_Union[Caller, _Mapping]] = ...) -> None: ...

class RemoveLinkRequest(_message.Message):
    __slots__ = ("workspace_id", "id", "versions", "caller")
    WORKSPACE_ID_FIELD_NUMBER: _ClassVar[int]
    ID_FIELD_NUMBER: _ClassVar[int]
    VERSIONS_FIELD_NUMBER: _ClassVar[int]
    CALLER_FIELD_NUMBER: _ClassVar[int]
    workspace_id: str
    id: str
    versions: _containers.RepeatedScalarFieldContainer[int]
    caller: Caller
    def __init__(self, workspace_id: _Optional[str] = ..., id: _Optional[str] = ..., versions: _Optional[_Iterable[int]] = ..., caller: _Optional[_Union[Caller, _Mapping]] = ...) -> None: ...

class Removed(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class LinkFilter(_message.Message):
    __slots__ = ("state", "verdict", "reason", "tag", "host", "q")
    STATE_FIELD_NUMBER: _ClassVar[int]
    VERDICT_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    TAG_FIELD_NUMBER: _ClassVar[int]
    HOST_FIELD_NUMBER: _ClassVar[int]
    Q_FIELD_NUMBER: _ClassVar[int]
    state: str
    verdict: str
    reason: str
    tag: str
    host: str
    q: str
    def __init__(self, state: _Optional[str] = ..., verdict: _Optional[str] = ..., reason: _Optional[str] = ..., tag: _Optional[str] = ..., host: _Optional[str] = ..., q: _Optional[str] = ...) -> None: ...

class ActOnLinksRequest(_message.Message):
    __slots__ = ("workspace_id", "action", "filter", "tag", "limit", "after", "caller")
    WORKSPACE_ID_FIELD_NUMBER: _ClassVar[int]
    ACTION_FIELD_NUMBER: _ClassVar[int]
    FILTER_FIELD_NUMBER: _ClassVar[int]
    TAG_FIELD_NUMBER: _ClassVar[int]
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    AFTER_FIELD_NUMBER: _ClassVar[int]
    CALLER_FIELD_NUMBER: _ClassVar[int]
    workspace_id: str
    action: str
    filter: LinkFilter
    tag: str
    limit: int
    after: str
    caller: Caller
    def __init__(self, workspace_id: _Optional[str] = ..., action: _Optional[str] = ..., filter: _Optional[_Union[LinkFilter, _Mapping]] = ..., tag: _Optional[str] = ..., limit: _Optional[int] = ..., after: _Optional[str] = ..., caller: _Optional[_Union[Caller, _Mapping]] = ...) -> None: ...

class Acted(_message.Message):
    __slots__ = ("count", "next")
    COUNT_FIELD_NUMBER: _ClassVar[int]
    NEXT_FIELD_NUMBER: _ClassVar[int]
    count: int
    next: str
    def __init__(self, count: _Optional[int] = ..., next: _Optional[str] = ...) -> None: ...

class CountLinksRequest(_message.Message):
    __slots__ = ("workspace_id", "filter")
    WORKSPACE_ID_FIELD_NUMBER: _ClassVar[int]
    FILTER_FIELD_NUMBER: _ClassVar[int]
    workspace_id: str
    filter: LinkFilter
    def __init__(self, workspace_id: _Optional[str] = ..., filter: _Optional[_Union[LinkFilter, _Mapping]] = ...) -> None: ...

class LinkCount(_message.Message):
    __slots__ = ("count",)
    COUNT_FIELD_NUMBER: _ClassVar[int]
    count: int
    def __init__(self, count: _Optional[int] = ...) -> None: ...

class SelectUrlsRequest(_message.Message):
    __slots__ = ("workspace_id", "filter", "limit", "after")
    WORKSPACE_ID_FIELD_NUMBER: _ClassVar[int]
    FILTER_FIELD_NUMBER: _ClassVar[int]
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    AFTER_FIELD_NUMBER: _ClassVar[int]
    workspace_id: str
    filter: LinkFilter
    limit: int
    after: str
    def __init__(self, workspace_id: _Optional[str] = ..., filter: _Optional[_Union[LinkFilter, _Mapping]] = ..., limit: _Optional[int] = ..., after: _Optional[str] = ...) -> None: ...

class UrlPage(_message.Message):
    __slots__ = ("urls", "next")
    URLS_FIELD_NUMBER: _ClassVar[int]
    NEXT_FIELD_NUMBER: _ClassVar[int]
    urls: _containers.RepeatedScalarFieldContainer[str]
    next: str
    def __init__(self, urls: _Optional[_Iterable[str]] = ..., next: _Optional[str] = ...) -> None: ...

class ListIncidentsRequest(_message.Message):
    __slots__ = ("workspace_id", "limit", "after", "state", "link_id", "host", "group")
    WORKSPACE_ID_FIELD_NUMBER: _ClassVar[int]
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    AFTER_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    LINK_ID_FIELD_NUMBER: _ClassVar[int]
    HOST_FIELD_NUMBER: _ClassVar[int]
    GROUP_FIELD_NUMBER: _ClassVar[int]
    workspace_id: str
    limit: int
    after: str
    state: str
    link_id: str
    host: str
    group: str
    def __init__(self, workspace_id: _Optional[str] = ..., limit: _Optional[int] = ..., after: _Optional[str] = ..., state: _Optional[str] = ..., link_id: _Optional[str] = ..., host: _Optional[str] = ..., group: _Optional[str] = ...) -> None: ...

class GetIncidentRequest(_message.Message):
    __slots__ = ("workspace_id", "id")
    WORKSPACE_ID_FIELD_NUMBER: _ClassVar[int]
    ID_FIELD_NUMBER: _ClassVar[int]
    workspace_id: str
    id: str
    def __init__(self, workspace_id: _Optional[str] = ..., id: _Optional[str] = ...) -> None: ...

class AcknowledgeIncidentRequest(_message.Message):
    __slots__ = ("workspace_id", "id", "caller")
    WORKSPACE_ID_FIELD_NUMBER: _ClassVar[int]
    ID_FIELD_NUMBER: _ClassVar[int]
    CALLER_FIELD_NUMBER: _ClassVar[int]
    workspace_id: str
    id: str
    caller: Caller
    def __init__(self, workspace_id: _Optional[str] = ..., id: _Optional[str] = ..., caller: _Optional[_Union[Caller, _Mapping]] = ...) -> None: ...

class Incident(_message.Message):
    __slots__ = ("id", "link_id", "url", "host", "state", "reason", "status_code", "detail", "started_at", "opened_at", "acknowledged_at", "acknowledged_by", "resolved_at", "duration_s", "group", "suggestion")
    ID_FIELD_NUMBER: _ClassVar[int]
    LINK_ID_FIELD_NUMBER: _ClassVar[int]
    URL_FIELD_NUMBER: _ClassVar[int]
    HOST_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    STATUS_CODE_FIELD_NUMBER: _ClassVar[int]
    DETAIL_FIELD_NUMBER: _ClassVar[int]
    STARTED_AT_FIELD_NUMBER: _ClassVar[int]
    OPENED_AT_FIELD_NUMBER: _ClassVar[int]
    ACKNOWLEDGED_AT_FIELD_NUMBER: _ClassVar[int]
    ACKNOWLEDGED_BY_FIELD_NUMBER: _ClassVar[int]
    RESOLVED_AT_FIELD_NUMBER: _ClassVar[int]
    DURATION_S_FIELD_NUMBER: _ClassVar[int]
    GROUP_FIELD_NUMBER: _ClassVar[int]
    SUGGESTION_FIELD_NUMBER: _ClassVar[int]
    id: str
    link_id: str
    url: str
    host: str
    state: str
    reason: str
    status_code: int
    detail: str
    started_at: _timestamp_pb2.Timestamp
    opened_at: _timestamp_pb2.Timestamp
    acknowledged_at: _timestamp_pb2.Timestamp
    acknowledged_by: str
    resolved_at: _timestamp_pb2.Timestamp
    duration_s: float
    group: str
    suggestion: Suggestion
    def __init__(self, id: _Optional[str] = ..., link_id: _Optional[str] = ..., url: _Optional[str] = ..., host: _Optional[str] = ..., state: _Optional[str] = ..., reason: _Optional[str] = ..., status_code: _Optional[int] = ..., detail: _Optional[str] = ..., started_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., opened_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., acknowledged_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., acknowledged_by: _Optional[str] = ..., resolved_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., duration_s: _Optional[float] = ..., group: _Optional[str] = ..., suggestion: _Optional[_Union[Suggestion, _Mapping]] = ...) -> None: ...

class IncidentPage(_message.Message):
    __slots__ = ("items", "next")
    ITEMS_FIELD_NUMBER: _ClassVar[int]
    NEXT_FIELD_NUMBER: _ClassVar[int]
    items: _containers.RepeatedCompositeFieldContainer[Incident]
    next: str
    def __init__(self, items: _Optional[_Iterable[_Union[Incident, _Mapping]]] = ..., next: _Optional[str] = ...) -> None: ...

class ListIncidentGroupsRequest(_message.Message):
    __slots__ = ("workspace_id", "limit", "after", "state", "host")
    WORKSPACE_ID_FIELD_NUMBER: _ClassVar[int]
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    AFTER_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    HOST_FIELD_NUMBER: _ClassVar[int]
    workspace_id: str
    limit: int
    after: str
    state: str
    host: str
    def __init__(self, workspace_id: _Optional[str] = ..., limit: _Optional[int] = ..., after: _Optional[str] = ..., state: _Optional[str] = ..., host: _Optional[str] = ...) -> None: ...

class GetIncidentGroupRequest(_message.Message):
    __slots__ = ("workspace_id", "id")
    WORKSPACE_ID_FIELD_NUMBER: _ClassVar[int]
    ID_FIELD_NUMBER: _ClassVar[int]
    workspace_id: str
    id: str
    def __init__(self, workspace_id: _Optional[str] = ..., id: _Optional[str] = ...) -> None: ...

class AcknowledgeIncidentGroupRequest(_message.Message):
    __slots__ = ("workspace_id", "id", "caller")
    WORKSPACE_ID_FIELD_NUMBER: _ClassVar[int]
    ID_FIELD_NUMBER: _ClassVar[int]
    CALLER_FIELD_NUMBER: _ClassVar[int]
    workspace_id: str
    id: str
    caller: Caller
    def __init__(self, workspace_id: _Optional[str] = ..., id: _Optional[str] = ..., caller: _Optional[_Union[Caller, _Mapping]] = ...) -> None: ...

class IncidentGroup(_message.Message):
    __slots__ = ("id", "host", "state", "reason", "links", "open", "started_at", "opened_at", "acknowledged_at", "acknowledged_by", "resolved_at", "duration_s")
    ID_FIELD_NUMBER: _ClassVar[int]
    HOST_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    LINKS_FIELD_NUMBER: _ClassVar[int]
    OPEN_FIELD_NUMBER: _ClassVar[int]
    STARTED_AT_FIELD_NUMBER: _ClassVar[int]
    OPENED_AT_FIELD_NUMBER: _ClassVar[int]
    ACKNOWLEDGED_AT_FIELD_NUMBER: _ClassVar[int]
    ACKNOWLEDGED_BY_FIELD_NUMBER: _ClassVar[int]
    RESOLVED_AT_FIELD_NUMBER: _ClassVar[int]
    DURATION_S_FIELD_NUMBER: _ClassVar[int]
    id: str
    host: str
    state: str
    reason: str
    links: int
    open: int
    started_at: _timestamp_pb2.Timestamp
    opened_at: _timestamp_pb2.Timestamp
    acknowledged_at: _timestamp_pb2.Timestamp
    acknowledged_by: str
    resolved_at: _timestamp_pb2.Timestamp
    duration_s: float
    def __init__(self, id: _Optional[str] = ..., host: _Optional[str] = ..., state: _Optional[str] = ..., reason: _Optional[str] = ..., links: _Optional[int] = ..., open: _Optional[int] = ..., started_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., opened_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., acknowledged_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., acknowledged_by: _Optional[str] = ..., resolved_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., duration_s: _Optional[float] = ...) -> None: ...

class IncidentGroupPage(_message.Message):
    __slots__ = ("items", "next")
    ITEMS_FIELD_NUMBER: _ClassVar[int]
    NEXT_FIELD_NUMBER: _ClassVar[int]
    items: _containers.RepeatedCompositeFieldContainer[IncidentGroup]
    next: str
    def __init__(self, items: _Optional[_Iterable[_Union[IncidentGroup, _Mapping]]] = ..., next: _Optional[str] = ...) -> None: ...

class IncidentMoment(_message.Message):
    __slots__ = ("at", "kind", "reason", "status_code", "detail", "actor")
    AT_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    STATUS_CODE_FIELD_NUMBER: _ClassVar[int]
    DETAIL_FIELD_NUMBER: _ClassVar[int]
    ACTOR_FIELD_NUMBER: _ClassVar[int]
    at: _timestamp_pb2.Timestamp
    kind: str
    reason: str
    status_code: int
    detail: str
    actor: str
    def __init__(self, at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., kind: _Optional[str] = ..., reason: _Optional[str] = ..., status_code: _Optional[int] = ..., detail: _Optional[str] = ..., actor: _Optional[str] = ...) -> None: ...

class IncidentStory(_message.Message):
    __slots__ = ("incident", "timeline")
    INCIDENT_FIELD_NUMBER: _ClassVar[int]
    TIMELINE_FIELD_NUMBER: _ClassVar[int]
    incident: Incident
    timeline: _containers.RepeatedCompositeFieldContainer[IncidentMoment]
    def __init__(self, incident: _Optional[_Union[Incident, _Mapping]] = ..., timeline: _Optional[_Iterable[_Union[IncidentMoment, _Mapping]]] = ...) -> None: ...

class WindowSettings(_message.Message):
    __slots__ = ("name", "host", "tag", "starts_at", "duration_s", "rrule", "timezone")
    NAME_FIELD_NUMBER: _ClassVar[int]
    HOST_FIELD_NUMBER: _ClassVar[int]
    TAG_FIELD_NUMBER: _ClassVar[int]
    STARTS_AT_FIELD_NUMBER: _ClassVar[int]
    DURATION_S_FIELD_NUMBER: _ClassVar[int]
    RRULE_FIELD_NUMBER: _ClassVar[int]
    TIMEZONE_FIELD_NUMBER: _ClassVar[int]
    name: str
    host: str
    tag: str
    starts_at: _timestamp_pb2.Timestamp
    duration_s: int
    rrule: str
    timezone: str
    def __init__(self, name: _Optional[str] = ..., host: _Optional[str] = ..., tag: _Optional[str] = ..., starts_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., duration_s: _Optional[int] = ..., rrule: _Optional[str] = ..., timezone: _Optional[str] = ...) -> None: ...

class CreateWindowRequest(_message.Message):
    __slots__ = ("workspace_id", "settings", "caller")
    WORKSPACE_ID_FIELD_NUMBER: _ClassVar[int]
    SETTINGS_FIELD_NUMBER: _ClassVar[int]
    CALLER_FIELD_NUMBER: _ClassVar[int]
    workspace_id: str
    settings: WindowSettings
    caller: Caller
    def __init__(self, workspace_id: _Optional[str] = ..., settings: _Optional[_Union[WindowSettings, _Mapping]] = ..., caller: _Optional[_Union[Caller, _Mapping]] = ...) -> None: ...

class GetWindowRequest(_message.Message):
    __slots__ = ("workspace_id", "id")
    WORKSPACE_ID_FIELD_NUMBER: _ClassVar[int]
    ID_FIELD_NUMBER: _ClassVar[int]
    workspace_id: str
    id: str
    def __init__(self, workspace_id: _Optional[str] = ..., id: _Optional[str] = ...) -> None: ...

class ListWindowsRequest(_message.Message):
    __slots__ = ("workspace_id", "limit", "after")
    WORKSPACE_ID_FIELD_NUMBER: _ClassVar[int]
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    AFTER_FIELD_NUMBER: _ClassVar[int]
    workspace_id: str
    limit: int
    after: str
    def __init__(self, workspace_id: _Optional[str] = ..., limit: _Optional[int] = ..., after: _Optional[str] = ...) -> None: ...

class ReplaceWindowRequest(_message.Message):
    __slots__ = ("workspace_id", "id", "versions", "settings", "caller")
    WORKSPACE_ID_FIELD_NUMBER: _ClassVar[int]
    ID_FIELD_NUMBER: _ClassVar[int]
    VERSIONS_FIELD_NUMBER: _ClassVar[int]
    SETTINGS_FIELD_NUMBER: _ClassVar[int]
    CALLER_FIELD_NUMBER: _ClassVar[int]
    workspace_id: str
    id: str
    versions: _containers.RepeatedScalarFieldContainer[int]
    settings: WindowSettings
    caller: Caller
    def __init__(self, workspace_id: _Optional[str] = ..., id: _Optional[str] = ..., versions: _Optional[_Iterable[int]] = ..., settings: _Optional[_Union[WindowSettings, _Mapping]] = ..., caller: _Optional[_Union[Caller, _Mapping]] = ...) -> None: ...

class RemoveWindowRequest(_message.Message):
    __slots__ = ("workspace_id", "id", "caller")
    WORKSPACE_ID_FIELD_NUMBER: _ClassVar[int]
    ID_FIELD_NUMBER: _ClassVar[int]
    CALLER_FIELD_NUMBER: _ClassVar[int]
    workspace_id: str
    id: str
    caller: Caller
    def __init__(self, workspace_id: _Optional[str] = ..., id: _Optional[str] = ..., caller: _Optional[_Union[Caller, _Mapping]] = ...) -> None: ...

class Window(_message.Message):
    __slots__ = ("id", "name", "host", "tag", "starts_at", "duration_s", "rrule", "timezone", "version", "open", "created_at")
    ID_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    HOST_FIELD_NUMBER: _ClassVar[int]
    TAG_FIELD_NUMBER: _ClassVar[int]
    STARTS_AT_FIELD_NUMBER: _ClassVar[int]
    DURATION_S_FIELD_NUMBER: _ClassVar[int]
    RRULE_FIELD_NUMBER: _ClassVar[int]
    TIMEZONE_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    OPEN_FIELD_NUMBER: _ClassVar[int]
    CREATED_AT_FIELD_NUMBER: _ClassVar[int]
    id: str
    name: str
    host: str
    tag: str
    starts_at: _timestamp_pb2.Timestamp
    duration_s: int
    rrule: str
    timezone: str
    version: int
    open: bool
    created_at: _timestamp_pb2.Timestamp
    def __init__(self, id: _Optional[str] = ..., name: _Optional[str] = ..., host: _Optional[str] = ..., tag: _Optional[str] = ..., starts_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., duration_s: _Optional[int] = ..., rrule: _Optional[str] = ..., timezone: _Optional[str] = ..., version: _Optional[int] = ..., open: _Optional[bool] = ..., created_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class WindowPage(_message.Message):
    __slots__ = ("items", "next")
    ITEMS_FIELD_NUMBER: _ClassVar[int]
    NEXT_FIELD_NUMBER: _ClassVar[int]
    items: _containers.RepeatedCompositeFieldContainer[Window]
    next: str
    def __init__(self, items: _Optional[_Iterable[_Union[Window, _Mapping]]] = ..., next: _Optional[str] = ...) -> None: ...

class GetJobRequest(_message.Message):
    __slots__ = ("workspace_id", "id")
    WORKSPACE_ID_FIELD_NUMBER: _ClassVar[int]
    ID_FIELD_NUMBER: _ClassVar[int]
    workspace_id: str
    id: str
    def __init__(self, workspace_id: _Optional[str] = ..., id: _Optional[str] = ...) -> None: ...

class ListResultsRequest(_message.Message):
    __slots__ = ("workspace_id", "job_id", "limit", "after", "verdict")
    WORKSPACE_ID_FIELD_NUMBER: _ClassVar[int]
    JOB_ID_FIELD_NUMBER: _ClassVar[int]
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    AFTER_FIELD_NUMBER: _ClassVar[int]
    VERDICT_FIELD_NUMBER: _ClassVar[int]
    workspace_id: str
    job_id: str
    limit: int
    after: str
    verdict: str
    def __init__(self, workspace_id: _Optional[str] = ..., job_id: _Optional[str] = ..., limit: _Optional[int] = ..., after: _Optional[str] = ..., verdict: _Optional[str] = ...) -> None: ...

class Link(_message.Message):
    __slots__ = ("id", "url", "state", "verdict", "reason", "permanence", "since", "last_checked_at", "next_check_at", "interval_s", "tags", "external_id", "status_code", "final_url", "suggested_url", "latency_ms", "incident_id", "created_at", "trace_id", "version", "paused", "ignored", "muted_until", "flapping", "confirm_hard", "confirm_transient", "min_confirm_s", "uptime_30d", "options_json", "badge", "suggestion")
    ID_FIELD_NUMBER: _ClassVar[int]
    URL_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    VERDICT_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    PERMANENCE_FIELD_NUMBER: _ClassVar[int]
    SINCE_FIELD_NUMBER: _ClassVar[int]
    LAST_CHECKED_AT_FIELD_NUMBER: _ClassVar[int]
    NEXT_CHECK_AT_FIELD_NUMBER: _ClassVar[int]
    INTERVAL_S_FIELD_NUMBER: _ClassVar[int]
    TAGS_FIELD_NUMBER: _ClassVar[int]
    EXTERNAL_ID_FIELD_NUMBER: _ClassVar[int]
    STATUS_CODE_FIELD_NUMBER: _ClassVar[int]
    FINAL_URL_FIELD_NUMBER: _ClassVar[int]
    SUGGESTED_URL_FIELD_NUMBER: _ClassVar[int]
    LATENCY_MS_FIELD_NUMBER: _ClassVar[int]
    INCIDENT_ID_FIELD_NUMBER: _ClassVar[int]
    CREATED_AT_FIELD_NUMBER: _ClassVar[int]
    TRACE_ID_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    PAUSED_FIELD_NUMBER: _ClassVar[int]
    IGNORED_FIELD_NUMBER: _ClassVar[int]
    MUTED_UNTIL_FIELD_NUMBER: _ClassVar[int]
    FLAPPING_FIELD_NUMBER: _ClassVar[int]
    CONFIRM_HARD_FIELD_NUMBER: _ClassVar[int]
    CONFIRM_TRANSIENT_FIELD_NUMBER: _ClassVar[int]
    MIN_CONFIRM_S_FIELD_NUMBER: _ClassVar[int]
    UPTIME_30D_FIELD_NUMBER: _ClassVar[int]
    OPTIONS_JSON_FIELD_NUMBER: _ClassVar[int]
    BADGE_FIELD_NUMBER: _ClassVar[int]
    SUGGESTION_FIELD_NUMBER: _ClassVar[int]
    id: str
    url: str
    state: str
    verdict: str
    reason: str
    permanence: str
    since: _timestamp_pb2.Timestamp
    last_checked_at: _timestamp_pb2.Timestamp
    next_check_at: _timestamp_pb2.Timestamp
    interval_s: int
    tags: _containers.RepeatedScalarFieldContainer[str]
    external_id: str
    status_code: int
    final_url: str
    suggested_url: str
    latency_ms: float
    incident_id: str
    created_at: _timestamp_pb2.Timestamp
    trace_id: str
    version: int
    paused: bool
    ignored: bool
    muted_until: _timestamp_pb2.Timestamp
    flapping: bool
    confirm_hard: int
    confirm_transient: int
    min_confirm_s: float
    uptime_30d: float
    options_json: str
    badge: bool
    suggestion: Suggestion
    def __init__(self, id: _Optional[str] = ..., url: _Optional[str] = ..., state: _Optional[str] = ..., verdict: _Optional[str] = ..., reason: _Optional[str] = ..., permanence: _Optional[str] = ..., since: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., last_checked_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., next_check_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., interval_s: _Optional[int] = ..., tags: _Optional[_Iterable[str]] = ..., external_id: _Optional[str] = ..., status_code: _Optional[int] = ..., final_url: _Optional[str] = ..., suggested_url: _Optional[str] = ..., latency_ms: _Optional[float] = ..., incident_id: _Optional[str] = ..., created_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., trace_id: _Optional[str] = ..., version: _Optional[int] = ..., paused: _Optional[bool] = ..., ignored: _Optional[bool] = ..., muted_until: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., flapping: _Optional[bool] = ..., confirm_hard: _Optional[int] = ..., confirm_transient: _Optional[int] = ..., min_confirm_s: _Optional[float] = ..., uptime_30d: _Optional[float] = ..., options_json: _Optional[str] = ..., badge: _Optional[bool] = ..., suggestion: _Optional[_Union[Suggestion, _Mapping]] = ...) -> None: ...

class LinkPage(_message.Message):
    __slots__ = ("items", "next")
    ITEMS_FIELD_NUMBER: _ClassVar[int]
    NEXT_FIELD_NUMBER: _ClassVar[int]
    items: _containers.RepeatedCompositeFieldContainer[Link]
    next: str
    def __init__(self, items: _Optional[_Iterable[_Union[Link, _Mapping]]] = ..., next: _Optional[str] = ...) -> None: ...

class Hop(_message.Message):
    __slots__ = ("url", "status", "ip")
    URL_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    IP_FIELD_NUMBER: _ClassVar[int]
    url: str
    status: int
    ip: str
    def __init__(self, url: _Optional[str] = ..., status: _Optional[int] = ..., ip: _Optional[str] = ...) -> None: ...

class Check(_message.Message):
    __slots__ = ("id", "link_id", "job_id", "url", "verdict", "reason", "permanence", "status_code", "final_url", "suggested_url", "hops", "timings_ms", "methods", "attempts", "bytes_read", "tls_not_after", "detail", "worker", "scheduled_at", "started_at", "checked_at")
    class TimingsMsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: float
        def __init__(self, key: _Optional[str] = ..., value: _Optional[float] = ...) -> None: ...
    ID_FIELD_NUMBER: _ClassVar[int]
    LINK_ID_FIELD_NUMBER: _ClassVar[int]
    JOB_ID_FIELD_NUMBER: _ClassVar[int]
    URL_FIELD_NUMBER: _ClassVar[int]
    VERDICT_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    PERMANENCE_FIELD_NUMBER: _ClassVar[int]
    STATUS_CODE_FIELD_NUMBER: _ClassVar[int]
    FINAL_URL_FIELD_NUMBER: _ClassVar[int]
    SUGGESTED_URL_FIELD_NUMBER: _ClassVar[int]
    HOPS_FIELD_NUMBER: _ClassVar[int]
    TIMINGS_MS_FIELD_NUMBER: _ClassVar[int]
    METHODS_FIELD_NUMBER: _ClassVar[int]
    ATTEMPTS_FIELD_NUMBER: _ClassVar[int]
    BYTES_READ_FIELD_NUMBER: _ClassVar[int]
    TLS_NOT_AFTER_FIELD_NUMBER: _ClassVar[int]
    DETAIL_FIELD_NUMBER: _ClassVar[int]
    WORKER_FIELD_NUMBER: _ClassVar[int]
    SCHEDULED_AT_FIELD_NUMBER: _ClassVar[int]
    STARTED_AT_FIELD_NUMBER: _ClassVar[int]
    CHECKED_AT_FIELD_NUMBER: _ClassVar[int]
    id: str
    link_id: str
    job_id: str
    url: str
    verdict: str
    reason: str
    permanence: str
    status_code: int
    final_url: str
    suggested_url: str
    hops: _containers.RepeatedCompositeFieldContainer[Hop]
    timings_ms: _containers.ScalarMap[str, float]
    methods: _containers.RepeatedScalarFieldContainer[str]
    attempts: int
    bytes_read: int
    tls_not_after: _timestamp_pb2.Timestamp
    detail: str
    worker: str
    scheduled_at: _timestamp_pb2.Timestamp
    started_at: _timestamp_pb2.Timestamp
    checked_at: _timestamp_pb2.Timestamp
    def __init__(self, id: _Optional[str] = ..., link_id: _Optional[str] = ..., job_id: _Optional[str] = ..., url: _Optional[str] = ..., verdict: _Optional[str] = ..., reason: _Optional[str] = ..., permanence: _Optional[str] = ..., status_code: _Optional[int] = ..., final_url: _Optional[str] = ..., suggested_url: _Optional[str] = ..., hops: _Optional[_Iterable[_Union[Hop, _Mapping]]] = ..., timings_ms: _Optional[_Mapping[str, float]] = ..., methods: _Optional[_Iterable[str]] = ..., attempts: _Optional[int] = ..., bytes_read: _Optional[int] = ..., tls_not_after: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., detail: _Optional[str] = ..., worker: _Optional[str] = ..., scheduled_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., started_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., checked_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class CheckPage(_message.Message):
    __slots__ = ("items", "next")
    ITEMS_FIELD_NUMBER: _ClassVar[int]
    NEXT_FIELD_NUMBER: _ClassVar[int]
    items: _containers.RepeatedCompositeFieldContainer[Check]
    next: str
    def __init__(self, items: _Optional[_Iterable[_Union[Check, _Mapping]]] = ..., next: _Optional[str] = ...) -> None: ...

class Job(_message.Message):
    __slots__ = ("id", "state", "total", "done", "verdicts", "started_at", "finished_at", "source")
    class VerdictsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: int
        def __init__(self, key: _Optional[str] = ..., value: _Optional[int] = ...) -> None: ...
    ID_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    TOTAL_FIELD_NUMBER: _ClassVar[int]
    DONE_FIELD_NUMBER: _ClassVar[int]
    VERDICTS_FIELD_NUMBER: _ClassVar[int]
    STARTED_AT_FIELD_NUMBER: _ClassVar[int]
    FINISHED_AT_FIELD_NUMBER: _ClassVar[int]
    SOURCE_FIELD_NUMBER: _ClassVar[int]
    id: str
    state: str
    total: int
    done: int
    verdicts: _containers.ScalarMap[str, int]
    started_at: _timestamp_pb2.Timestamp
    finished_at: _timestamp_pb2.Timestamp
    source: JobSource
    def __init__(self, id: _Optional[str] = ..., state: _Optional[str] = ..., total: _Optional[int] = ..., done: _Optional[int] = ..., verdicts: _Optional[_Mapping[str, int]] = ..., started_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., finished_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., source: _Optional[_Union[JobSource, _Mapping]] = ...) -> None: ...

class JobSource(_message.Message):
    __slots__ = ("kind", "url", "error", "duplicates", "rejected_count", "new", "known")
    KIND_FIELD_NUMBER: _ClassVar[int]
    URL_FIELD_NUMBER: _ClassVar[int]
    ERROR_FIELD_NUMBER: _ClassVar[int]
    DUPLICATES_FIELD_NUMBER: _ClassVar[int]
    REJECTED_COUNT_FIELD_NUMBER: _ClassVar[int]
    NEW_FIELD_NUMBER: _ClassVar[int]
    KNOWN_FIELD_NUMBER: _ClassVar[int]
    kind: str
    url: str
    error: str
    duplicates: int
    rejected_count: int
    new: int
    known: int
    def __init__(self, kind: _Optional[str] = ..., url: _Optional[str] = ..., error: _Optional[str] = ..., duplicates: _Optional[int] = ..., rejected_count: _Optional[int] = ..., new: _Optional[int] = ..., known: _Optional[int] = ...) -> None: ...

class Policy(_message.Message):
    __slots__ = ("host", "version", "updated_at", "options_json", "concurrency", "spacing_ms", "interval_s", "confirm_hard", "confirm_transient", "min_confirm_s", "confirm_offsets_s", "recover_ok")
    HOST_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    UPDATED_AT_FIELD_NUMBER: _ClassVar[int]
    OPTIONS_JSON_FIELD_NUMBER: _ClassVar[int]
    CONCURRENCY_FIELD_NUMBER: _ClassVar[int]
    SPACING_MS_FIELD_NUMBER: _ClassVar[int]
    INTERVAL_S_FIELD_NUMBER: _ClassVar[int]
    CONFIRM_HARD_FIELD_NUMBER: _ClassVar[int]
    CONFIRM_TRANSIENT_FIELD_NUMBER: _ClassVar[int]
    MIN_CONFIRM_S_FIELD_NUMBER: _ClassVar[int]
    CONFIRM_OFFSETS_S_FIELD_NUMBER: _ClassVar[int]
    RECOVER_OK_FIELD_NUMBER: _ClassVar[int]
    host: str
    version: int
    updated_at: _timestamp_pb2.Timestamp
    options_json: str
    concurrency: int
    spacing_ms: int
    interval_s: int
    confirm_hard: int
    confirm_transient: int
    min_confirm_s: float
    confirm_offsets_s: _containers.RepeatedScalarFieldContainer[float]
    recover_ok: int
    def __init__(self, host: _Optional[str] = ..., version: _Optional[int] = ..., updated_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., options_json: _Optional[str] = ..., concurrency: _Optional[int] = ..., spacing_ms: _Optional[int] = ..., interval_s: _Optional[int] = ..., confirm_hard: _Optional[int] = ..., confirm_transient: _Optional[int] = ..., min_confirm_s: _Optional[float] = ..., confirm_offsets_s: _Optional[_Iterable[float]] = ..., recover_ok: _Optional[int] = ...) -> None: ...

class GetPolicyRequest(_message.Message):
    __slots__ = ("workspace_id", "host")
    WORKSPACE_ID_FIELD_NUMBER: _ClassVar[int]
    HOST_FIELD_NUMBER: _ClassVar[int]
    workspace_id: str
    host: str
    def __init__(self, workspace_id: _Optional[str] = ..., host: _Optional[str] = ...) -> None: ...

class ListPoliciesRequest(_message.Message):
    __slots__ = ("workspace_id", "limit", "after")
    WORKSPACE_ID_FIELD_NUMBER: _ClassVar[int]
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    AFTER_FIELD_NUMBER: _ClassVar[int]
    workspace_id: str
    limit: int
    after: str
    def __init__(self, workspace_id: _Optional[str] = ..., limit: _Optional[int] = ..., after: _Optional[str] = ...) -> None: ...

class PolicyPage(_message.Message):
    __slots__ = ("items", "next")
    ITEMS_FIELD_NUMBER: _ClassVar[int]
    NEXT_FIELD_NUMBER: _ClassVar[int]
    items: _containers.RepeatedCompositeFieldContainer[Policy]
    next: str
    def __init__(self, items: _Optional[_Iterable[_Union[Policy, _Mapping]]] = ..., next: _Optional[str] = ...) -> None: ...

class PutPolicyRequest(_message.Message):
    __slots__ = ("workspace_id", "policy", "versions", "caller")
    WORKSPACE_ID_FIELD_NUMBER: _ClassVar[int]
    POLICY_FIELD_NUMBER: _ClassVar[int]
    VERSIONS_FIELD_NUMBER: _ClassVar[int]
    CALLER_FIELD_NUMBER: _ClassVar[int]
    workspace_id: str
    policy: Policy
    versions: _containers.RepeatedScalarFieldContainer[int]
    caller: Caller
    def __init__(self, workspace_id: _Optional[str] = ..., policy: _Optional[_Union[Policy, _Mapping]] = ..., versions: _Optional[_Iterable[int]] = ..., caller: _Optional[_Union[Caller, _Mapping]] = ...) -> None: ...

class RemovePolicyRequest(_message.Message):
    __slots__ = ("workspace_id", "host", "versions", "caller")
    WORKSPACE_ID_FIELD_NUMBER: _ClassVar[int]
    HOST_FIELD_NUMBER: _ClassVar[int]
    VERSIONS_FIELD_NUMBER: _ClassVar[int]
    CALLER_FIELD_NUMBER: _ClassVar[int]
    workspace_id: str
    host: str
    versions: _containers.RepeatedScalarFieldContainer[int]
    caller: Caller
    def __init__(self, workspace_id: _Optional[str] = ..., host: _Optional[str] = ..., versions: _Optional[_Iterable[int]] = ..., caller: _Optional[_Union[Caller, _Mapping]] = ...) -> None: ...

class Secrets(_message.Message):
    __slots__ = ("link_id", "secrets_json")
    LINK_ID_FIELD_NUMBER: _ClassVar[int]
    SECRETS_JSON_FIELD_NUMBER: _ClassVar[int]
    link_id: str
    secrets_json: str
    def __init__(self, link_id: _Optional[str] = ..., secrets_json: _Optional[str] = ...) -> None: ...

class SealSecretsRequest(_message.Message):
    __slots__ = ("workspace_id", "items")
    WORKSPACE_ID_FIELD_NUMBER: _ClassVar[int]
    ITEMS_FIELD_NUMBER: _ClassVar[int]
    workspace_id: str
    items: _containers.RepeatedCompositeFieldContainer[Secrets]
    def __init__(self, workspace_id: _Optional[str] = ..., items: _Optional[_Iterable[_Union[Secrets, _Mapping]]] = ...) -> None: ...

class SealedSecrets(_message.Message):
    __slots__ = ("items",)
    ITEMS_FIELD_NUMBER: _ClassVar[int]
    items: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, items: _Optional[_Iterable[str]] = ...) -> None: ...

class OverTimeRequest(_message.Message):
    __slots__ = ("workspace_id", "id", "window_s")
    WORKSPACE_ID_FIELD_NUMBER: _ClassVar[int]
    ID_FIELD_NUMBER: _ClassVar[int]
    WINDOW_S_FIELD_NUMBER: _ClassVar[int]
    workspace_id: str
    id: str
    window_s: int
    def __init__(self, workspace_id: _Optional[str] = ..., id: _Optional[str] = ..., window_s: _Optional[int] = ...) -> None: ...

class Uptime(_message.Message):
    __slots__ = ("since", "until", "uptime", "watched_s", "down_s", "excused_s", "incidents", "checks")
    class ChecksEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: int
        def __init__(self, key: _Optional[str] = ..., value: _Optional[int] = ...) -> None: ...
    SINCE_FIELD_NUMBER: _ClassVar[int]
    UNTIL_FIELD_NUMBER: _ClassVar[int]
    UPTIME_FIELD_NUMBER: _ClassVar[int]
    WATCHED_S_FIELD_NUMBER: _ClassVar[int]
    DOWN_S_FIELD_NUMBER: _ClassVar[int]
    EXCUSED_S_FIELD_NUMBER: _ClassVar[int]
    INCIDENTS_FIELD_NUMBER: _ClassVar[int]
    CHECKS_FIELD_NUMBER: _ClassVar[int]
    since: _timestamp_pb2.Timestamp
    until: _timestamp_pb2.Timestamp
    uptime: float
    watched_s: float
    down_s: float
    excused_s: float
    incidents: int
    checks: _containers.ScalarMap[str, int]
    def __init__(self, since: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., until: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., uptime: _Optional[float] = ..., watched_s: _Optional[float] = ..., down_s: _Optional[float] = ..., excused_s: _Optional[float] = ..., incidents: _Optional[int] = ..., checks: _Optional[_Mapping[str, int]] = ...) -> None: ...

class LatencyPoint(_message.Message):
    __slots__ = ("at", "checks", "p50_ms", "p95_ms", "p99_ms")
    AT_FIELD_NUMBER: _ClassVar[int]
    CHECKS_FIELD_NUMBER: _ClassVar[int]
    P50_MS_FIELD_NUMBER: _ClassVar[int]
    P95_MS_FIELD_NUMBER: _ClassVar[int]
    P99_MS_FIELD_NUMBER: _ClassVar[int]
    at: _timestamp_pb2.Timestamp
    checks: int
    p50_ms: float
    p95_ms: float
    p99_ms: float
    def __init__(self, at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., checks: _Optional[int] = ..., p50_ms: _Optional[float] = ..., p95_ms: _Optional[float] = ..., p99_ms: _Optional[float] = ...) -> None: ...

class Latency(_message.Message):
    __slots__ = ("since", "until", "step_s", "checks", "p50_ms", "p95_ms", "p99_ms", "points")
    SINCE_FIELD_NUMBER: _ClassVar[int]
    UNTIL_FIELD_NUMBER: _ClassVar[int]
    STEP_S_FIELD_NUMBER: _ClassVar[int]
    CHECKS_FIELD_NUMBER: _ClassVar[int]
    P50_MS_FIELD_NUMBER: _ClassVar[int]
    P95_MS_FIELD_NUMBER: _ClassVar[int]
    P99_MS_FIELD_NUMBER: _ClassVar[int]
    POINTS_FIELD_NUMBER: _ClassVar[int]
    since: _timestamp_pb2.Timestamp
    until: _timestamp_pb2.Timestamp
    step_s: int
    checks: int
    p50_ms: float
    p95_ms: float
    p99_ms: float
    points: _containers.RepeatedCompositeFieldContainer[LatencyPoint]
    def __init__(self, since: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., until: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., step_s: _Optional[int] = ..., checks: _Optional[int] = ..., p50_ms: _Optional[float] = ..., p95_ms: _Optional[float] = ..., p99_ms: _Optional[float] = ..., points: _Optional[_Iterable[_Union[LatencyPoint, _Mapping]]] = ...) -> None: ...

class SummaryRequest(_message.Message):
    __slots__ = ("workspace_id", "tag", "window_s")
    WORKSPACE_ID_FIELD_NUMBER: _ClassVar[int]
    TAG_FIELD_NUMBER: _ClassVar[int]
    WINDOW_S_FIELD_NUMBER: _ClassVar[int]
    workspace_id: str
    tag: str
    window_s: int
    def __init__(self, workspace_id: _Optional[str] = ..., tag: _Optional[str] = ..., window_s: _Optional[int] = ...) -> None: ...

class Summary(_message.Message):
    __slots__ = ("since", "until", "links", "uptime", "watched_s", "down_s", "checks", "p50_ms", "p95_ms", "p99_ms")
    class ChecksEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: int
        def __init__(self, key: _Optional[str] = ..., value: _Optional[int] = ...) -> None: ...
    SINCE_FIELD_NUMBER: _ClassVar[int]
    UNTIL_FIELD_NUMBER: _ClassVar[int]
    LINKS_FIELD_NUMBER: _ClassVar[int]
    UPTIME_FIELD_NUMBER: _ClassVar[int]
    WATCHED_S_FIELD_NUMBER: _ClassVar[int]
    DOWN_S_FIELD_NUMBER: _ClassVar[int]
    CHECKS_FIELD_NUMBER: _ClassVar[int]
    P50_MS_FIELD_NUMBER: _ClassVar[int]
    P95_MS_FIELD_NUMBER: _ClassVar[int]
    P99_MS_FIELD_NUMBER: _ClassVar[int]
    since: _timestamp_pb2.Timestamp
    until: _timestamp_pb2.Timestamp
    links: int
    uptime: float
    watched_s: float
    down_s: float
    checks: _containers.ScalarMap[str, int]
    p50_ms: float
    p95_ms: float
    p99_ms: float
    def __init__(self, since: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., until: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., links: _Optional[int] = ..., uptime: _Optional[float] = ..., watched_s: _Optional[float] = ..., down_s: _Optional[float] = ..., checks: _Optional[_Mapping[str, int]] = ..., p50_ms: _Optional[float] = ..., p95_ms: _Optional[float] = ..., p99_ms: _Optional[float] = ...) -> None: ...

class ReadBadgeRequest(_message.Message):
    __slots__ = ("id", "with_uptime")
    ID_FIELD_NUMBER: _ClassVar[int]
    WITH_UPTIME_FIELD_NUMBER: _ClassVar[int]
    id: str
    with_uptime: bool
    def __init__(self, id: _Optional[str] = ..., with_uptime: _Optional[bool] = ...) -> None: ...

class BadgeReading(_message.Message):
    __slots__ = ("tag", "state", "broken", "uptime")
    TAG_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    BROKEN_FIELD_NUMBER: _ClassVar[int]
    UPTIME_FIELD_NUMBER: _ClassVar[int]
    tag: str
    state: str
    broken: int
    uptime: float
    def __init__(self, tag: _Optional[str] = ..., state: _Optional[str] = ..., broken: _Optional[int] = ..., uptime: _Optional[float] = ...) -> None: ...

class CreateBadgeRequest(_message.Message):
    __slots__ = ("workspace_id", "tag", "caller")
    WORKSPACE_ID_FIELD_NUMBER: _ClassVar[int]
    TAG_FIELD_NUMBER: _ClassVar[int]
    CALLER_FIELD_NUMBER: _ClassVar[int]
    workspace_id: str
    tag: str
    caller: Caller
    def __init__(self, workspace_id: _Optional[str] = ..., tag: _Optional[str] = ..., caller: _Optional[_Union[Caller, _Mapping]] = ...) -> None: ...

class ListBadgesRequest(_message.Message):
    __slots__ = ("workspace_id", "limit", "after")
    WORKSPACE_ID_FIELD_NUMBER: _ClassVar[int]
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    AFTER_FIELD_NUMBER: _ClassVar[int]
    workspace_id: str
    limit: int
    after: str
    def __init__(self, workspace_id: _Optional[str] = ..., limit: _Optional[int] = ..., after: _Optional[str] = ...) -> None: ...

class RemoveBadgeRequest(_message.Message):
    __slots__ = ("workspace_id", "id", "caller")
    WORKSPACE_ID_FIELD_NUMBER: _ClassVar[int]
    ID_FIELD_NUMBER: _ClassVar[int]
    CALLER_FIELD_NUMBER: _ClassVar[int]
    workspace_id: str
    id: str
    caller: Caller
    def __init__(self, workspace_id: _Optional[str] = ..., id: _Optional[str] = ..., caller: _Optional[_Union[Caller, _Mapping]] = ...) -> None: ...

class Badge(_message.Message):
    __slots__ = ("id", "tag", "created_at")
    ID_FIELD_NUMBER: _ClassVar[int]
    TAG_FIELD_NUMBER: _ClassVar[int]
    CREATED_AT_FIELD_NUMBER: _ClassVar[int]
    id: str
    tag: str
    created_at: _timestamp_pb2.Timestamp
    def __init__(self, id: _Optional[str] = ..., tag: _Optional[str] = ..., created_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class BadgePage(_message.Message):
    __slots__ = ("items", "next")
    ITEMS_FIELD_NUMBER: _ClassVar[int]
    NEXT_FIELD_NUMBER: _ClassVar[int]
    items: _containers.RepeatedCompositeFieldContainer[Badge]
    next: str
    def __init__(self, items: _Optional[_Iterable[_Union[Badge, _Mapping]]] = ..., next: _Optional[str] = ...) -> None: ...

class Suggestion(_message.Message):
    __slots__ = ("kind", "url")
    KIND_FIELD_NUMBER: _ClassVar[int]
    URL_FIELD_NUMBER: _ClassVar[int]
    kind: str
    url: str
    def __init__(self, kind: _Optional[str] = ..., url: _Optional[str] = ...) -> None: ...
