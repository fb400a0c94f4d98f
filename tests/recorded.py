"""Messages as each released version wrote them, kept in contracts/messages/<version>/: `python -m tests.recorded`.

Writes an example of every message class that this version has none of. What is written already is never written anew:
that today's code reads it is the promise.
"""

from __future__ import annotations

import dataclasses
import importlib
import json
import pkgutil
import types
import typing
import uuid
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import tasks
from tasks import wire
from tasks.wire import Event, Message

FOLDER = Path(__file__).parent.parent / "contracts" / "messages"
NOW = datetime(2026, 11, 22, 8, 30, tzinfo=UTC)
EXAMPLES: dict[Any, Any] = {bool: True, int: 7, float: 2.5, datetime: NOW, Any: "anything"}


def message_classes() -> set[type[Message]]:
    """Every message class of every service."""
    for module in pkgutil.walk_packages(tasks.__path__, "tasks."):
        if module.name.endswith(".messages"):
            importlib.import_module(module.name)
    return {kind for kind in _below(Message) - {Event} if kind.__module__.startswith("tasks.")}


def example(kind: type[Any]) -> Any:
    """An instance with every field set, the same every time."""
    hints = typing.get_type_hints(kind)
    names = [field.name for field in dataclasses.fields(kind)]
    return kind(**{name: _value(hints[name], name) for name in names})


def record_of(kind: type[Message]) -> dict[str, Any]:
    """What is written of a class: its name, its version, and the message as it travels."""
    return {"name": kind.name(), "version": kind.version, "body": json.loads(wire.encode(example(kind)))}


def write(folder: Path) -> list[Path]:
    """Write what is missing in the folder of one version; returns what was written."""
    folder.mkdir(parents=True, exist_ok=True)
    missing = [(kind, path) for kind in message_classes() if not (path := folder / f"{kind.name()}.json").exists()]
    for kind, path in missing:
        path.write_text(json.dumps(record_of(kind), indent=2) + "\n", encoding="utf-8")
    return sorted(path for _, path in missing)


def _below(base: type[Message]) -> set[type[Message]]:
    found = set(base.__subclasses__())
    return found | {each for kind in found for each in _below(kind)}


def _value(hint: Any, name: str) -> Any:
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin in (types.UnionType, typing.Union):
        return _value(next(each for each in arguments if each is not type(None)), name)
    if origin is tuple:
        kinds = arguments[:1] if Ellipsis in arguments else arguments
        return tuple(_value(each, name) for each in kinds)
    if origin is dict:
        return {name: _value(arguments[1], name)}
    if dataclasses.is_dataclass(hint):
        return example(typing.cast(type[Any], hint))
    if hint is uuid.UUID:
        return uuid.uuid5(uuid.NAMESPACE_URL, name)
    return name if hint is str else EXAMPLES[hint]


if __name__ == "__main__":
    for written in write(FOLDER / version("pranala")):
        print(written)
