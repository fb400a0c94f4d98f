"""The containers: every process is one, each knows no more than it needs, and the tools find no fault."""

from __future__ import annotations

import importlib
import json
import os
import shutil
import ssl
import stat
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import grpc
import psycopg
import pytest
from sqlalchemy.engine import make_url

from cli.local.origin import Skip, find_postgres
from cli.local.processes import PROCESSES, Process
from config import broker
from config.settings import (
    SERVICES,
    Beat,
    Broker,
    Intake,
    Links,
    LinksKey,
    Logging,
    Metrics,
    Notifications,
    Relaying,
    Rpc,
    Web,
    Worker,
    load,
)
from deploy import health
from tests.conftest import ROOT

Container = dict[str, Any]
WORKER_SETTINGS = {
    "intake": (Intake, Relaying),
    "links": (Links, LinksKey),
    "notifications": (Notifications,),
    "audit": (),
}
RPC_SERVICES = Rpc.__dataclass_fields__["services"].default
WORKERS = tuple(process for process in PROCESSES if process.consumes)
CHECKERS = {"links", "links-2", "links-3"}
OUTSIDE = {*CHECKERS, "notifications", "gateway"}


def tool(name: str) -> str:
    """A program of the development tools, which `make test` installs beside Python."""
    found = shutil.which(name, path=f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}")
    assert found, (
        f"{name} was not found, and the containers cannot be judged without it; see the extra `dev` in setup.cfg"
    )
    return found


def make_env(folder: Path, *hosts: str) -> subprocess.CompletedProcess[str]:
    (folder / "deploy").mkdir(exist_ok=True)
    shutil.copy(ROOT / "deploy" / "make-env", folder / "deploy")
    return subprocess.run([folder / "deploy" / "make-env", *hosts], capture_output=True, text=True, check=False)


def config(environ: dict[str, str]) -> subprocess.CompletedProcess[str]:
    command = [tool("docker-compose"), "--env-file", os.devnull, "-f", ROOT / "docker-compose.yml", "config"]
    bare = {name: value for name, value in os.environ.items() if not name.startswith("PRANALA_")}
    return subprocess.run(
        [*command, "--format", "json"], env=bare | environ, capture_output=True, text=True, check=False
    )


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which deploy/make-env has run."""
    folder = tmp_path_factory.mktemp("made")
    done = make_env(folder, "links.example.org", "192.0.2.7")
    assert done.returncode == 0, done.stderr
    return folder


@pytest.fixture(scope="module")
def compose(made: Path) -> dict[str, Any]:
    """docker-compose.yml as Compose understands it."""
    answer = config({"PRANALA_SECRETS": str(made / "deploy" / "secrets")})
    assert answer.returncode == 0, answer.stderr
    understood: dict[str, Any] = json.loads(answer.stdout)
    return understood


@pytest.fixture(scope="module")
def containers(compose: dict[str, Any]) -> dict[str, Container]:
    found: dict[str, Container] = compose["services"]
    return found


def environ_of(container: Container, made: Path) -> dict[str, str]:
    """What the container's process finds in its environment, with its secrets where they lie on this machine."""
    given = {name: value for name, value in container["environment"].items() if value is not None}
    return {name: value.replace("/run/secrets", str(made / "deploy" / "secrets")) for name, value in given.items()}


def secrets_of(container: Container) -> set[str]:
    return {secret["source"] for secret in container.get("secrets", ())}


def words_of(process: Process) -> list[str]:
    """The launcher's command as a container has it: `celery …` for `python -m celery …`."""
    return [word.format(run="/tmp") for word in process.command[1:]]


def test_compose_without_secrets_says_how_to_make_them() -> None:
    answer = config({})
    assert answer.returncode != 0
    assert "run deploy/make-env first" in answer.stderr


@pytest.mark.parametrize("process", WORKERS, ids=lambda process: process.name)
def test_a_worker_runs_as_the_launcher_runs_it(process: Process, containers: dict[str, Container]) -> None:
    assert sorted(containers[process.name]["command"]) == sorted(words_of(process))


def test_the_front_api_and_the_beat_run_as_the_launcher_runs_them(containers: dict[str, Container]) -> None:
    launched = {process.name: words_of(process) for process in PROCESSES if process.name in ("web", "beat")}
    assert {name: containers[name]["command"] for name in launched} == launched


def test_every_queue_is_consumed_by_some_container(containers: dict[str, Container]) -> None:
    consumed: set[str] = set()
    for process in WORKERS:
        command = containers[process.name]["command"]
        service = command[command.index("-A") + 1].removeprefix("workers.")
        consumed |= set(command[command.index("-Q") + 1].split(",") if "-Q" in command else broker.QUEUES[service])
    assert consumed == {name for names in broker.QUEUES.values() for name in names}


