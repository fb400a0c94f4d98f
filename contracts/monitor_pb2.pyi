import datetime

from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class ListWorkersRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class ListQueuesRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class ActiveTask(_message.Message):
    __slots__ = ("id", "name", "started_at")
    ID_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    STARTED_AT_FIELD_NUMBER: _ClassVar[int]
    id: str
    name: str
    started_at: float
    def __init__(self, id: _Optional[str] = ..., name: _Optional[str] = ..., started_at: _Optional[float] = ...) -> None: ...

class Worker(_message.Message):
    __slots__ = ("name", "queues", "concurrency", "pid", "processed", "active", "reserved")
    class ProcessedEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: int
        def __init__(self, key: _Optional[str] = ..., value: _Optional[int] = ...) -> None: ...
    NAME_FIELD_NUMBER: _ClassVar[int]
    QUEUES_FIELD_NUMBER: _ClassVar[int]
    CONCURRENCY_FIELD_NUMBER: _ClassVar[int]
    PID_FIELD_NUMBER: _ClassVar[int]
    PROCESSED_FIELD_NUMBER: _ClassVar[int]
    ACTIVE_FIELD_NUMBER: _ClassVar[int]
    RESERVED_FIELD_NUMBER: _ClassVar[int]
    name: str
    queues: _containers.RepeatedScalarFieldContainer[str]
    concurrency: int
    pid: int
    processed: _containers.ScalarMap[str, int]
    active: _containers.RepeatedCompositeFieldContainer[ActiveTask]
    reserved: int
    def __init__(self, name: _Optional[str] = ..., queues: _Optional[_Iterable[str]] = ..., concurrency: _Optional[int] = ..., pid: _Optional[int] = ..., processed: _Optional[_Mapping[str, int]] = ..., active: _Optional[_Iterable[_Union[ActiveTask, _Mapping]]] = ..., reserved: _Optional[int] = ...) -> None: ...

class WorkerList(_message.Message):
    __slots__ = ("items",)
    ITEMS_FIELD_NUMBER: _ClassVar[int]
    items: _containers.RepeatedCompositeFieldContainer[Worker]
    def __init__(self, items: _Optional[_Iterable[_Union[Worker, _Mapping]]] = ...) -> None: ...

class Queue(_message.Message):
    __slots__ = ("name", "service", "messages_ready", "consumers", "dead_letters")
    NAME_FIELD_NUMBER: _ClassVar[int]
    SERVICE_FIELD_NUMBER: _ClassVar[int]
    MESSAGES_READY_FIELD_NUMBER: _ClassVar[int]
    CONSUMERS_FIELD_NUMBER: _ClassVar[int]
    DEAD_LETTERS_FIELD_NUMBER: _ClassVar[int]
    name: str
    service: str
    messages_ready: int
    consumers: int
    dead_letters: int
    def __init__(self, name: _Optional[str] = ..., service: _Optional[str] = ..., messages_ready: _Optional[int] = ..., consumers: _Optional[int] = ..., dead_letters: _Optional[int] = ...) -> None: ...

class QueueList(_message.Message):
    __slots__ = ("items",)
    ITEMS_FIELD_NUMBER: _ClassVar[int]
    items: _containers.RepeatedCompositeFieldContainer[Queue]
    def __init__(self, items: _Optional[_Iterable[_Union[Queue, _Mapping]]] = ...) -> None: ...

class ListDeadLettersRequest(_message.Message):
    __slots__ = ("queue", "limit", "after")
    QUEUE_FIELD_NUMBER: _ClassVar[int]
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    AFTER_FIELD_NUMBER: _ClassVar[int]
    queue: str
    limit: int
    after: str
    def __init__(self, queue: _Optional[str] = ..., limit: _Optional[int] = ..., after: _Optional[str] = ...) -> None: ...

class GetDeadLetterRequest(_message.Message):
    __slots__ = ("id",)
    ID_FIELD_NUMBER: _ClassVar[int]
    id: str
    def __init__(self, id: _Optional[str] = ...) -> None: ...

