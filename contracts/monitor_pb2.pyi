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