def test_every_service_is_asked_at_a_container_of_its_own(containers: dict[str, Container]) -> None:
    for service in RPC_SERVICES:
        server = containers[f"{service}-rpc"]
        assert server["command"] == ["python", "-m", "workers.rpc"]
        assert server["environment"]["PRANALA_RPC_SERVICES"] == service
        assert containers["web"]["environment"][f"PRANALA_{service.upper()}_RPC"] == f"{service}-rpc:50051"


@pytest.mark.parametrize("service", SERVICES)
def test_every_database_has_a_migration_and_a_relay_of_its_own(service: str, containers: dict[str, Container]) -> None:
    assert containers[f"{service}-migrate"]["command"] == ["python", "-m", "workers.migrate"]
    assert containers[f"{service}-relay"]["command"] == ["python", "-m", "workers.relay"]
    for name in (service, f"{service}-relay", f"{service}-rpc"):
        if f"{service}_database_url" in secrets_of(containers.get(name, {})):
            needs = containers[name]["depends_on"][f"{service}-migrate"]
            assert needs["condition"] == "service_completed_successfully"


def test_only_the_gateway_is_published(containers: dict[str, Container]) -> None:
    assert [name for name, container in containers.items() if container.get("ports")] == ["gateway"]
    assert all(container.get("network_mode") is None for container in containers.values())


def test_the_gateway_cannot_reach_a_database_or_the_broker(compose: dict[str, Any]) -> None:
    networks = {name: set(container["networks"]) for name, container in compose["services"].items()}
    assert not networks["gateway"] & (networks["postgres"] | networks["rabbitmq"])


def test_only_links_workers_can_reach_the_limits_by_host(compose: dict[str, Any]) -> None:
    networks = {name: set(container["networks"]) for name, container in compose["services"].items()}
    assert networks["valkey"] == {"limits"}
    assert {name for name, its in networks.items() if "limits" in its} == {"valkey", *CHECKERS}


def test_the_limits_by_host_are_behind_the_password_that_their_users_have(made: Path) -> None:
    secrets = made / "deploy" / "secrets"
    [line] = (secrets / "valkey.conf").read_text().splitlines()
    password = line.removeprefix("requirepass ")
    assert load(Links, {"PRANALA_REDIS_URL_FILE": str(secrets / "redis_url")}).redis_url == (
        f"redis://:{password}@valkey:6379/0"
    )


def test_only_what_fetches_delivers_or_serves_can_reach_the_outside(compose: dict[str, Any]) -> None:
    open_networks = {name for name, network in compose["networks"].items() if not network.get("internal")}
    reaching = {name for name, container in compose["services"].items() if open_networks & set(container["networks"])}
    assert reaching == OUTSIDE


def test_a_secret_is_given_only_to_those_who_use_it(compose: dict[str, Any]) -> None:
    containers = compose["services"]
    consuming = {process.name for process in WORKERS}
    relays = {f"{service}-relay" for service in SERVICES}
    expected = {
        "postgres_password": {"postgres", "databases"},
        "broker_url": {*consuming, *relays, "beat", "monitor-rpc"},
        "rabbitmq_user.conf": {"rabbitmq"},
        "redis_url": CHECKERS,
        "valkey.conf": {"valkey"},
        "rpc_token": {"web", *(f"{service}-rpc" for service in RPC_SERVICES)},
        "secret_key": {"web"},
        "links_key": {*CHECKERS, "links-rpc"},
        "notifications_key": {"notifications", "notifications-rpc"},
        "smtp_url": {"notifications"},
        "tls.crt": {"gateway"},
        "tls.key": {"gateway"},
    }
    for service in SERVICES:
        own = {
            service,
            f"{service}-2",
            f"{service}-3",
            f"{service}-rpc",
            f"{service}-relay",
            f"{service}-migrate",
        } & set(containers)
        expected[f"{service}_database_url"] = {*own, "databases"}
    expected["intake_database_url"] |= {"web"}
    assert set(compose["secrets"]) == set(expected)
    for secret, holders in expected.items():
        assert {name for name, container in containers.items() if secret in secrets_of(container)} == holders, secret


def test_secrets_are_files_and_never_values(containers: dict[str, Container]) -> None:
    secret = ("_URL", "_TOKEN", "_KEY", "PASSWORD")
    # The address of a public server, and no password in it.
    public = ("PRANALA_WAYBACK_URL",)
    for name, container in containers.items():
        mounted = {f"/run/secrets/{source}" for source in secrets_of(container)}
        for setting, value in container.get("environment", {}).items():
            assert setting in public or not setting.endswith(secret), f"{name} is given {setting} by value"
            if value and value.startswith("/run/secrets/"):
                assert value in mounted, f"{name} is told of {value}, which it cannot see"


