"""The product's own processes: what is started, which databases each may open, what it finds in its environment."""

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from cli.local.backing import SERVICES, Backing
from cli.local.credentials import make_key
from cli.local.program import Program

ROOT = Path(__file__).resolve().parents[2]
RPC_SERVICES = ("links", "notifications", "audit", "accounts", "monitor")
# What is under way ends by itself within this: the longest is an RPC server's grace, or a webhook that says nothing.
STOP_WAIT_S = 20
WITHOUT_CHATTER = ("--without-heartbeat", "--without-gossip", "--without-mingle")


@dataclass(frozen=True)
class Process:
    """`command` follows the Python interpreter; `databases` are the services whose credentials it is given.

    `tells` is whether it leaves a file while it works, `alone` whether nobody else does its work meanwhile.
    """

    name: str
    command: tuple[str, ...]
    databases: tuple[str, ...] = ()
    consumes: bool = False
    tells: bool = False
    alone: bool = False


def worker(name: str, service: str, threads: int, *queues: str, alone: bool = True) -> Process:
    """A Celery pool of a service; `queues` when it does not read all of the service's."""
    only = ("-Q", ",".join(queues)) if queues else ()
    pool = ("-P", "threads", "-c", str(threads), "-n", f"{name}@%h", *WITHOUT_CHATTER)
    command = ("-m", "celery", "-A", f"workers.{service}", "worker", *pool, *only)
    return Process(name, command, (service,), consumes=True, tells=True, alone=alone)


WEB = Process("web", ("-m", "gunicorn", "-c", "config/gunicorn.py", "web.wsgi:app"), ("intake",))
PROCESSES = (
    WEB,
    worker("intake", "intake", 4),
    # A part takes as long as its slowest link: many threads, of which most wait. A second process uses a second core.
    worker("links", "links", 24, "links.bulk", "links.scheduled", alone=False),
    worker("links-2", "links", 24, "links.interactive"),
    worker("links-3", "links", 24, "links.bulk", "links.scheduled", alone=False),
    worker("notifications", "notifications", 8),
    worker("audit", "audit", 4),
    Process("relay", ("-m", "workers.relay"), SERVICES, tells=True, alone=True),
    Process("rpc", ("-m", "workers.rpc"), SERVICES, tells=True, alone=True),
    Process("beat", ("-m", "celery", "-A", "workers.beat", "beat", "--pidfile=")),
)
MIGRATE = Process("migrate", ("-m", "workers.migrate"), SERVICES)
CREATE_KEY = Process(
    "create-key",
    ("-m", "workers.accounts", "create-key", "--name", "admin", "--scope", "admin"),
    ("accounts",),
)


def make_program(process: Process, backing: Backing, env: Mapping[str, str], root: Path = ROOT) -> Program:
    """The process as supervisord runs it, with no more databases than it needs; its code is that in `root`."""
    databases = {database_setting(service): backing.database_urls[service] for service in process.databases}
    return Program(
        name=process.name,
        argv=(sys.executable, *process.command),
        env={**env, **databases, "PRANALA_SERVICE_NAME": process.name},
        cwd=root,
        start_s=2,
        stop_wait_s=STOP_WAIT_S,
    )


def make_environment(backing: Backing, env: Mapping[str, str]) -> dict[str, str]:
    """What all processes share: what `env` says wins over what is made here; databases are left out."""
    local = backing.local
    rpc = f"127.0.0.1:{local.ports.get('rpc')}"
    made = {
        "PRANALA_RPC_TOKEN": local.credentials.get("rpc-token"),
        "PRANALA_SECRET_KEY": local.credentials.get("secret-key"),
        "PRANALA_LINKS_KEY": local.credentials.get("links-key", make_key),
        "PRANALA_NOTIFICATIONS_KEY": local.credentials.get("notifications-key", make_key),
        "PRANALA_RPC_BIND": rpc,
        **{f"PRANALA_{service.upper()}_RPC": rpc for service in RPC_SERVICES},
        "PRANALA_HEARTBEAT_DIR": str(local.data.run / "heartbeat"),
        "PYTHONUNBUFFERED": "1",
    }
    decided = {
        "PRANALA_DATA_DIR": str(local.data.root),
        "PRANALA_BROKER_URL": backing.broker_url,
        "PRANALA_REDIS_URL": backing.redis_url,
        "TMPDIR": str(local.data.temporary),
    }
    kept = {name: value for name, value in env.items() if name not in _databases_and_files(decided)}
    missing = {name: value for name, value in made.items() if not (env.get(name) or env.get(f"{name}_FILE"))}
    return {**kept, **missing, **decided}


def database_setting(service: str) -> str:
    return f"PRANALA_{service.upper()}_DATABASE_URL"


def _databases_and_files(decided: Mapping[str, str]) -> set[str]:
    """Settings that are handed out process by process, that are known by value by now, or that are the launcher's."""
    databases = {database_setting(service) for service in SERVICES} | {"PRANALA_POSTGRES_URL"}
    return databases | {f"{name}_FILE" for name in databases | set(decided)}
