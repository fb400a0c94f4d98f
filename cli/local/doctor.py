"""What would keep the product from running on this machine, what keeps it from working now, and what to do."""

import os
import shutil
import stat
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from enum import Enum

from cli.local.backing import SERVICES, Given
from cli.local.data import DataDir
from cli.local.demo import HOST
from cli.local.errors import LocalError, NotReady
from cli.local.origin import Skip, find_postgres, find_rabbitmq, find_redis, which
from cli.local.ports import is_free
from cli.local.product import get, loopback_url
from cli.local.readiness import ask_postgres, ask_rabbitmq, ask_redis, where
from cli.local.supervisord import Supervisord

OLDEST_PYTHON = (3, 11)
GIB = 1 << 30
LITTLE_SPACE = 2 * GIB
NO_SPACE = GIB // 4
# Of config/failpoints.py, which this package does not import.
FAILPOINTS = "PRANALA_FAILPOINTS_DIR"


class Health(Enum):
    GOOD = "good"
    DOUBTFUL = "doubtful"
    BAD = "bad"


@dataclass(frozen=True)
class Finding:
    """`advice` says what to do, where there is something to do."""

    subject: str
    words: str
    health: Health = Health.GOOD
    advice: str = ""


def examine(env: Mapping[str, str]) -> list[Finding]:
    data = DataDir.from_environment(env)
    holder = data.holder()
    findings = [_python(), *_data(data), _space(data), *_servers(env, data), *_failpoints(env)]
    if holder is None:
        findings += [_port(env), _demo_address()]
    else:
        findings += [Finding("running", f"yes, process {holder}"), *_processes(data), *_dependencies(env)]
    return findings


def _python() -> Finding:
    version = ".".join(map(str, sys.version_info[:3]))
    if sys.version_info < OLDEST_PYTHON:
        return Finding("Python", version, Health.BAD, "install Python 3.11 or newer, delete .venv, run make up again")
    return Finding("Python", f"{version}, {sys.executable}")


def _data(data: DataDir) -> Iterator[Finding]:
    if not data.root.exists():
        yield Finding("data directory", f"{data.root} will be made on the first run")
        return
    for path in (data.root, data.root / "secrets.json", data.admin_key):
        if path.exists():
            yield _private(str(path), path.stat())


def _private(path: str, found: os.stat_result) -> Finding:
    mode = stat.S_IMODE(found.st_mode)
    if found.st_uid != os.getuid():
        return Finding(path, f"belongs to user {found.st_uid}", Health.BAD, "run as that user, or set PRANALA_DATA_DIR")
    if mode & 0o077:
        return Finding(path, f"is open to others (mode {mode:o})", Health.BAD, f"chmod go= {path}")
    return Finding(path, f"private (mode {mode:o})")


def _space(data: DataDir) -> Finding:
    place = next(path for path in (data.root, *data.root.parents) if path.exists())
    free = shutil.disk_usage(place).free
    words = f"{free / GIB:.1f} GiB free at {place}"
    if free < NO_SPACE:
        return Finding("disk", words, Health.BAD, "free some space: RabbitMQ refuses messages when it runs out")
    if free < LITTLE_SPACE:
        return Finding("disk", words, Health.DOUBTFUL, "history grows with every check: plan for more")
    return Finding("disk", words)


def _servers(env: Mapping[str, str], data: DataDir) -> Iterator[Finding]:
    given, skip = Given(env), Skip.from_environment(env)
    broker, redis = given.get("PRANALA_BROKER_URL"), given.get("PRANALA_REDIS_URL")
    yield _given("broker", broker, _ask_broker) if broker else _rabbitmq(skip, data)
    yield _given("Redis", redis, ask_redis) if redis else _found("Redis", lambda: find_redis(skip).words)
    databases = [url for service in SERVICES if (url := given.database(service))]
    superuser = given.get("PRANALA_POSTGRES_URL")
    if superuser:
        databases.append(superuser)
    for url in databases:
        yield _given("PostgreSQL", url, ask_postgres)
    if not superuser and len(databases) < len(SERVICES):
        version = data.root / "postgres" / "store" / "PG_VERSION"
        made_by = version.read_text().strip() if version.exists() else None
        yield _found("PostgreSQL", lambda: find_postgres(skip, made_by).words)