def test_every_container_is_asked_whether_it_lives_and_comes_back(containers: dict[str, Container]) -> None:
    for name, container in containers.items():
        once = name == "databases" or name.endswith("-migrate")
        assert container["restart"] == ("no" if once else "unless-stopped"), name
        assert ("healthcheck" in container) is not once, name


def test_every_container_is_hardened(containers: dict[str, Container]) -> None:
    for name, container in containers.items():
        assert container["read_only"], name
        assert container["init"], name
        assert container["cap_drop"] == ["ALL"], name
        assert container["security_opt"] == ["no-new-privileges:true"], name
        assert container["user"].split(":")[0] not in ("", "0", "root"), name
        assert not container.get("privileged"), name


def settings_read(name: str) -> tuple[type, ...]:
    """The classes of settings that a container's process loads, its database aside."""
    if name == "web":
        return (Logging, Web, Intake)
    if name == "beat":
        return (Logging, Broker, Beat)
    if name == "links-relay":
        return (Logging, Metrics, Broker, Relaying)
    service = name.partition("-")[0]
    return (Logging, Metrics, Broker, Worker, *WORKER_SETTINGS[service])


@pytest.mark.parametrize("name", ["web", "beat", "links-relay", *(process.name for process in WORKERS)])
def test_every_setting_that_a_process_reads_can_be_given_to_its_container(
    name: str, containers: dict[str, Container]
) -> None:
    environ = set(containers[name]["environment"])
    given = environ | {setting.removesuffix("_FILE") for setting in environ}
    read = {field.metadata["env"] for cls in settings_read(name) for field in cls.__dataclass_fields__.values()}
    assert read <= given


@pytest.mark.parametrize("process", WORKERS, ids=lambda process: process.name)
def test_what_a_worker_is_given_is_enough_to_build_it(
    process: Process, containers: dict[str, Container], made: Path
) -> None:
    environ = environ_of(containers[process.name], made)
    service = process.name.partition("-")[0]
    built = importlib.import_module(f"tasks.{service}.service").build(environ)
    built.stop()
    assert broker.is_rabbitmq(load(Broker, environ).url)


@pytest.mark.parametrize("service", RPC_SERVICES)
def test_what_an_rpc_server_is_given_is_enough_to_build_it(
    service: str, containers: dict[str, Container], made: Path
) -> None:
    environ = environ_of(containers[f"{service}-rpc"], made)
    assert load(Rpc, environ).services == (service,)
    server = grpc.server(None)
    importlib.import_module(f"workers.rpc.{service}").register(server, environ)


def test_what_the_front_api_is_given_is_enough_and_its_gateway_is_believed(
    containers: dict[str, Container], made: Path
) -> None:
    settings = load(Web, environ_of(containers["web"], made))
    assert settings.trusted_proxies == 1
    assert settings.bind == "0.0.0.0"


def test_a_setting_of_the_env_file_reaches_its_container(made: Path) -> None:
    answer = config({"PRANALA_SECRETS": str(made / "deploy" / "secrets"), "PRANALA_CONFIRM_HARD": "5"})
    links = json.loads(answer.stdout)["services"]["links"]
    assert load(Links, environ_of(links, made)).confirm_hard == 5


def test_the_image_holds_every_package_that_a_container_runs() -> None:
    lines = (ROOT / "deploy" / "Dockerfile").read_text().splitlines()
    copies = [line.split()[1:-1] for line in lines if line.startswith("COPY ") and "--from" not in line]
    copied = {word for words in copies for word in words}
    sent = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    assert copied == sent
    assert {"config", "contracts", "tasks", "workers", "web", "migrations", "deploy/health.py"} <= copied
    assert {word for word in copied if not (ROOT / word).exists()} == set()