class DeadLetter(_message.Message):
    __slots__ = ("id", "queue", "message", "version", "message_id", "reason", "detail", "died_at", "worker", "deliveries", "replays", "request_id", "trace_id", "size_bytes")
    ID_FIELD_NUMBER: _ClassVar[int]
    QUEUE_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_ID_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    DETAIL_FIELD_NUMBER: _ClassVar[int]
    DIED_AT_FIELD_NUMBER: _ClassVar[int]
    WORKER_FIELD_NUMBER: _ClassVar[int]
    DELIVERIES_FIELD_NUMBER: _ClassVar[int]
    REPLAYS_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    TRACE_ID_FIELD_NUMBER: _ClassVar[int]
    SIZE_BYTES_FIELD_NUMBER: _ClassVar[int]
    id: str
    queue: str
    message: str
    version: int
    message_id: str
    reason: str
    detail: str
    died_at: _timestamp_pb2.Timestamp
    worker: str
    deliveries: int
    replays: int
    request_id: str
    trace_id: str
    size_bytes: int
    def __init__(self, id: _Optional[str] = ..., queue: _Optional[str] = ..., message: _Optional[str] = ..., version: _Optional[int] = ..., message_id: _Optional[str] = ..., reason: _Optional[str] = ..., detail: _Optional[str] = ..., died_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., worker: _Optional[str] = ..., deliveries: _Optional[int] = ..., replays: _Optional[int] = ..., request_id: _Optional[str] = ..., trace_id: _Optional[str] = ..., size_bytes: _Optional[int] = ...) -> None: ...

class DeadLetterPage(_message.Message):
    __slots__ = ("items", "next")
    ITEMS_FIELD_NUMBER: _ClassVar[int]
    NEXT_FIELD_NUMBER: _ClassVar[int]
    items: _containers.RepeatedCompositeFieldContainer[DeadLetter]
    next: str
    def __init__(self, items: _Optional[_Iterable[_Union[DeadLetter, _Mapping]]] = ..., next: _Optional[str] = ...) -> None: ...

class DeadLetterStory(_message.Message):
    __slots__ = ("letter", "content_type", "body", "traceback")
    LETTER_FIELD_NUMBER: _ClassVar[int]
    CONTENT_TYPE_FIELD_NUMBER: _ClassVar[int]
    BODY_FIELD_NUMBER: _ClassVar[int]
    TRACEBACK_FIELD_NUMBER: _ClassVar[int]
    letter: DeadLetter
    content_type: str
    body: str
    traceback: str
    def __init__(self, letter: _Optional[_Union[DeadLetter, _Mapping]] = ..., content_type: _Optional[str] = ..., body: _Optional[str] = ..., traceback: _Optional[str] = ...) -> None: ...

class ActOnDeadLettersRequest(_message.Message):
    __slots__ = ("action", "ids", "queue", "workspace_id", "actor", "ip", "user_agent")
    ACTION_FIELD_NUMBER: _ClassVar[int]
    IDS_FIELD_NUMBER: _ClassVar[int]
    QUEUE_FIELD_NUMBER: _ClassVar[int]
    WORKSPACE_ID_FIELD_NUMBER: _ClassVar[int]
    ACTOR_FIELD_NUMBER: _ClassVar[int]
    IP_FIELD_NUMBER: _ClassVar[int]
    USER_AGENT_FIELD_NUMBER: _ClassVar[int]
    action: str
    ids: _containers.RepeatedScalarFieldContainer[str]
    queue: str
    workspace_id: str
    actor: str
    ip: str
    user_agent: str
    def __init__(self, action: _Optional[str] = ..., ids: _Optional[_Iterable[str]] = ..., queue: _Optional[str] = ..., workspace_id: _Optional[str] = ..., actor: _Optional[str] = ..., ip: _Optional[str] = ..., user_agent: _Optional[str] = ...) -> None: ...

class ActOnDeadLettersAnswer(_message.Message):
    __slots__ = ("count", "remaining")
    COUNT_FIELD_NUMBER: _ClassVar[int]
    REMAINING_FIELD_NUMBER: _ClassVar[int]
    count: int
    remaining: int
    def __init__(self, count: _Optional[int] = ..., remaining: _Optional[int] = ...) -> None: ...