def _failpoints(env: Mapping[str, str]) -> Iterator[Finding]:
    if env.get(FAILPOINTS):
        advice = f"unset {FAILPOINTS} anywhere but in a test"
        yield Finding("failpoints", "processes can be told to die here", Health.BAD, advice)


def _given(subject: str, url: str, ask: Callable[[str], None]) -> Finding:
    try:
        ask(url)
    except NotReady as error:
        return Finding(subject, str(error), Health.BAD, "start that server, or correct its URL in the environment")
    return Finding(subject, f"{where(url)} answers, given by its URL")


def _ask_broker(url: str) -> None:
    (ask_rabbitmq if url.startswith("amqp") else ask_redis)(url)


def _found(subject: str, find: Callable[[], str]) -> Finding:
    try:
        return Finding(subject, find())
    except LocalError as error:
        return Finding(subject, "cannot be started here", Health.BAD, str(error))


def _rabbitmq(skip: Skip, data: DataDir) -> Finding:
    if found := find_rabbitmq(skip):
        return Finding("RabbitMQ", found.words)
    if "apt" in skip or not (which("apt-get") and which("dpkg-deb")):
        advice = "install rabbitmq-server, or set PRANALA_BROKER_URL; without it Valkey is the broker"
        return Finding("RabbitMQ", "not found", Health.DOUBTFUL, advice)
    how = "installed with apt-get" if os.getuid() == 0 else f"unpacked under {data.root} with apt-get download"
    return Finding("RabbitMQ", f"not found: on the first run it will be {how}")


def _port(env: Mapping[str, str]) -> Finding:
    bind, port = env.get("PRANALA_BIND") or "127.0.0.1", int(env.get("PRANALA_PORT") or 8080)
    if is_free(port, bind):
        return Finding("API port", f"{port} on {bind} is free")
    advice = f"set PRANALA_PORT, or stop the program that `ss -ltnp 'sport = :{port}'` names"
    return Finding("API port", f"{port} on {bind} is taken", Health.BAD, advice)


def _demo_address() -> Finding:
    if is_free(0, HOST):
        return Finding("demo site", f"{HOST} can be used")
    return Finding("demo site", f"{HOST} cannot be used", Health.BAD, "the loopback interface must own 127.0.0.0/8")


def _processes(data: DataDir) -> Iterator[Finding]:
    supervisord = Supervisord(data)
    try:
        states = supervisord.states()
    except OSError as error:
        yield Finding("processes", f"supervisord does not answer: {error}", Health.BAD, "stop and start pranala up")
        return
    for state in states:
        if state.status != "RUNNING":
            advice = f"read {supervisord.log_file(state.name)}"
            yield Finding(state.name, f"{state.status.lower()}, {state.description}", Health.BAD, advice)
    running = [state.name for state in states if state.status == "RUNNING"]
    yield Finding("processes", f"{len(running)} of {len(states)} run: {', '.join(running)}")


def _dependencies(env: Mapping[str, str]) -> Iterator[Finding]:
    try:
        answer = get(loopback_url(env) + "/readyz")
    except NotReady as error:
        yield Finding("API", str(error), Health.BAD, "read web.log in the log directory")
        return
    dependencies = answer.body.get("dependencies") if isinstance(answer.body, dict) else None
    if not dependencies:
        yield Finding("API", f"/readyz answers with {answer.status}", Health.BAD, "read web.log in the log directory")
        return
    for name, found in dependencies.items():
        health = Health.GOOD if found["ok"] else Health.BAD
        advice = "" if found["ok"] else "read rpc.log and postgres.log in the log directory"
        yield Finding(f"API → {name}", found["detail"], health, advice)