def test_hadolint_finds_no_fault_with_the_image() -> None:
    done = subprocess.run(
        [tool("hadolint"), ROOT / "deploy" / "Dockerfile"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout


def test_make_env_makes_every_secret_that_the_containers_ask_for(made: Path, compose: dict[str, Any]) -> None:
    secrets = made / "deploy" / "secrets"
    assert {path.name for path in secrets.iterdir()} == set(compose["secrets"])
    assert stat.S_IMODE(secrets.stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in secrets.iterdir()} == {0o644}
    assert stat.S_IMODE((made / ".env").stat().st_mode) == 0o600


def test_make_env_never_makes_the_same_secret_twice(made: Path, tmp_path: Path) -> None:
    assert make_env(tmp_path).returncode == 0
    texts = [
        path.read_text()
        for folder in (made, tmp_path)
        for path in (folder / "deploy" / "secrets").iterdir()
        if path.name != "smtp_url"
    ]
    assert len(set(texts)) == len(texts)


def test_make_env_refuses_to_overwrite(made: Path) -> None:
    before = {path: path.read_text() for path in (made / "deploy" / "secrets").iterdir()}
    again = make_env(made)
    assert again.returncode == 1
    assert "nothing was changed" in again.stderr
    assert {path: path.read_text() for path in (made / "deploy" / "secrets").iterdir()} == before


def test_the_certificate_is_for_the_names_that_were_given(made: Path) -> None:
    secrets = made / "deploy" / "secrets"
    ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(secrets / "tls.crt", secrets / "tls.key")
    authorities = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    authorities.load_verify_locations(secrets / "tls.crt")
    (certificate,) = authorities.get_ca_certs()
    assert certificate["subjectAltName"] == (("DNS", "links.example.org"), ("IP Address", "192.0.2.7"))


@pytest.fixture
def role_files(tmp_path: Path, postgres_url: str) -> list[Path]:
    """URLs as make-env writes them, of roles that no other test knows."""
    server = make_url(postgres_url)
    files = []
    for service in ("one", "other"):
        url = server.set(
            drivername="postgresql+psycopg",
            username=f"compose_{service}",
            password=f"secret-of-{service}",
            database=f"compose_{service}",
        )
        files.append(tmp_path / service)
        files[-1].write_text(url.render_as_string(hide_password=False) + "\n")
    return files


def make_databases(postgres_url: str, files: list[Path]) -> None:
    server = make_url(postgres_url)
    environ = {
        "PATH": f"{find_postgres(Skip()).path}{os.pathsep}{os.environ['PATH']}",
        "PGHOST": str(server.host),
        "PGPORT": str(server.port),
        "PGUSER": str(server.username),
        "PGPASSWORD": str(server.password),
    }
    script = ROOT / "deploy" / "postgres" / "databases.sh"
    done = subprocess.run([script, *files], env=environ, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def connect(file: Path, database: str) -> psycopg.Connection[Any]:
    url = make_url(file.read_text().strip()).set(drivername="postgresql", database=database)
    return psycopg.connect(url.render_as_string(hide_password=False), autocommit=True)


def test_a_role_owns_its_database_and_is_refused_by_the_others(postgres_url: str, role_files: list[Path]) -> None:
    make_databases(postgres_url, role_files)
    make_databases(postgres_url, role_files)
    one, other = role_files
    with connect(one, "compose_one") as own:
        own.execute("CREATE TABLE IF NOT EXISTS mine (id int)")
    for database in ("compose_other", "postgres", "template1"):
        with pytest.raises(psycopg.OperationalError, match="permission denied for database"):
            connect(one, database)
    with connect(other, "compose_other") as own:
        mighty = "SELECT rolsuper OR rolcreatedb OR rolcreaterole FROM pg_roles WHERE rolname = current_user"
        assert own.execute(mighty).fetchone() == (False,)


def test_a_password_that_changed_is_set(postgres_url: str, role_files: list[Path]) -> None:
    make_databases(postgres_url, role_files)
    one = role_files[0]
    one.write_text(one.read_text().replace("secret-of-one", "another-secret"))
    make_databases(postgres_url, role_files)
    connect(one, "compose_one").close()


@pytest.fixture
def signs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PRANALA_HEARTBEAT_DIR", str(tmp_path))
    monkeypatch.setenv("PRANALA_SERVICE_NAME", "links")
    return tmp_path


@pytest.mark.parametrize(
    ("ready", "beat_age_s", "alive"),
    [(True, 1, True), (True, 60, False), (False, 60, True), (False, None, True)],
    ids=["consuming", "stuck", "broker away", "starting"],
)
def test_only_a_worker_that_should_beat_and_does_not_is_dead(
    signs: Path, ready: bool, beat_age_s: float | None, alive: bool
) -> None:
    if ready:
        (signs / "links.ready").touch()
    if beat_age_s is not None:
        (signs / "links.beat").touch()
        os.utime(signs / "links.beat", (time.time() - beat_age_s,) * 2)
    assert health.main(["worker"]) == (0 if alive else 1)


def test_a_container_holds_a_connection_or_does_not(postgres_url: str) -> None:
    port = str(make_url(postgres_url).port)
    with psycopg.connect(postgres_url.replace("postgresql+psycopg", "postgresql")):
        assert health.main(["holds", port]) == 0
    assert health.main(["holds", "9"]) == 1


def test_a_server_that_is_not_there_is_not_alive(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PRANALA_PORT", "9")
    monkeypatch.setenv("PRANALA_RPC_BIND", "127.0.0.1:9")
    assert health.main(["web"]) == 1
    assert health.main(["rpc"]) == 1
