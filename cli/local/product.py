"""The product on its backing servers: migrated, started, asked whether it is ready, killed and stopped by name."""

import http.client
import json
import shutil
import urllib.request
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.error import HTTPError

from cli.local.backing import Backing
from cli.local.data import make_private
from cli.local.errors import LocalError, NotReady
from cli.local.processes import CREATE_KEY, MIGRATE, PROCESSES, ROOT, Process, make_environment, make_program
from cli.local.program import Program, write_private
from cli.local.readiness import wait_until

GROUP = "product"
READY_WITHIN_S = 90


@dataclass(frozen=True)
class Answer:
    status: int
    body: Any


class Product:
    """`env` is the environment of its processes over what is made for them, `extra` programs run beside them.

    `root` holds the code that they run.
    """

    def __init__(
        self, backing: Backing, env: Mapping[str, str], extra: Iterable[Program] = (), root: Path = ROOT
    ) -> None:
        self.backing = backing
        self.env = make_environment(backing, env)
        self._extra = tuple(extra)
        self._root = root
        self._supervisord = backing.local.supervisord
        self._started: tuple[Process, ...] = ()

    @property
    def url(self) -> str:
        return loopback_url(self.env)

    def migrate(self) -> None:
        """Bring every database to the newest schema."""
        self._run_once(MIGRATE)

    def create_key(self) -> str:
        """A new API key with the scope `admin`."""
        lines = self._run_once(CREATE_KEY).split()
        if not lines:
            raise LocalError("`python -m workers.accounts create-key` printed no key")
        return lines[-1]

    def launch(self, names: Iterable[str] | None = None) -> None:
        """Have the processes started, all or those named, without waiting for them."""
        for folder in (self._heartbeats, self.backing.local.data.temporary):
            shutil.rmtree(folder, ignore_errors=True)
            make_private(folder)
        wanted = None if names is None else set(names)
        self._started = tuple(one for one in PROCESSES if wanted is None or one.name in wanted)
        programs = (*self._extra, *(make_program(one, self.backing, self.env, self._root) for one in self._started))
        self._supervisord.add(GROUP, programs)
        self._supervisord.start(*(program.name for program in programs))

    def wait_ready(self, within_s: float = READY_WITHIN_S) -> None:
        """Until every process that can tell is at work, all run, and the API says that it is ready."""
        wait_until(self._ask, within_s, self._supervisord.raise_if_fatal)

    def stop(self, *names: str) -> None:
        """Stop processes in order; without names all, and they are forgotten."""
        if names:
            self._supervisord.stop(*names)
        else:
            self._supervisord.remove(GROUP)

    def start(self, *names: str) -> None:
        """Start processes that were stopped."""
        self._supervisord.start(*names)

    def kill(self, name: str) -> None:
        """SIGKILL one; supervisord brings it back."""
        self._supervisord.kill(name)

    def ask_api(self, path: str, key: str | None = None, body: object = None) -> Answer:
        """GET, or POST where there is a body; raises NotReady when nobody answers."""
        return get(self.url + path, key, body)

    @property
    def _heartbeats(self) -> Path:
        return self.backing.local.data.run / "heartbeat"

    def _ask(self) -> None:
        waiting = [
            one.name for one in self._started if one.tells and not (self._heartbeats / f"{one.name}.ready").exists()
        ]
        if waiting:
            raise NotReady(f"not at work yet: {', '.join(waiting)}")
        self._ask_running()
        started = {one.name for one in self._started}
        if "web" in started:
            self._ask_web(whole="rpc" in started)

    def _ask_running(self) -> None:
        states = [state for state in self._supervisord.states() if state.group == GROUP]
        if late := [f"{state.name} ({state.status.lower()})" for state in states if state.status != "RUNNING"]:
            raise NotReady(f"not running yet: {', '.join(late)}")

    def _ask_web(self, whole: bool) -> None:
        """The API is ready without the services behind it; the product as a `whole` is not."""
        answer = self.ask_api("/readyz")
        state = answer.body.get("state") if isinstance(answer.body, dict) else None
        if answer.status != 200 or (whole and state != "ready"):
            raise NotReady(f"{self.url}/readyz says {answer.status}: {answer.body}")

    def _run_once(self, process: Process) -> str:
        return self._supervisord.run_once(make_program(process, self.backing, self.env, self._root))


def read_or_make_key(product: Product) -> tuple[str, bool]:
    """The admin key, and whether it was made just now; it lies in a file that only its owner reads."""
    path = product.backing.local.data.admin_key
    if path.exists() and (key := path.read_text().strip()):
        return key, False
    key = product.create_key()
    write_private(path, f"{key}\n")
    return key, True


def loopback_url(env: Mapping[str, str]) -> str:
    """Where this machine reaches the API; a server bound to all addresses is on loopback too."""
    bind = env.get("PRANALA_BIND") or "127.0.0.1"
    host = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(bind, f"[{bind}]" if ":" in bind else bind)  # noqa: S104
    return f"http://{host}:{env.get('PRANALA_PORT') or '8080'}"


def get(url: str, key: str | None = None, body: object = None) -> Answer:
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    data = None if body is None else json.dumps(body).encode()
    if data is not None:
        headers["Content-Type"] = "application/json"
    request = urllib.request.Request(url, data, headers)  # noqa: S310 - the URL is our own
    # A proxy in the environment is for the outside world, not for loopback.
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(request, timeout=15) as response:
            return Answer(response.status, _decode(response.read()))
    except HTTPError as refusal:
        return Answer(refusal.code, _decode(refusal.read()))
    except (OSError, http.client.HTTPException) as error:
        raise NotReady(f"the API at {url} does not answer: {error}") from error


def _decode(body: bytes) -> Any:
    try:
        return json.loads(body)
    except ValueError:
        return body.decode(errors="replace")[:500]
