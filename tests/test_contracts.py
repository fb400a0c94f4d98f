"""Every message has a handler, in the service whose queue it is sent to; names are unique; generated code is fresh."""

import base64
import importlib
import json
import shutil
import subprocess
import sys
from dataclasses import fields
from operator import attrgetter
from pathlib import Path
from typing import Any

import pytest

from config import broker
from config.settings import SERVICES
from tasks import wire
from tasks.service import Service
from tests.recorded import FOLDER, example, message_classes, write
from workers.ticks import TICKS

ROOT = Path(__file__).parent.parent
ENVIRON = {
    "PRANALA_LINKS_KEY": base64.b64encode(bytes(32)).decode(),
    "PRANALA_NOTIFICATIONS_KEY": base64.b64encode(bytes(32)).decode(),
    **{f"PRANALA_{name.upper()}_DATABASE_URL": f"postgresql+psycopg://nobody@127.0.0.1:9/{name}" for name in SERVICES},
}
MESSAGES = message_classes()
RECORDS = sorted(FOLDER.glob("*/*.json"))


@pytest.fixture(scope="module")
def services() -> dict[str, Service]:
    """Built as a worker builds them; nothing is connected before the first message."""
    return {name: importlib.import_module(f"tasks.{name}.service").build(ENVIRON) for name in broker.QUEUES}


def test_every_service_hears_exactly_the_events_that_its_queue_is_bound_to(services: dict[str, Service]) -> None:
    heard = {
        name: sorted(kind.name() for kind in service.handlers if kind.is_event) for name, service in services.items()
    }
    assert heard == {name: sorted(events) for name, events in broker.LISTENS.items()}


def test_every_event_is_heard_by_somebody_or_the_relay_could_not_route_it() -> None:
    bound = {event for events in broker.LISTENS.values() for event in events}
    assert {kind.name() for kind in MESSAGES if kind.is_event} == bound


def test_every_job_has_exactly_one_service_that_does_it(services: dict[str, Service]) -> None:
    doers = {
        kind.name(): [name for name, service in services.items() if kind in service.handlers]
        for kind in MESSAGES
        if not kind.is_event
    }
    assert all(len(names) == 1 for names in doers.values()), doers


def test_every_tick_goes_to_a_queue_of_the_service_that_does_it(services: dict[str, Service]) -> None:
    for tick, queue in TICKS.items():
        assert tick in services[queue.split(".")[0]].handlers


def test_message_names_are_unique_because_they_are_task_names() -> None:
    names = [kind.name() for kind in MESSAGES]
    assert sorted(set(names)) == sorted(names)


@pytest.mark.parametrize("path", RECORDS, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_todays_code_reads_what_every_released_version_wrote(path: Path) -> None:
    """And understands it: of the same version, nothing that was said is gone. Else it is a new version, or message."""
    record = json.loads(path.read_text())
    [kind] = [kind for kind in MESSAGES if kind.name() == record["name"]]
    message = wire.decode(kind, record["body"], record["version"])
    if kind.version == record["version"]:
        assert within(json.loads(wire.encode(message)), record["body"])


def within(now: Any, before: Any) -> bool:
    """Whether all that was said before is said now; there may be more fields by now."""
    if isinstance(before, dict):
        return all(name in now and within(now[name], value) for name, value in before.items())
    if isinstance(before, list):
        return len(now) == len(before) and all(map(within, now, before))
    return bool(now == before)


def test_every_message_is_on_record_and_a_record_is_never_written_anew(tmp_path: Path) -> None:
    """Where one is missing: `python -m tests.recorded`."""
    assert {path.stem for path in RECORDS} >= {kind.name() for kind in MESSAGES}
    assert len(write(tmp_path)) == len(MESSAGES)
    old = tmp_path / "CheckLinks.json"
    old.write_text("{}")
    assert (write(tmp_path), old.read_text()) == ([], "{}")


@pytest.mark.parametrize("kind", sorted(MESSAGES, key=attrgetter("__name__")), ids=lambda kind: kind.name())
def test_a_message_survives_the_wire_whole(kind: type[wire.Message]) -> None:
    sent = example(kind)
    body = json.loads(wire.encode(sent))
    assert wire.decode(kind, body, kind.version) == sent
    assert wire.VERSION not in {field.name for field in fields(kind)}


def test_the_generated_contracts_are_those_of_the_proto_files(tmp_path: Path) -> None:
    shutil.copytree(ROOT / "contracts", tmp_path / "contracts")
    generate = [
        sys.executable,
        "-m",
        "grpc_tools.protoc",
        "-I.",
        "--python_out=.",
        "--pyi_out=.",
        "--grpc_python_out=.",
    ]
    protos = sorted(path.relative_to(tmp_path).as_posix() for path in tmp_path.glob("contracts/*.proto"))
    subprocess.run([*generate, *protos], cwd=tmp_path, check=True)
    for made in tmp_path.glob("contracts/*_pb2*"):
        assert made.read_text() == (ROOT / "contracts" / made.name).read_text(), (
            f"run contracts/generate.sh: {made.name}"
        )
