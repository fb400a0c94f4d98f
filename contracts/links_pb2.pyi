import datetime

from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

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
    __slots__ = ("id", "url", "state", "verdict", "reason", "permanence", "since", "last_checked_at", "next_check_at", "interval_s", "tags", "external_id", "status_code", "final_url", "suggested_url", "latency_ms", "incident_id", "created_at", "trace_id")
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
    def __init__(self, id: _Optional[str] = ..., url: _Optional[str] = ..., state: _Optional[str] = ..., verdict: _Optional[str] = ..., reason: _Optional[str] = ..., permanence: _Optional[str] = ..., since: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., last_checked_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., next_check_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., interval_s: _Optional[int] = ..., tags: _Optional[_Iterable[str]] = ..., external_id: _Optional[str] = ..., status_code: _Optional[int] = ..., final_url: _Optional[str] = ..., suggested_url: _Optional[str] = ..., latency_ms: _Optional[float] = ..., incident_id: _Optional[str] = ..., created_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., trace_id: _Optional[str] = ...) -> None: ...

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
    __slots__ = ("id", "state", "total", "done", "verdicts", "started_at", "finished_at")
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
    id: str
    state: str
    total: int
    done: int
    verdicts: _containers.ScalarMap[str, int]
    started_at: _timestamp_pb2.Timestamp
    finished_at: _timestamp_pb2.Timestamp
    def __init__(self, id: _Optional[str] = ..., state: _Optional[str] = ..., total: _Optional[int] = ..., done: _Optional[int] = ..., verdicts: _Optional[_Mapping[str, int]] = ..., started_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., finished_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...
